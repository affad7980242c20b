"""Frozen, keyword-only option objects that name the closest match to a misspelt option."""

from __future__ import annotations

import dataclasses
import functools
import typing
from typing import Any, TypeVar, dataclass_transform

from sciml.errors import OptionError, did_you_mean

__all__ = ["as_record", "checked", "options", "rebuilt"]

T = TypeVar("T")
KIND = "kind"  # of an option object inside another


@dataclass_transform(frozen_default=True, kw_only_default=True)
def options(cls: type[T]) -> type[T]:
    """Make a class a frozen keyword-only dataclass whose errors name the option that was meant."""
    made: Any = dataclasses.dataclass(frozen=True, kw_only=True)(cls)
    original = made.__init__
    known = [f.name for f in dataclasses.fields(made)]

    def checked_init(self: Any, *args: Any, **given: Any) -> None:
        if args:
            msg = f"{cls.__name__} takes its options by name; got {args!r}."
            raise OptionError("O301", msg, fix=f"{cls.__name__}({known[0]}=...)")
        for name in given:
            if name not in known:
                msg = f"{cls.__name__} has no option {name!r}.{did_you_mean(name, known)}"
                raise OptionError("O302", msg, fix=f"options: {', '.join(known)}")
        original(self, **given)

    made.__init__ = functools.wraps(original)(checked_init)
    return made  # type: ignore[no-any-return]


def checked(name: str, value: Any, kind: type[T]) -> T:
    """Return an argument if it is of the right class.

    Raises:
        OptionError: It is not; the message says what to write.
    """
    if not isinstance(value, kind):
        msg = f"{name}= must be a sciml.{kind.__name__}; got {value!r}."
        raise OptionError("O304", msg, fix=f"{name}=sm.{kind.__name__}(...)")
    return value


def as_record(value: Any) -> dict[str, Any]:
    """Return an option object as JSON-ready data; option objects inside it carry the name of their class."""
    return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {KIND: type(value).__name__, **as_record(value)}
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def rebuilt(cls: type[T], record: Any) -> T:
    """Return the option object that a record describes.

    Only classes that the annotations of ``cls`` name can be made, so that a file cannot ask for others.

    Raises:
        OptionError: A value is impossible, or no option has this name.
        ValueError: The record is not one of this class.
    """
    if not isinstance(record, dict):
        msg = f"{cls.__name__} is stored as {type(record).__name__}, not by the names of its options."
        raise ValueError(msg)
    hints = typing.get_type_hints(cls)
    return cls(**{str(name): _rebuilt(value, hints.get(name)) for name, value in record.items()})


def _rebuilt(value: Any, hint: Any) -> Any:
    if isinstance(value, list):
        inner = next(iter(typing.get_args(hint)), None)  # options are hashable: what was stored were tuples
        return tuple(_rebuilt(v, inner) for v in value)
    if not isinstance(value, dict):
        return value
    known = {c.__name__: c for c in _classes(hint)}
    found = known.get(str(value.get(KIND)))
    if found is None:
        msg = f"no option object {str(value.get(KIND))[:40]!r} can stand here; known: {', '.join(known) or 'none'}."
        raise ValueError(msg)
    return rebuilt(found, {k: v for k, v in value.items() if k != KIND})


def _classes(hint: Any) -> list[type]:
    """Return the option classes that an annotation names, alone, in a union or in a tuple."""
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return [hint]
    return [c for part in typing.get_args(hint) for c in _classes(part)]
