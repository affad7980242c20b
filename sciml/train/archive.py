"""Look at a file that claims to hold tensors before torch reads it.

``torch.load(weights_only=True)`` runs no code, but a hostile archive can still ask for memory that it
does not hold: compressed entries that expand, tensors larger than their storage, counters of a
pickle that name a place far away. Here the archive is read once with everything stubbed out.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

__all__ = ["Suspicious", "check_archive"]

MAX_ENTRIES = 100_000
MAX_PICKLE = 4 * 2**20  # long text is stored as tensors; a thousand tensors take some 200 kB
MAX_MEMO = 1_000_000
ITEM_BYTES = {"Double": 8, "Float": 4, "Half": 2, "BFloat16": 2, "Long": 8, "Int": 4, "Short": 2, "Char": 1}
ITEM_BYTES |= {"Byte": 1, "Bool": 1, "ComplexDouble": 16, "ComplexFloat": 8}


class Suspicious(ValueError):
    """The archive is not one that ``torch.save`` made from tensors, numbers and text."""


def check_archive(path: Path) -> None:
    """Check sizes and names of an archive against the bytes that are there.

    Raises:
        Suspicious: It claims something else than it holds.
        OSError, zipfile.BadZipFile, pickle.UnpicklingError: It cannot be read at all.
    """
    with zipfile.ZipFile(path) as archive:
        entries = {i.filename.partition("/")[2]: i for i in archive.infolist()}
        roots = {i.filename.partition("/")[0] for i in archive.infolist()}
        if len(roots) > 1 or len(entries) < len(archive.infolist()):
            msg = "it holds two entries of one name"
            raise Suspicious(msg)
        if len(entries) > MAX_ENTRIES or any(i.compress_type != zipfile.ZIP_STORED for i in entries.values()):
            msg = "it holds compressed entries, or too many"
            raise Suspicious(msg)
        if sum(i.file_size for i in archive.infolist()) > path.stat().st_size:
            msg = "its entries are larger than the file"
            raise Suspicious(msg)
        if "data.pkl" not in entries or entries["data.pkl"].file_size > MAX_PICKLE:
            msg = "it holds no list of tensors of a sensible length"
            raise Suspicious(msg)
        listing = archive.read(entries["data.pkl"])
    _check_counters(listing)
    sizes = {n.removeprefix("data/"): i.file_size for n, i in entries.items() if n.startswith("data/")}
    _Listing(listing, sizes).load()


def _check_counters(listing: bytes) -> None:
    for opcode, argument, _ in pickletools.genops(listing):
        if opcode.name in ("LONG_BINPUT", "PUT") and not 0 <= int(argument or 0) <= MAX_MEMO:
            msg = "its list of tensors counts beyond what it holds"
            raise Suspicious(msg)


class _Listing(pickle.Unpickler):
    """Reads the list of tensors without making any: names lead to stubs, storages to their sizes."""

    def __init__(self, listing: bytes, sizes: dict[str, int]) -> None:
        super().__init__(io.BytesIO(listing))
        self._sizes = sizes

    def find_class(self, module: str, name: str) -> Any:
        """Return the stub of the few names that tensors need."""
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _check_tensor
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        kind = name.removesuffix("Storage")
        if module == "torch" and kind in ITEM_BYTES and name.endswith("Storage"):
            return kind
        msg = f"it asks for {module[:40]}.{name[:40]}"
        raise Suspicious(msg)

    def persistent_load(self, pid: Any) -> int:
        """Return the number of values of a storage, which must be those that the file holds."""
        what, kind, key, place, count = pid
        right = what == "storage" and place == "cpu" and isinstance(count, int) and count >= 0
        if not right or self._sizes.get(key) != count * ITEM_BYTES[kind]:
            msg = "a tensor is not of the size that the file holds"
            raise Suspicious(msg)
        return int(count)


def _check_tensor(storage: int, offset: int, shape: Any, stride: Any, *_: Any) -> None:
    """Refuse what is not one plain block: a stride of 0 makes a huge tensor of a single number."""
    expected, plain = 1, offset == 0
    for size, step in zip(reversed(shape), reversed(stride), strict=True):
        plain = plain and isinstance(size, int) and size >= 0 and (size <= 1 or step == expected)
        expected *= max(size, 1)
    count = 0 if 0 in shape else expected
    if not plain or count > storage:
        msg = "a tensor is not a plain block of numbers"
        raise Suspicious(msg)
