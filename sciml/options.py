"""Frozen, keyword-only option objects that name the closest match to a misspelt option."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any, TypeVar, dataclass_transform

from sciml.errors import OptionError, did_you_mean

__all__ = ["as_record", "checked", "options"]

T = TypeVar("T")


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
    """Return an option object as JSON-ready data."""
    return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return as_record(value)
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
