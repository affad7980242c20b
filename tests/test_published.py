"""Published data of stochastic equations: every layout read alike, what is damaged or misleading refused."""

import pickle
import zipfile

import h5py
import numpy as np
import pytest
import scipy.io

import sciml as sm
from sciml.errors import DeclarationError, FileError

SAMPLES, POINTS, STEPS = 3, 16, 20
X, T = np.linspace(0, 1, POINTS + 1), np.linspace(0, 0.05, STEPS + 1)


def driving(rng, *shape):
    """Return paths of white noise in time, (sample, time, *shape), zero at first."""
    steps = rng.normal(size=(SAMPLES, STEPS, *shape))
    return np.concatenate([np.zeros((SAMPLES, 1, *shape)), np.cumsum(steps, axis=1)], axis=1)


def closed(values, *axes):
    """Repeat the start of axes at their end."""
    for axis in axes:
        values = np.concatenate([values, values.take([0], axis)], axis)
    return values


@pytest.fixture
def line():
    """A field and a path of its noise as (sample, time, x), both ends stored."""
    rng = np.random.default_rng(0)
    field = np.cos(2 * np.pi * (X[:-1] - T[:, None])) + rng.normal(size=(SAMPLES, 1, 1))
    return closed(field, 2), closed(driving(rng, POINTS), 2)


def matlab(path, arrays):
    scipy.io.savemat(path, arrays)
    return path


def compressed(path, arrays):
    scipy.io.savemat(path, arrays, do_compression=True)
    return path


def matlab73(path, arrays):
    """Write as MATLAB 7.3 does: axes reversed, at least two of them, marked with a class."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, values in arrays.items():
            written = file.create_dataset(name, data=np.atleast_2d(values).T)
            written.attrs["MATLAB_class"] = np.bytes_("double")
    return path


def hdf5(path, arrays):
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[name] = values
    return path


def numpy_archive(path, arrays):
    np.savez(path.with_suffix(".npz"), **arrays)
    return path.with_suffix(".npz")


def by_points(values):
    """Return (sample, time, x) as [sample, x, t]."""
    return values.transpose(0, 2, 1)


def on_a_line(u, w):
    return {"X": X, "T": T, "W": by_points(w), "sol": by_points(u)}


WRITERS = {"MATLAB 5": matlab, "MATLAB 7": compressed, "MATLAB 7.3": matlab73, "HDF5": hdf5}


def check_line(ds, u, w, dtype=np.float64):
    assert ds["u"].dims == ds["xi"].dims == ("sample", "time", "x")
    assert ds["u"].dtype == dtype
    np.testing.assert_array_equal(ds["x"], X[:-1])
    np.testing.assert_array_equal(ds["time"], T)
    np.testing.assert_array_equal(ds["u"], u[..., :-1])
    np.testing.assert_array_equal(ds["xi"][:, 0], 0)
    np.testing.assert_array_equal(ds["xi"][:, 1:], np.diff(w[..., :-1], axis=1))


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_a_line_in_every_container(line, tmp_path, write):
    ds = sm.load_published(write(tmp_path / "phi41.mat", on_a_line(*line)))
    check_line(ds, *line)
    assert ds.attrs == {"source": "phi41.mat", "ends": "x: dropped, equal to the start"}


@pytest.mark.parametrize("name", ["Solution", "Soln_add"])
def test_a_line_of_dlr_net(line, tmp_path, name):
    u, w = line
    path = numpy_archive(tmp_path / "a", {name: u, "W": w, "T": T, "X": X, "U0": u[:, 0]})
    check_line(sm.load_published(path), u, w)


def test_single_precision_and_a_name(line, tmp_path):
    u, w = (a.astype(np.float32) for a in line)
    u[..., -1] *= 1 + 1e-6
    path = matlab(tmp_path / "wave.mat", on_a_line(u, w))
    check_line(sm.load_published(path, field="phi").rename(phi="u"), u, w, np.float32)


def test_a_solution_stored_without_its_end(line, tmp_path):
    u, w = line
    path = matlab(tmp_path / "kdv.mat", on_a_line(u[..., :-1], w))
    ds = sm.load_published(path)
    check_line(ds, u, w)
    assert ds.attrs["ends"] == "x: not stored"


def test_ends_that_are_no_period_are_kept(line, tmp_path):
    u, w = (a.copy() for a in line)
    u[..., -1] += 0.5
    ds = sm.load_published(matlab(tmp_path / "a.mat", on_a_line(u, w)))
    assert ds.sizes["x"] == POINTS + 1
    assert ds.attrs["ends"] == "x: kept, apart from the start by 5.0e-01"
    u[..., [0, -1]] = 0
    ds = sm.load_published(matlab(tmp_path / "b.mat", on_a_line(u, w)))
    assert ds.attrs["ends"] == "x: kept, both ends are zero"


def test_coarsening_sums_the_increments(line, tmp_path):
    u, w = line
    path = matlab(tmp_path / "a.mat", on_a_line(u, w))
    coarse = sm.load_published(path, every=5)
    np.testing.assert_array_equal(coarse["time"], T[::5])
    np.testing.assert_array_equal(coarse["u"], u[:, ::5, :-1])
    np.testing.assert_allclose(coarse["xi"].cumsum("time"), w[:, ::5, :-1], atol=1e-12)
    for every in (3, 0, True, 1.0):
        with pytest.raises(FileError, match=r"F419.* does not divide the 20 intervals") as caught:
            sm.load_published(path, every=every)
        assert caught.value.fix == ("every = 1, 2, 4, 5, 10, 20",)


# --- planes ---

SIDE, STRIDE = 6, 10


def plane(rng):
    """Return increments of the fine steps, and vorticity whose mean moves by them: [sample, x, y, t]."""
    samples, fine = 12, 20 * STRIDE
    steps = rng.normal(size=(samples, SIDE, SIDE, fine))
    forcing = np.concatenate([np.zeros((samples, SIDE, SIDE, 1)), steps], axis=-1)
    shape = rng.normal(size=(samples, SIDE, SIDE, fine + 1))
    shape -= shape.mean(axis=(1, 2), keepdims=True)
    return 0.05 * np.cumsum(forcing, axis=-1).mean(axis=(1, 2), keepdims=True) + shape, forcing


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_navier_stokes_at_every_step(tmp_path, write):
    sol, forcing = plane(np.random.default_rng(1))
    t = 1e-3 * np.arange(sol.shape[-1])
    ds = sm.load_published(write(tmp_path / "ns.mat", {"t": t, "sol": sol, "forcing": forcing}), field="w")
    assert ds["w"].dims == ("sample", "time", "y", "x")
    np.testing.assert_array_equal(ds["w"].transpose("sample", "x", "y", "time"), sol)
    np.testing.assert_array_equal(ds["xi"].transpose("sample", "x", "y", "time"), forcing)
    np.testing.assert_array_equal(ds["y"], np.linspace(0, 1, SIDE, endpoint=False))


def test_navier_stokes_with_summed_windows(tmp_path):
    """SPDEBench stores all times, every tenth frame, and sums of ten increments from the zero at t = 0 on."""
    sol, forcing = plane(np.random.default_rng(2))
    t = 1e-3 * np.arange(sol.shape[-1])
    windows = forcing[..., :-1].reshape(*forcing.shape[:3], -1, STRIDE).sum(axis=-1)
    param = {"alpha": 0.005, "kappa": 10, "sigma": 0.05}
    arrays = {"t": t, "sol": sol[..., ::STRIDE], "forcing": windows, "param": param}
    path = matlab(tmp_path / "NS_small_0.mat", arrays)
    with pytest.warns(RuntimeWarning, match="one step of the solver early"):
        ds = sm.load_published(path, field="w")
    np.testing.assert_allclose(ds["time"], t[::STRIDE])
    np.testing.assert_array_equal(ds["xi"][:, 0], 0)
    np.testing.assert_array_equal(ds["xi"][:, 1:].transpose("sample", "x", "y", "time"), windows)


@pytest.mark.parametrize("stride", [2, 4])
def test_increments_that_were_left_out_are_noticed(tmp_path, stride):
    """The generators' own `forcing[..., ::4]` beside `sol[..., ::4]`."""
    sol, forcing = plane(np.random.default_rng(3))
    t = 1e-3 * np.arange(sol.shape[-1])
    arrays = {"t": t[::stride], "sol": sol[..., ::stride], "forcing": forcing[..., ::stride]}
    with pytest.raises(FileError, match=r"F419.*explains \d+% of how the mean"):
        sm.load_published(matlab(tmp_path / "ns.mat", arrays))


def test_dlr_nets_plane_has_a_mesh(tmp_path):
    sol, forcing = (a.transpose(0, 3, 1, 2) for a in plane(np.random.default_rng(4)))
    x, y = np.meshgrid(*[np.arange(SIDE) / SIDE] * 2, indexing="ij")
    arrays = {"Solution": sol, "W": forcing, "T": 1e-3 * np.arange(sol.shape[1]), "X": x, "Y": y}
    ds = sm.load_published(numpy_archive(tmp_path / "ns", arrays), field="w")
    np.testing.assert_array_equal(ds["w"].transpose("sample", "time", "x", "y"), sol)
    np.testing.assert_array_equal(ds["x"], np.arange(SIDE) / SIDE)


def test_phi4_in_the_plane_drops_both_ends(tmp_path):
    rng = np.random.default_rng(5)
    w = driving(rng, POINTS, POINTS // 2)
    u, w = closed(np.sin(w), 2, 3), closed(w, 2, 3)
    y = np.linspace(0, 1, POINTS // 2 + 1)
    ds = sm.load_published(matlab(tmp_path / "phi42.mat", {"X": X, "Y": y, "T": T, "W": w, "eps": 8, "sol": u}))
    assert dict(ds.sizes) == {"sample": SAMPLES, "time": STEPS + 1, "y": POINTS // 2, "x": POINTS}
    np.testing.assert_array_equal(ds["u"].transpose("sample", "time", "x", "y"), u[:, :, :-1, :-1])
    np.testing.assert_allclose(ds["xi"].cumsum("time").transpose("sample", "time", "x", "y"), w[:, :, :-1, :-1])


# --- what the noise is taken for ---


def test_kinds_are_told_apart(line, tmp_path):
    u, w = line
    path = matlab(tmp_path / "a.mat", on_a_line(u, w))
    with pytest.raises(FileError, match=r"F419.*is not made of increments"):
        sm.load_published(path, noise="increments")
    steps = np.diff(w, axis=1, prepend=w[:, :1])
    path = matlab(tmp_path / "b.mat", on_a_line(u, steps))
    with pytest.raises(FileError, match=r"F419.*no path of a Wiener process"):
        sm.load_published(path)
    check_line(sm.load_published(path, noise="increments"), u, w)
    path = matlab(tmp_path / "c.mat", on_a_line(u, steps[:, 1:]))
    check_line(sm.load_published(path, noise="increments"), u, w)


def test_an_increment_before_the_start(line, tmp_path):
    u, w = line
    steps = np.diff(w, axis=1, prepend=w[:, :1] - 1)
    with pytest.raises(FileError, match=r"F419.*increment at the first time"):
        sm.load_published(matlab(tmp_path / "a.mat", on_a_line(u, steps)), noise="increments")


def test_arguments(line, tmp_path):
    path = matlab(tmp_path / "a.mat", on_a_line(*line))
    for arguments in ({"noise": "white"}, {"field": "xi"}, {"field": "time"}):
        with pytest.raises(FileError, match="F419"):
            sm.load_published(path, **arguments)
    with pytest.raises(DeclarationError, match="S110"):
        sm.load_published(path, field="2u")


# --- damaged and hostile files ---


def test_samples_that_blew_up_are_named(line, tmp_path):
    u, w = (a.copy() for a in line)
    u[1, 7, 3], u[2, -1] = np.nan, np.inf
    with pytest.raises(FileError, match=r"F418.*'sol' is not finite, or beyond 1e\+30, in 2 of 3 samples: 1, 2\."):
        sm.load_published(matlab(tmp_path / "kdv.mat", on_a_line(u, w)))


MISFITS = {
    "fewer samples of noise": lambda a: a | {"W": a["W"][:2]},
    "fewer points of noise": lambda a: a | {"W": a["W"][:, :5]},
    "fewer frames of noise": lambda a: a | {"W": a["W"][..., :-1]},
    "fewer times": lambda a: a | {"T": T[:-3]},
    "times that do not divide": lambda a: a | {"T": np.linspace(0, 1, 2 * STEPS)},
    "times that fall": lambda a: a | {"T": -T},
    "times that are not numbers": lambda a: a | {"T": T * np.nan},
    "points that repeat": lambda a: a | {"X": 0 * X},
    "other points": lambda a: a | {"X": X[:4]},
    "one sample without its axis": lambda a: a | {"sol": a["sol"][0]},
    "no samples": lambda a: a | {"sol": a["sol"][:0], "W": a["W"][:0]},
    "other axes": lambda a: a | {"sol": a["sol"].transpose(0, 2, 1)},
    "one frame": lambda a: a | {"sol": a["sol"][..., :1], "W": a["W"][..., :1], "T": T[:1]},
}


@pytest.mark.parametrize("write", [matlab, hdf5])
@pytest.mark.parametrize("change", MISFITS.values(), ids=MISFITS)
def test_arrays_that_do_not_fit(line, tmp_path, change, write):
    with pytest.raises(FileError, match="F417"):
        sm.load_published(write(tmp_path / "a.mat", change(on_a_line(*line))))


class Harmful:
    def __reduce__(self):
        return (pytest.fail, ("the file was unpickled",))


@pytest.mark.parametrize("protocol", [2, pickle.HIGHEST_PROTOCOL])
def test_pickles_are_refused_with_the_way_to_convert_them(tmp_path, protocol):
    path = tmp_path / "data.pkl"
    path.write_bytes(pickle.dumps(Harmful(), protocol))
    with pytest.raises(FileError, match=r"F416.*is pickled") as caught:
        sm.load_published(path)
    assert "savemat" in str(caught.value)


def test_pickles_in_archives_are_refused(line, tmp_path):
    with zipfile.ZipFile(tmp_path / "data.pt", "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Harmful()))
    np.savez(tmp_path / "a.npz", Solution=np.array([Harmful()], dtype=object), W=line[1], T=T, X=X)
    for name in ("data.pt", "a.npz"):
        with pytest.raises(FileError, match="F416"):
            sm.load_published(tmp_path / name)


def test_files_that_are_no_data(line, tmp_path):
    with pytest.raises(FileError, match="F411"):
        sm.load_published(tmp_path / "none.mat")
    for i, content in enumerate([b"", b"X T W sol", b"\x93NUMPY", b"\x89HDF\r\n\x1a\n", bytes(4096), b"PK\x03\x04"]):
        path = tmp_path / f"{i}.mat"
        path.write_bytes(content)
        with pytest.raises(FileError, match="F416"):
            sm.load_published(path)
    arrays = on_a_line(*line)
    for missing in arrays:
        path = matlab(tmp_path / "a.mat", {name: a for name, a in arrays.items() if name != missing})
        with pytest.raises(FileError, match=r"F416.*none of the published layouts"):
            sm.load_published(path)


@pytest.mark.filterwarnings("ignore:Reading .npy. or .npz. file required additional header parsing")
@pytest.mark.parametrize("write", [*WRITERS.values(), numpy_archive], ids=[*WRITERS, "NumPy"])
def test_a_file_cut_short_or_changed_is_refused_or_read(line, tmp_path, write):
    u, w = line
    path = write(tmp_path / "a.mat", {"X": X, "T": T, "W": w, "Soln_add": u})
    whole = path.read_bytes()
    for cut in np.linspace(1, len(whole) - 1, 12).astype(int):
        path.write_bytes(whole[:cut])
        with pytest.raises(FileError):
            sm.load_published(path)
    rng = np.random.default_rng(6)
    for _ in range(40):
        changed = bytearray(whole)
        changed[rng.integers(min(len(whole), 2000))] = rng.integers(256)
        path.write_bytes(changed)
        try:
            sm.load_published(path)
        except FileError:
            continue


def test_numbers_of_every_kind_and_order(tmp_path):
    """What SciPy writes in any precision, and big-endian bytes as old machines wrote them."""
    from sciml.io.matlab5 import read_matlab5

    kinds = ["f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"]
    arrays = {kind: np.arange(1, 25, dtype=kind).reshape(2, 3, 4) for kind in kinds}
    path = matlab(tmp_path / "a.mat", arrays | {"text": "T", "short": np.float32(2)})
    found = read_matlab5(path, [*kinds, "text", "short"], 10**6)
    assert found.pop("text") is None
    np.testing.assert_array_equal(found.pop("short"), [[2]])
    for kind, array in found.items():
        assert array.dtype == kind
        np.testing.assert_array_equal(array, arrays[kind])
    words = [14, 64, 6, 8, 6, 0, 5, 8, 2, 1, 0x00010001, 0x58000000, 9, 16]
    content = bytes(124) + b"\x01\x00MI" + np.array(words, ">u4").tobytes() + np.array([1.5, -2], ">f8").tobytes()
    (tmp_path / "big.mat").write_bytes(content)
    np.testing.assert_array_equal(read_matlab5(tmp_path / "big.mat", ["X"], 10**6)["X"], [[1.5], [-2]])


def test_arrays_that_are_none(line, tmp_path):
    arrays = on_a_line(*line)
    for value in ("text", 1j * arrays["sol"], np.array([[{}]], dtype=object), {"alpha": 1}):
        with pytest.raises(FileError, match=r"F416.*'sol' is no array of real numbers"):
            sm.load_published(matlab(tmp_path / "a.mat", arrays | {"sol": value}))


def test_data_outside_the_file(line, tmp_path):
    arrays = on_a_line(*line)
    hdf5(tmp_path / "other.h5", {"sol": arrays.pop("sol")})
    links = {
        "soft": lambda file: h5py.SoftLink("/W"),
        "external": lambda file: h5py.ExternalLink("other.h5", "/sol"),
    }
    for name, link in links.items():
        path = hdf5(tmp_path / f"{name}.h5", arrays)
        with h5py.File(path, "a") as file:
            file["sol"] = link(file)
        with pytest.raises(FileError, match="F416"):
            sm.load_published(path)
    path = hdf5(tmp_path / "empty.h5", arrays)
    with h5py.File(path, "a") as file:
        file.create_dataset("sol", (10**6, POINTS + 1, STEPS + 1), "f8", chunks=(1, POINTS + 1, STEPS + 1))
    with pytest.raises(FileError, match=r"F416.*not inside the file"):
        sm.load_published(path)
