"""Files of ensembles: readable without us, safe from a kill, gone on with, harmless when hostile."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import h5py
import numpy as np
import pytest
import sympy as sp
import xarray as xr
from heat_ensembles import ExactHeat, heat, u, uniform_heat
from typer.testing import CliRunner

import sciml as sm
from sciml import cli
from sciml.errors import DataError, Diverged, FileError

GRID = sm.Grid(x=16, t=4)
TESTS = Path(__file__).parent


def draw(n, problem=None, method=None, **options):
    options = {"block": 8, "grid": GRID, **options}
    return (problem or heat()).sample(n, method or ExactHeat(), **options)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("ensembles") / "heat.nc"
    return draw(21, uniform_heat(), to=path), path


def run(code, *arguments, **options):
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=TESTS, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def names(folder):
    return [p.name for p in folder.iterdir()]


READERS = {
    "xarray": "import xarray as xr; f = xr.open_dataset(sys.argv[1], engine='h5netcdf'); d = f['u']; n = d.dims",
    "h5py": "import h5py; f = h5py.File(sys.argv[1]); d = f['u']; n = tuple(e[0].name.strip('/') for e in d.dims)",
    "netCDF4": "import netCDF4; f = netCDF4.Dataset(sys.argv[1]); d = f['u']; n = d.dimensions",
}


@pytest.mark.parametrize("reader", READERS)
def test_plain_libraries_read_the_file_without_this_package(saved, reader):
    pytest.importorskip(reader, exc_type=ImportError)
    ensemble, path = saved
    code = f"import sys; sys.modules['sciml'] = None; {READERS[reader]}; print(n, d.shape, float(d[20, 3, 2]).hex())"
    value = float(ensemble["u"][20, 3, 2]).hex()
    assert run(code, path) == f"('sample', 'time', 'x') (21, 5, 16) {value}\n"


def test_a_file_equals_memory_and_its_arrays_stay_on_disk(saved):
    ensemble, path = saved
    memory = draw(21, uniform_heat())
    assert ensemble.ds.identical(memory.ds)
    loaded = sm.load_ensemble(path)
    assert not loaded["u"].variable._in_memory
    assert loaded[3:7]["u"].values.tobytes() == memory["u"][3:7].values.tobytes()
    assert not loaded["u"].variable._in_memory
    assert loaded.problem == uniform_heat()
    assert str(loaded) == str(memory)
    assert loaded.identity == memory.identity
    assert loaded.provenance["seconds"] > 0
    assert loaded.method == {"name": "exact-heat", "options": {"dtype": "float64"}}


def test_attributes_are_numbers_and_text_only(saved):
    with h5py.File(saved[1]) as file:
        kinds = {type(v) for v in file.attrs.values()}
        assert json.loads(file.attrs["sciml_ensemble"])["block"] == 8
    assert all(issubclass(k, (str, np.number, np.ndarray, bytes)) for k in kinds), kinds


def test_the_dtype_is_that_of_the_sampler(tmp_path):
    method = ExactHeat(dtype="float32")
    ensemble = draw(9, method=method, to=tmp_path / "a.nc")
    assert ensemble["u"].dtype == np.float32
    assert ensemble.ds.identical(draw(9, method=method).ds)


def test_an_ensemble_in_memory_is_saved_with_its_numbers(tmp_path):
    chosen = draw(21)[5:9]
    loaded = sm.load_ensemble(chosen.save(tmp_path / "some.nc"))
    assert loaded.ds.identical(chosen.ds)
    with pytest.raises(FileError, match=r"F422.*not numbered 0, 1, 2"):
        draw(30, to=tmp_path / "some.nc")
    draw(21).save(tmp_path / "whole.nc")
    assert draw(30, to=tmp_path / "whole.nc").ds.identical(draw(30).ds)


def test_a_problem_with_arrays_comes_back(tmp_path):
    table = np.cos(np.linspace(0, 2 * np.pi, 16, endpoint=False))
    problem = uniform_heat().with_(conditions=[sm.IC(u, table)])
    assert draw(9, problem, to=tmp_path / "a.nc").problem == problem


def driven():
    """Heat on a square with noise in space and time, in time alone, and a vector and a spectrum as outputs."""
    t, x, y = sm.coords("t x y")
    w = sm.Field("w", t, x, y)
    noise = sm.WhiteNoise("xi", t, x, y, modes=2) + sm.WhiteNoise("eta", t)
    return sm.Problem(
        equations=sp.Eq(sm.Dt(w), sm.Laplacian(w) + noise),
        domain=sm.Torus((x, 0, 1), (y, 0, 1)),
        time=(t, 0, 1),
        conditions=[sm.IC(w, 0)],
        outputs={"flux": sm.Grad(w), "power": sm.Spectrum(w), "total": sm.Integral(w)},
    )


def test_noise_vectors_and_spectra_are_stored_under_their_names(tmp_path):
    shapes = {
        "w": "sample time y x",
        "flux_x": "sample time y x",
        "flux_y": "sample time y x",
        "power": "sample time wavenumber",
        "total": "sample time",
        "eta": "sample time",
        "xi": "sample time y x",
    }
    sizes = {"sample": 3, "time": 2, "y": 4, "x": 5, "wavenumber": 3}
    fill = np.random.default_rng(0).normal
    variables = {n: (d.split(), fill(size=[sizes[k] for k in d.split()])) for n, d in shapes.items()}
    ds = xr.Dataset(variables, {d: np.arange(n) for d, n in sizes.items()})
    record = {"seed": 0, "block": 2, "grid": {}, "dtype": None}
    provenance = {"run": {}, "versions": {}, "seconds": 1.5}
    made = sm.Ensemble(ds, driven(), {"name": "any", "options": {}}, provenance, record, "converged", "all 3 samples")
    loaded = sm.load_ensemble(made.save(tmp_path / "driven.nc"))
    assert loaded.ds.equals(ds)
    assert loaded.noise == ("eta", "xi")
    assert loaded.provenance["seconds"] == 1.5
    with pytest.raises(DataError, match=r"D204.*stored as flux_x, flux_y"):
        loaded.mean("flux")


SCRIPT = """
import sys
from heat_ensembles import *
if __name__ == "__main__":
    options = dict(to=sys.argv[1], workers=int(sys.argv[2]), run=sm.Run(progress=False))
    heat().sample(200, ExactHeat(slow=0.05), grid=sm.Grid(x=16, t=4), block=8, **options)
"""


def started(path, workers=1):
    """Start drawing 200 samples; return the process once some blocks are there."""
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(path), str(workers)], cwd=TESTS, stderr=-1)
    partial = path.with_name(path.name + ".partial")
    for _ in range(300):
        if partial.exists() and len(sm.load_ensemble(partial)) >= 40:
            return process, partial
        time.sleep(0.1)
    process.kill()
    raise AssertionError(process.communicate()[1])


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    path = tmp_path_factory.mktemp("killed") / "heat.nc"
    process, partial = started(path)
    assert not path.exists()
    with pytest.raises(FileError, match=r"F420.*being filled by another process"):
        draw(200, to=path)
    process.kill()
    process.communicate()
    return partial


def copied(killed, folder):
    return Path(shutil.copy(killed, folder / killed.name)).with_name("heat.nc")


def test_a_killed_run_goes_on_and_equals_an_uninterrupted_one(killed, tmp_path, capsys):
    path = copied(killed, tmp_path)
    left = sm.load_ensemble(killed)
    whole = draw(200)
    done = len(left)
    assert 40 <= done < 200 and done % 8 == 0
    assert left.status == "interrupted" and left.reason == f"{done} of 200 samples are complete"
    assert left.ds.identical(whole.ds.isel(sample=slice(0, done)))
    assert draw(200, to=path).ds.identical(whole.ds)
    assert f"going on after {done} of 200 samples" in capsys.readouterr().err
    assert names(tmp_path) == ["heat.nc"]


def test_a_resumed_run_draws_only_what_is_missing(killed, tmp_path):
    path = copied(killed, tmp_path)
    assert len(draw(200, method=ExactHeat(fails=3), to=path)) == 200


def test_a_partial_file_that_was_renamed_is_not_taken_for_a_complete_one(killed, tmp_path):
    path = Path(shutil.copy(killed, tmp_path / "heat.nc"))
    assert sm.load_ensemble(path).status == "interrupted"
    assert draw(200, method=ExactHeat(fails=3), to=path).ds.identical(draw(200).ds)


def test_what_was_read_of_a_partial_file_hides_nothing_of_the_complete_one(killed, tmp_path):
    path = copied(killed, tmp_path)
    left = sm.load_ensemble(path.with_name("heat.nc.partial"))
    assert float(left["u"][-1, 0, 0]) == float(left.ds["u"][-1, 0, 0])  # HDF5 buffers what follows, too
    whole = draw(200, to=path)
    assert whole.ds.identical(draw(200).ds)
    assert left.ds.equals(whole[: len(left)].ds)


def test_a_partial_file_is_named_and_never_overwritten(killed, tmp_path):
    path = copied(killed, tmp_path)
    before = killed.read_bytes()
    with pytest.raises(FileError, match=r"(?s)F411.*heat.nc.partial"):
        sm.load_ensemble(path)
    for n in (100, 300):
        with pytest.raises(FileError, match=rf"F422.*begun with 200 samples; {n} are asked for"):
            draw(n, to=path)
    with pytest.raises(FileError, match=r"F422.*seed 0, not 1"):
        draw(200, seed=1, to=path)
    with pytest.raises(FileError, match=r"F422.*not complete"):
        draw(9).save(path)
    with pytest.raises(FileError, match=r"F420.*other variables, dtypes or coordinates"):
        draw(200, method=Float32(), to=path)
    assert path.with_name("heat.nc.partial").read_bytes() == before


class Float32(ExactHeat):
    """Draws other numbers than its record says, as another version of a method might."""

    def __init__(self):
        super().__init__(dtype="float32")

    def record(self):
        return ExactHeat().record()


def test_ctrl_c_in_a_terminal_stops_all_processes_and_keeps_blocks(tmp_path):
    path = tmp_path / "heat.nc"
    code = SCRIPT + "    import multiprocessing; print('returned', multiprocessing.active_children())\n"
    command = [sys.executable, "-c", code, str(path), "2"]
    process = subprocess.Popen(command, cwd=TESTS, stdout=-1, stderr=-1, text=True, start_new_session=True)
    partial = tmp_path / "heat.nc.partial"
    while process.poll() is None and not (partial.exists() and len(sm.load_ensemble(partial)) >= 16):
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    assert process.communicate(timeout=60) == ("returned []\n", "")
    assert len(sm.load_ensemble(partial)) >= 8


def test_an_exploding_sample_is_never_written(tmp_path):
    path = tmp_path / "heat.nc"
    with pytest.raises(Diverged, match="19 are not finite") as caught:
        draw(40, method=ExactHeat(diverges=19), to=path)
    assert caught.value.solution.ds.identical(draw(16).ds)
    assert caught.value.solution.status == "diverged"
    assert draw(40, to=path).ds.identical(draw(40).ds)


def test_a_complete_file_is_returned_and_a_smaller_one_extended(tmp_path, capsys):
    path = tmp_path / "heat.nc"
    draw(21, to=path)
    assert draw(21, method=ExactHeat(fails=0), to=path).ds.identical(draw(21).ds)
    few = draw(10, method=ExactHeat(fails=0), to=path)
    assert few.ds.identical(draw(10).ds)
    assert few.reason == "the first 10 of 21 samples"
    assert capsys.readouterr().err == ""
    assert draw(50, method=ExactHeat(fails=3), to=path).ds.identical(draw(50).ds)
    assert "going on after 16 of 50 samples" in capsys.readouterr().err
    assert names(tmp_path) == ["heat.nc"]
    assert draw(51, to=path).ds.identical(draw(51).ds)


def test_a_smaller_file_stays_until_the_larger_is_complete(tmp_path):
    path = tmp_path / "heat.nc"
    draw(21, to=path)
    with pytest.raises(Diverged):
        draw(50, method=ExactHeat(fails=40), to=path)
    assert len(sm.load_ensemble(path)) == 21
    assert len(sm.load_ensemble(tmp_path / "heat.nc.partial")) == 40
    assert draw(50, to=path).ds.identical(draw(50).ds)


FOREIGN = {
    "seed": ({"seed": 1}, "seed 0, not 1"),
    "block": ({"block": 16}, "block 8, not 16"),
    "grid": ({"grid": sm.Grid(x=32, t=4)}, "grid"),
    "dtype": ({"run": sm.Run(dtype="float32")}, 'dtype null, not "float32"'),
    "problem": ({"problem": heat(0.2)}, "problem 'random heat'"),
    "method": ({"method": ExactHeat(dtype="float32")}, "method"),
}


@pytest.mark.parametrize("case", FOREIGN)
def test_a_file_of_another_ensemble_is_refused(tmp_path, case):
    path = tmp_path / "heat.nc"
    draw(10, to=path)
    before = path.read_bytes()
    options, message = FOREIGN[case]
    with pytest.raises(FileError, match=f"F422.*holds another ensemble: {message}"):
        draw(10, to=path, **options)
    assert path.read_bytes() == before


def test_a_file_of_something_else_is_refused(tmp_path):
    path = tmp_path / "heat.nc"
    path.write_text("my notes")
    with pytest.raises(FileError, match=r"F422.*stands where the ensemble would be written"):
        draw(10, to=path)
    assert path.read_text() == "my notes"


def test_the_disk_is_looked_at_before_the_start(tmp_path, monkeypatch):
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(10_000))
    with pytest.raises(FileError, match=r"F421.*needs 6\.\d+e-05 GB in .* has 1e-05 GB left"):
        draw(100, to=tmp_path / "heat.nc")
    assert names(tmp_path) == []


def test_a_full_disk_keeps_complete_blocks(tmp_path, monkeypatch):
    from sciml.io.ensembles import Writer

    path, put = tmp_path / "heat.nc", Writer._put

    def full(self, offset, values):
        if self.done == 16 and values.size > 1:
            raise OSError(28, "No space left on device")
        put(self, offset, values)

    monkeypatch.setattr(Writer, "_put", full)
    with pytest.raises(FileError, match=r"F410.*No space left.*complete samples are kept"):
        draw(40, to=path)
    monkeypatch.undo()
    assert len(sm.load_ensemble(tmp_path / "heat.nc.partial")) == 16
    assert draw(40, to=path).ds.identical(draw(40).ds)


def test_solutions_and_ensembles_are_told_apart(saved, tmp_path):
    with pytest.raises(FileError, match=r"(?s)F412.*holds an ensemble, not a solution.*load_ensemble"):
        sm.load(saved[1])
    with pytest.raises(FileError, match="F411"):
        sm.load_ensemble(tmp_path / "no.nc")
    shown = CliRunner().invoke(cli.app, ["info", str(saved[1])]).output
    assert shown.startswith("Ensemble of 'random heat' by exact-heat: u, energy, nu on (sample: 21")
    assert "canonical form" in shown and "seconds" in shown


def external(file, path):
    del file["u"]
    file["u"] = h5py.ExternalLink(str(path), "u")


def virtual(file, path):
    del file["u"]
    layout = h5py.VirtualLayout(shape=(21, 5, 16), dtype="f8")
    layout[:] = h5py.VirtualSource(str(path), "u", shape=(21, 5, 16))
    file.create_virtual_dataset("u", layout)


def bomb(file, path):
    del file["u"]
    file.create_dataset("u", (10**6, 10**5, 10), "f8", chunks=(1, 1, 10))


def other_counter(file, path):
    del file["progress"]
    file["progress"] = h5py.ExternalLink(str(path), "progress")


def replace(name, value):
    def change(file, path):
        del file[name]
        file[name] = value

    return change


def attribute(name, value):
    return lambda file, path: file.attrs.__setitem__(name, value)


HOSTILE = {
    "no problem": lambda file, path: file.attrs.__delitem__("sciml_problem"),
    "changed problem": attribute("sciml_problem_sha256", "0" * 64),
    "schema": attribute("sciml_schema_version", 99),
    "record": attribute("sciml_ensemble", "[1, 2]"),
    "block": attribute("sciml_ensemble", '{"seed": 0, "block": 0, "grid": {}}'),
    "method": attribute("sciml_method", '"os.system"'),
    "no field": lambda file, path: file.__delitem__("u"),
    "no coordinate": lambda file, path: file.__delitem__("x"),
    "no counters": lambda file, path: file.__delitem__("progress"),
    "too many": lambda file, path: file["progress/samples"].__setitem__((), 22),
    "negative": lambda file, path: file["progress/samples"].__setitem__((), -1),
    "text": replace("u", "text"),
    "shape": replace("u", np.zeros((21, 5))),
    "counter": replace("progress/samples", np.zeros(3)),
    "external": external,
    "virtual": virtual,
    "bomb": bomb,
    "counters elsewhere": other_counter,
    "soft link": lambda file, path: replace("energy", h5py.SoftLink("/u"))(file, path),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files_end_in_a_file_error(saved, tmp_path, case):
    path = Path(shutil.copy(saved[1], tmp_path / "heat.nc"))
    with h5py.File(path, "r+") as file:
        HOSTILE[case](file, saved[1])
    with pytest.raises(FileError):
        sm.load_ensemble(path)
    shutil.move(path, tmp_path / "heat.nc.partial")
    before = (tmp_path / "heat.nc.partial").read_bytes()
    with pytest.raises(FileError):
        draw(21, uniform_heat(), to=path)
    assert (tmp_path / "heat.nc.partial").read_bytes() == before


def test_truncated_and_damaged_files(saved, tmp_path):
    path = tmp_path / "heat.nc"
    content = saved[1].read_bytes()
    for size in range(0, len(content) - 1, len(content) // 40):
        path.write_bytes(content[:size])
        with pytest.raises(FileError):
            sm.load_ensemble(path)


def test_a_partial_file_without_room_is_refused(tmp_path):
    partial = tmp_path / "heat.nc.partial"
    draw(16, to=tmp_path / "whole.nc")
    (tmp_path / "whole.nc").replace(partial)
    with h5py.File(partial, "r+") as file:
        values = file["u"][()]
        scales = [s[0].name for s in file["u"].dims]
        del file["u"]
        made = file.create_dataset("u", data=values, chunks=(1, 5, 16), compression="gzip")
        for i, name in enumerate(scales):
            made.dims[i].attach_scale(file[name])
        file["progress/samples"][()] = 8
    with pytest.raises(FileError, match=r"F412.*has no room"):
        draw(16, to=tmp_path / "heat.nc")


def test_a_variable_that_is_not_there(saved):
    with pytest.raises(DataError, match="D204"):
        saved[0].mean("w")
