# make quickstart | test | lint | types | contracts | gallery | gallery-check | bench-env | bench | bench-flows | bench-nors
PYTHON ?= python3
VENV := .venv
BENCH := .venv-bench
WORKERS ?= 2
STAMP := $(VENV)/.installed
BENCH_STAMP := $(BENCH)/.installed

.PHONY: quickstart test slow gpu lint types contracts gallery gallery-check bench-env bench bench-flows bench-nors clean

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet -c constraints.txt -e ".[dev]"
	touch $@

quickstart: $(STAMP)
	$(VENV)/bin/python examples/quickstart.py out

test: $(STAMP)
	$(VENV)/bin/python -m pytest -n $(WORKERS)

slow: $(STAMP)
	$(VENV)/bin/python -m pytest -n $(WORKERS) -m "slow and not gpu"

gpu: $(STAMP)
	$(VENV)/bin/python -m pytest -m gpu

lint: $(STAMP)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: $(STAMP)
	$(VENV)/bin/mypy

contracts: $(STAMP)
	$(VENV)/bin/lint-imports

gallery: $(STAMP)
	$(VENV)/bin/python docs/gallery.py

gallery-check: $(STAMP)
	$(VENV)/bin/python docs/gallery.py --check

$(BENCH_STAMP): benchmarks/constraints.txt pyproject.toml
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet -c benchmarks/constraints.txt -e . py-pde exponax numba matplotlib deepxde neuraloperator
	touch $@

bench-env: $(BENCH_STAMP)

bench: $(BENCH_STAMP)
	$(BENCH)/bin/python benchmarks/spectral_vs_peers.py
	$(BENCH)/bin/python benchmarks/families.py
	$(BENCH)/bin/python benchmarks/inverse.py
	$(BENCH)/bin/python benchmarks/ensembles.py
	$(BENCH)/bin/python benchmarks/drvm_labels.py
	$(BENCH)/bin/python benchmarks/render.py

# An hour at 40 seconds a training, two at the default of five minutes. Kept apart from the benchmarks of minutes.
bench-flows: $(BENCH_STAMP)
	$(BENCH)/bin/python benchmarks/drvm_vs_peers.py
	$(BENCH)/bin/python benchmarks/render.py

# Two hours: networks and their peers are trained, three seeds each.
bench-nors: $(BENCH_STAMP)
	$(BENCH)/bin/python benchmarks/nors_windows.py
	$(BENCH)/bin/python benchmarks/nors_vs_peers.py
	$(BENCH)/bin/python benchmarks/nors_cost.py
	$(BENCH)/bin/python benchmarks/nors_plane.py
	$(BENCH)/bin/python benchmarks/render.py

clean:
	rm -rf $(VENV) $(BENCH) build dist *.egg-info out
