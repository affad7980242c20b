"""Result files: readable without us, equal after loading, harmless when hostile."""

import json
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

import sciml as sm
from sciml.errors import FileError
from sciml.problems.burgers import burgers
from sciml.problems.taylor_green import taylor_green

pytestmark = pytest.mark.quick


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    solution = taylor_green().solve(grid=sm.Grid(x=16, y=12, t=3))
    return solution, solution.save(tmp_path_factory.mktemp("files") / "flow.h5")


def run(code, *arguments):
    done = subprocess.run([sys.executable, "-I", "-c", code, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


BLOCKED = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] == 'sciml':
            raise ImportError('blocked')
sys.meta_path.insert(0, Block())
try:
    import sciml
    sys.exit('sciml is importable')
except ImportError:
    pass
"""
READERS = {
    "xarray": """
import xarray as xr
ds = xr.open_dataset(sys.argv[1], engine='h5netcdf')
tree = xr.open_datatree(sys.argv[1], engine='h5netcdf')
assert float(tree['parameters/nu']) == 0.05
print(dict(ds.sizes), ds['u_x'].dims, float(ds['u_x'][1, 2, 3]).hex())
""",
    "h5py": """
import h5py
with h5py.File(sys.argv[1]) as f:
    d = f['u_x']
    dims = tuple(d.dims[i][0].name.strip('/') for i in range(3))
    print(dict(zip(dims, d.shape)), dims, float(d[1, 2, 3]).hex())
""",
    "netCDF4": """
import netCDF4
with netCDF4.Dataset(sys.argv[1]) as f:
    d = f['u_x']
    print(dict(zip(d.dimensions, d.shape)), d.dimensions, float(d[1, 2, 3]).hex())
    assert f.Conventions == 'CF-1.12'
    assert f['parameters']['nu'][...] == 0.05
""",
}


@pytest.mark.parametrize("reader", READERS)
def test_plain_libraries_read_the_file_without_this_package(saved, reader):
    pytest.importorskip(reader, exc_type=ImportError)
    solution, path = saved
    value = float(solution.ds["u_x"][1, 2, 3]).hex()
    expected = f"{{'time': 4, 'y': 12, 'x': 16}} ('time', 'y', 'x') {value}\n"
    assert run(BLOCKED + READERS[reader], path) == expected


def test_loading_in_a_fresh_process_gives_equal_data_and_problem(saved):
    solution, path = saved
    code = """
import sys, hashlib, sciml as sm
s = sm.load(sys.argv[1])
bits = b''.join(s.ds[v].values.tobytes() for v in sorted(map(str, s.ds.variables)))
print(s.problem.digest, hashlib.sha256(bits).hexdigest(), s.status, s.method['name'])
print(float(s.compare('exact')['u'][-1]) < 1e-12, s.at(t=1.0, x=0.5, y=0.5)['u'].shape, s.provenance['run']['seed'])
"""
    import hashlib

    bits = b"".join(solution.ds[v].values.tobytes() for v in sorted(map(str, solution.ds.variables)))
    first, second = run(code, path).splitlines()
    assert first == f"{solution.problem.digest} {hashlib.sha256(bits).hexdigest()} converged spectral"
    assert second == "True (2,) 0"


def test_a_loaded_solution_equals_the_saved_one(saved):
    solution, path = saved
    loaded = sm.load(path)
    assert loaded.ds.identical(solution.ds)
    assert loaded.problem == solution.problem
    assert loaded.provenance == json.loads(json.dumps(solution.provenance))
    assert str(loaded) == str(solution)


def test_attributes_are_numbers_and_text_only(saved):
    _, path = saved
    with h5py.File(path) as file:
        kinds = {type(v) for v in file.attrs.values()}
    assert all(issubclass(k, (str, np.number, np.ndarray, bytes)) for k in kinds), kinds


def test_saving_replaces_the_old_file_only_when_complete(saved, tmp_path, monkeypatch):
    solution, _ = saved
    path = tmp_path / "a.h5"
    solution.save(path)
    before = path.read_bytes()

    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        solution.save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.h5"]


def test_bad_targets_are_refused_before_the_run(saved, tmp_path):
    with pytest.raises(FileError, match="is a folder"):
        saved[0].save(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="F410"):
        burgers().solve(grid=sm.Grid(x=96, t=1), run=sm.Run(out=tmp_path / "file" / "run"))


def test_missing_folder_and_missing_file(saved, tmp_path):
    with pytest.raises(FileError, match="F410"):
        saved[0].save(tmp_path / "no" / "a.h5")
    with pytest.raises(FileError, match="F411"):
        sm.load(tmp_path / "no.h5")


def test_foreign_and_damaged_files(saved, tmp_path):
    foreign = tmp_path / "foreign.h5"
    with h5py.File(foreign, "w") as file:
        file["data"] = np.zeros(3)
    with pytest.raises(FileError, match="not written by this package"):
        sm.load(foreign)
    (tmp_path / "text.h5").write_text("hello")
    with pytest.raises(FileError, match="F412"):
        sm.load(tmp_path / "text.h5")
    cut = tmp_path / "cut.h5"
    cut.write_bytes(saved[1].read_bytes()[:2000])
    with pytest.raises(FileError, match="F412"):
        sm.load(cut)


HOSTILE = {
    "code": "__import__('pathlib').Path('owned').touch()",
    "power": '{"schema": 1, "equations": {"e": [["Pow", 9, ["Pow", 9, 9]], 0]}}',
    "deep": "[" * 100_000 + "]" * 100_000,
    "huge number": "9" * 100_000,
    "nan": "NaN",
    "pickle": "cos\nsystem\n(S'touch owned'\ntR.",
    "yaml": "!!python/object/apply:os.system ['touch owned']",
    "empty": "",
    "long": "a" * 1_000_000,
}
TEXT = ["sciml_problem", "sciml_problem_sha256", "sciml_method", "sciml_provenance", "sciml_status"]


def tampered(path, target, change):
    target.write_bytes(path.read_bytes())
    with h5py.File(target, "a") as file:
        change(file)
    return target


def large(file, name, value):
    """Write an attribute; those above 64 kB do not fit into an object header and are cut."""
    try:
        file.attrs[name] = value
    except (OSError, RuntimeError):
        file.attrs[name] = value[:60_000]


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("name", TEXT)
def test_one_hostile_attribute(saved, tmp_path, monkeypatch, name, value):
    monkeypatch.chdir(tmp_path)
    path = tampered(saved[1], tmp_path / "bad.h5", lambda f: large(f, name, value))
    began = time.process_time()
    with pytest.raises(FileError):
        sm.load(path)
    assert time.process_time() - began < 1.0
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
def test_every_text_attribute_hostile(saved, tmp_path, monkeypatch, value):
    monkeypatch.chdir(tmp_path)

    def spoil(file):
        def visit(_, item):
            for name in [n for n, v in item.attrs.items() if isinstance(v, str)]:
                large(item, name, value)

        visit("", file)
        file.visititems(visit)

    path = tampered(saved[1], tmp_path / "bad.h5", spoil)
    began = time.process_time()
    with pytest.raises(FileError):
        sm.load(path)
    assert time.process_time() - began < 1.0
    assert not (tmp_path / "owned").exists()


def test_hostile_text_on_variables_is_not_interpreted(saved, tmp_path):
    def spoil(file):
        file["time"].attrs["units"] = "9**9**9 since __import__('os')"
        file["u_x"].attrs["scale_factor"] = "exec"
        file["x"].attrs["calendar"] = "evil"

    loaded = sm.load(tampered(saved[1], tmp_path / "odd.h5", spoil))
    assert np.array_equal(loaded.ds["u_x"].values, saved[0].ds["u_x"].values)


def test_a_changed_problem_is_noticed(saved, tmp_path):
    def spoil(file):
        data = json.loads(file.attrs["sciml_problem"])
        data["parameters"][0][1] = (0.5).hex()
        file.attrs["sciml_problem"] = json.dumps(data)

    with pytest.raises(FileError, match="F413"):
        sm.load(tampered(saved[1], tmp_path / "changed.h5", spoil))


def _replace(file, name, value):
    del file[name]
    file[name] = value


DAMAGE = {
    "missing coordinate": lambda f: f.__delitem__("time"),
    "missing variable": lambda f: f.__delitem__("u_x"),
    "text variable": lambda f: _replace(f, "u_x", "hello"),
    "wrong shape": lambda f: _replace(f, "u_x", np.zeros(3)),
    "huge unallocated variable": lambda f: (
        f.__delitem__("u_x"),
        f.create_dataset("u_x", shape=(4, 10**6, 10**6), chunks=(1, 100, 100), dtype="f8"),
    ),
    "data outside the file": lambda f: (
        f.__delitem__("u_x"),
        f.create_dataset("u_x", shape=(4, 12, 16), dtype="f8", external=[("/etc/hostname", 0, h5py.h5f.UNLIMITED)]),
    ),
}


@pytest.mark.parametrize("change", DAMAGE.values(), ids=DAMAGE)
def test_damaged_variables_are_refused(saved, tmp_path, change):
    began = time.process_time()
    with pytest.raises(FileError):
        sm.load(tampered(saved[1], tmp_path / "bad.h5", change))
    assert time.process_time() - began < 1.0


SYMBOL = ["Symbol", "x", {"real": True}]


def tower(n):
    tree = 3
    for _ in range(n):
        tree = ["exp", tree]
    return tree


BAD_TREES = {
    "9**9**9": ["Pow", 9, ["Pow", 9, 9]],
    "power of a number in a product": ["Pow", ["Pow", ["Mul", SYMBOL, 7], 4000], 4000],
    "tower below a function": ["Abs", ["Add", ["sin", tower(5)], SYMBOL]],
    "tower in a floor": ["floor", ["Add", SYMBOL, tower(5)]],
    "many to compare": ["Max", *[["Mul", k, SYMBOL] for k in range(200)]],
    "real part of a high power": ["re", ["Pow", ["Add", SYMBOL, ["I"]], 4000]],
    "roots of huge numbers": ["Add", *[["Pow", 2**2000 + 2 * i + 1, ["Rational", 1, 2]] for i in range(200)]],
    "deep": json.loads("[" * 150 + "]" * 150),
    "code": ["__import__", "os"],
    "text": "__import__('os').system('touch owned')",
    "number": 0.5,
    "nothing": None,
    "relation": ["Lt", SYMBOL, 1],
}
PLACES = {
    "equation": lambda data, tree: data["equations"][0].__setitem__(1, tree),
    "bound": lambda data, tree: data["domain"][1].__setitem__(2, tree),
    "time": lambda data, tree: data["time"].__setitem__(2, tree),
    "initial value": lambda data, tree: data["conditions"][0].__setitem__(3, tree),
    "initial target": lambda data, tree: data["conditions"][0].__setitem__(1, tree),
    "parameter symbol": lambda data, tree: data["parameters"][0].__setitem__(0, tree),
    "parameter value": lambda data, tree: data["parameters"][0].__setitem__(1, tree),
    "output": lambda data, tree: data["outputs"][0].__setitem__(1, tree),
    "exact": lambda data, tree: data["exact"][0].__setitem__(1, tree),
}


@pytest.mark.parametrize("tree", BAD_TREES.values(), ids=BAD_TREES)
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_one_bad_entry_in_a_valid_problem(saved, place, tree):
    data = json.loads(json.dumps(saved[0].problem.to_json()))
    assert sm.Problem.from_json(data) == saved[0].problem
    place(data, tree)
    began = time.process_time()
    with pytest.raises(FileError):
        sm.Problem.from_json(data)
    assert time.process_time() - began < 1.0


def test_a_parameter_beyond_floating_point_is_refused(saved):
    data = saved[0].problem.to_json()
    data["parameters"][0][1] = "0x1p999999"
    with pytest.raises(FileError):
        sm.Problem.from_json(data)


def test_large_variables_are_compressed(tmp_path, monkeypatch):
    import sciml.io.files as files

    monkeypatch.setattr(files, "COMPRESS_ABOVE", 1000)
    solution = burgers().solve(sm.Spectral(dt=0.1), grid=sm.Grid(x=96, t=4))
    path = solution.save(tmp_path / "c.h5")
    with h5py.File(path) as file:
        assert file["u"].compression == "gzip"
        assert file["x"].compression is None
    assert sm.load(path).ds.identical(solution.ds)
