"""Checkpoint files: plain on the way out, and harmless when hostile on the way in."""

import pickle
import time
import zipfile

import numpy as np
import pytest
import torch

from sciml.errors import FileError
from sciml.train.checkpoint import Checkpoint, read, write

STATE = {
    "a": torch.arange(6.0).reshape(2, 3),
    "n": 3,
    "text": "x",
    "none": None,
    "list": [1, (2.5, True)],
    "d": {1: {}},
}


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "checkpoint.pt"
    write(path, Checkpoint({"task": "t"}, {"k": [1, 2]}, {"data_1": np.ones(3)}, 5, 1.5, STATE))
    return path


def test_what_is_written_comes_back(good):
    found = read(good)
    assert (found.identity, found.record, found.done, found.seconds) == ({"task": "t"}, {"k": [1, 2]}, 5, 1.5)
    assert np.array_equal(found.arrays["data_1"], np.ones(3))
    assert torch.equal(found.state["a"], STATE["a"])
    assert {**found.state, "a": 0} == {**STATE, "a": 0}
    assert [p.name for p in good.parent.iterdir()] == ["checkpoint.pt"]


@pytest.mark.parametrize(
    "tensor",
    [
        torch.arange(12.0).reshape(3, 4).T,
        torch.zeros(1).expand(1000),
        torch.arange(5.0)[2:],
        torch.zeros(0, 3),
        torch.ones(2, dtype=torch.complex128).conj(),
        torch.nn.Parameter(torch.ones(2)),
        torch.ones(3, dtype=torch.bfloat16),
        torch.tensor(2.0),
    ],
    ids=["transposed", "expanded", "part", "empty", "conjugate", "parameter", "bfloat16", "number"],
)
def test_every_layout_of_a_tensor_is_stored_as_a_plain_block(tmp_path, tensor):
    write(tmp_path / "c.pt", Checkpoint({}, {}, {}, 0, 0.0, {"a": tensor}))
    found = read(tmp_path / "c.pt").state["a"]
    assert type(found) is torch.Tensor
    assert found.dtype == tensor.dtype
    assert torch.equal(found, tensor.detach())


def test_a_task_that_packs_an_object_is_told(tmp_path):
    with pytest.raises(TypeError, match="got Generator"):
        write(tmp_path / "c.pt", Checkpoint({}, {}, {}, 0, 0.0, {"a": torch.Generator()}))
    assert list(tmp_path.iterdir()) == []


class Touch:
    def __reduce__(self):
        return __import__("pathlib").Path.touch, (__import__("pathlib").Path("owned"),)


def archived(path, listing, entries=(), compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("a/data.pkl", listing)
        archive.writestr("a/version", "3\n")
        archive.writestr("a/byteorder", "little")
        for name, content in entries:
            archive.writestr(f"a/{name}", content)


def tensor_listing(count, shape, stride, kind="FloatStorage", offset=0):
    """The list that torch writes for one tensor, with numbers of our choice."""
    text = "ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storage"
    text += f"ctorch\n{kind}\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu"
    body = text.encode() + pickle.dumps(count, 2)[2:-1] + b"tQ" + pickle.dumps(offset, 2)[2:-1]
    body += pickle.dumps(shape, 2)[2:-1] + pickle.dumps(stride, 2)[2:-1] + b"\x89ccollections\nOrderedDict\n)RtR"
    return b"\x80\x02" + body + b"."


def nested(levels=40):
    lists = [1]
    for _ in range(levels):
        lists = [lists, lists]
    return pickle.dumps(lists, 2)


def deep():
    lists = []
    for _ in range(400):
        lists = [lists]
    return pickle.dumps(lists, 2)


BLOCK = [("data/0", bytes(16))]
HOSTILE = {
    "code": lambda p: torch.save({"state": Touch()}, p),
    "plain pickle": lambda p: p.write_bytes(pickle.dumps(Touch())),
    "old format": lambda p: torch.save({"a": torch.ones(3)}, p, _use_new_zipfile_serialization=False),
    "empty": lambda p: p.write_bytes(b""),
    "text": lambda p: p.write_text("hello"),
    "not a dictionary": lambda p: torch.save([1, 2], p),
    "other content": lambda p: torch.save({"weights": torch.ones(3)}, p),
    "other schema": lambda p: torch.save({"sciml_schema_version": 99}, p),
    "compressed": lambda p: archived(p, pickle.dumps({}, 2), [("data/0", bytes(10**7))], zipfile.ZIP_DEFLATED),
    "long list": lambda p: archived(p, pickle.dumps([0] * 10**7, 2)),
    "far memo": lambda p: archived(p, b"\x80\x02]r\xff\xff\xff\x7f."),
    "lists of lists": lambda p: archived(p, nested()),
    "deep": lambda p: archived(p, deep()),
    "no list": lambda p: archived(p, b""),
    "bytearray": lambda p: archived(p, b"\x80\x02cbuiltins\nbytearray\nJ\xff\xff\xff\x7f\x85R."),
    "storage larger than the file": lambda p: archived(p, tensor_listing(10**9, (10**9,), (1,)), BLOCK),
    "stride of zero": lambda p: archived(p, tensor_listing(4, (10**12,), (0,)), BLOCK),
    "beyond the storage": lambda p: archived(p, tensor_listing(4, (2, 4), (4, 1)), BLOCK),
    "negative": lambda p: archived(p, tensor_listing(4, (-4,), (1,)), BLOCK),
    "offset": lambda p: archived(p, tensor_listing(4, (4,), (1,), offset=10**9), BLOCK),
    "other storage": lambda p: archived(p, tensor_listing(4, (4,), (1,), kind="QInt8Storage"), BLOCK),
    "two lists": lambda p: archived(p, pickle.dumps({}, 2), [("../b/data.pkl", pickle.dumps(Touch()))]),
    "storage not there": lambda p: archived(p, tensor_listing(4, (4,), (1,))),
}


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
def test_hostile_files_are_refused_and_run_nothing(tmp_path, monkeypatch, make):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "checkpoint.pt"
    make(path)
    began = time.process_time()
    with pytest.raises(FileError, match="F412") as caught:
        read(path)
    assert caught.value.fix
    assert time.process_time() - began < 5.0
    assert not (tmp_path / "owned").exists()


def test_the_hostile_tensor_would_be_read_if_it_were_right(tmp_path):
    archived(tmp_path / "c.pt", tensor_listing(4, (2, 2), (2, 1)), BLOCK)
    assert torch.equal(torch.load(tmp_path / "c.pt"), torch.zeros(2, 2))


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(good, part):
    content = good.read_bytes()
    good.write_bytes(content[: int(part * len(content))])
    with pytest.raises(FileError, match="F412"):
        read(good)


def test_any_damaged_byte_is_refused_or_harmless(good):
    content = good.read_bytes()
    for place in range(0, len(content), 37):
        good.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
        try:
            read(good)
        except FileError as error:
            assert error.code == "F412"


ENTRIES = {
    "sciml_schema_version": [True, "1", torch.ones(1)],
    "done": [-1, 2**60, 1.5, "x", None, torch.ones(())],
    "seconds": [-1.0, float("nan"), 3, None],
    "state": [None, [1], torch.ones(1), {"a": {"b": torch.ones(2).to_sparse()}}],
    "identity": [None, "x", torch.ones(3), torch.zeros(5, dtype=torch.uint8)],
    "record": [
        None,
        {},
        torch.tensor(list(b"[" * 5000), dtype=torch.uint8),
        torch.tensor(list(b"[1]"), dtype=torch.uint8),
    ],
    "arrays": [None, [1], {"a": 1}],
}


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, values in ENTRIES.items() for v in values], ids=str)
def test_one_bad_entry_in_a_valid_file(good, name, value):
    content = torch.load(good)
    torch.save({**content, name: value}, good)
    with pytest.raises(FileError, match="F412"):
        read(good)


def test_a_missing_file_is_said_so(tmp_path):
    with pytest.raises(FileError, match="F411"):
        read(tmp_path / "checkpoint.pt")
