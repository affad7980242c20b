"""Labels of DRVM in the plane: throughput against the plain torch expression, and memory of a large sum.

Pairs a second of one thread, float32 and float64, medians of seven interleaved repetitions; peak memory of
a million particles on 4096 points, in a process of its own.

    python benchmarks/drvm_labels.py [--quick]
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time

from record import environment, limit_threads, save

THREADS = 1
limit_threads(THREADS)

import torch  # noqa: E402

from sciml.solvers.drvm.kernels import plane_velocity  # noqa: E402

QUERIES, PARTICLES, VARIANCE = 512, 8192, 0.01
LARGE = (4096, 1_000_000)


def plain(queries, positions, weights, variance):
    """Write the smoothed Biot-Savart sum as one would at first: all pairs at once."""
    z = queries[:, None] - positions
    square = z.square().sum(-1)
    factor = weights * (1 - torch.exp(-square / (2 * variance))) / (2 * torch.pi * (square + 1e-10))
    return torch.stack([-(factor * z[..., 1]).sum(1), (factor * z[..., 0]).sum(1)], dim=1)


def data(queries, particles, dtype):
    generator = torch.Generator().manual_seed(0)
    q = 4 * torch.rand((queries, 2), generator=generator, dtype=dtype) - 2
    x = 0.5 * torch.randn((particles, 2), generator=generator, dtype=dtype)
    return q, x, torch.full((particles,), 1 / particles, dtype=dtype)


def throughput(dtype, repetitions):
    """Return million pairs a second of both, the ratios, and the difference of the results."""
    given = data(QUERIES, PARTICLES, dtype)
    exact = plain(*(v.double() for v in given), VARIANCE)
    rates = {"plain": [], "ours": []}
    functions = {"plain": plain, "ours": plane_velocity}
    for function in functions.values():
        function(*given, VARIANCE)
    for _ in range(repetitions):
        for name, function in functions.items():
            began = time.perf_counter()
            function(*given, VARIANCE)
            rates[name].append(QUERIES * PARTICLES / (time.perf_counter() - began) / 1e6)
    ratios = sorted(o / p for o, p in zip(rates["ours"], rates["plain"], strict=True))
    error = float((plane_velocity(*given, VARIANCE).double() - exact).norm() / exact.norm())
    return {
        "plain": statistics.median(rates["plain"]),
        "ours": statistics.median(rates["ours"]),
        "ratio": statistics.median(ratios),
        "ratio_range": [ratios[0], ratios[-1]],
        "error": error,
    }


def large():
    """Sum over a million particles; print seconds and peak resident memory of this process."""
    torch.set_num_threads(THREADS)
    given = data(*LARGE, torch.float32)
    began = time.perf_counter()
    plane_velocity(*given, VARIANCE)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    sys.stdout.write(json.dumps({"seconds": seconds, "peak_gib": peak}))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="three repetitions, another file")
    parser.add_argument("--large", action="store_true", help="only the large sum, in this process")
    given = parser.parse_args()
    if given.large:
        large()
        return
    torch.set_num_threads(THREADS)
    repetitions = 3 if given.quick else 7
    figures = {"environment": environment(THREADS, ["sciml-solvers", "torch"]), "queries": QUERIES}
    figures |= {"particles": PARTICLES, "large": list(LARGE)}
    for dtype in (torch.float32, torch.float64):
        figures[str(dtype).removeprefix("torch.")] = throughput(dtype, repetitions)
    done = subprocess.run([sys.executable, __file__, "--large"], capture_output=True, text=True, check=True)
    figures["memory"] = json.loads(done.stdout)
    save("drvm_labels_quick" if given.quick else "drvm_labels", figures)


if __name__ == "__main__":
    main()
