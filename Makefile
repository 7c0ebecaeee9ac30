# One command from a clone to a trained network (`make demo`) or to a tested tree (`make test`). Everything that they
# need is set up by .ci/setup.sh, which returns at once where nothing is missing.

PYTHON ?=
export PYTHON
python := .venv/bin/python

.DEFAULT_GOAL := help
.NOTPARALLEL: # with -j, a pip that renews the environment would run beside a program that uses it
.PHONY: help setup demo test lint coverage mutants site bench fuzz dist wheel release clean environment

help: ## say what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: environment ## train a recurrent network on 25,000 movie reviews and draw its graph (results in runs/demo)
	$(python) examples/imdb_sentiment.py --out runs/demo

test: setup ## everything: lint, types, unit tests, doctests, and every example in a short form
	@sh .ci/checks.sh $(python)

lint: setup ## only the style and type checks
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	$(python) -m mypy

coverage: setup ## the tests again, with the branches that they take (in build/coverage/html)
	$(python) -m coverage erase
	$(python) -m coverage run -m pytest -n 3 --dist loadfile --no-loadscope-reorder --ignore=tests/pyodide --ignore=tests/site
	$(python) -m coverage combine --quiet
	$(python) -m coverage html --quiet --fail-under 0
	$(python) -m coverage report

mutants: setup ## small faults in the backward pass and two optimizers, one at a time: which ones no test finds
	$(python) -m mutmut run
	$(python) -m mutmut results

site: ## build the site: docs, lessons, reference, Python in the page (in build/site)
	@sh .ci/setup.sh site
	@sh .ci/setup.sh dot
	$(python) -m sphinx -q -E -a -n -W --keep-going -d build/doctrees docs build/site
	@echo "The site is in build/site. To read it: $(python) -m http.server -d build/site"

bench: ## measure minigrad beside NumPy by hand, PyTorch, JAX, Keras and autograd (writes docs/benchmarks.md)
	@sh .ci/setup.sh bench
	.venv-bench/bin/python tests/benchmarks/run.py

MINUTES ?= 30
fuzzing = $(if $(wildcard .venv-bench/bin/python),.venv-bench/bin/python,$(python))
fuzz: setup ## other random cases of tests/fuzz until one fails (MINUTES=30); with PyTorch after `make bench`
	@end=$$(($$(date +%s) + 60 * $(MINUTES))); \
	while [ $$(date +%s) -lt $$end ]; do \
		$(fuzzing) -m pytest -q -x -n auto --hypothesis-profile=fuzz tests/fuzz || exit 1; \
	done

setup: ## install what development needs (demo and test do it by themselves)
	@sh .ci/setup.sh dev
	@sh .ci/setup.sh dot
	@sh .ci/setup.sh eslint
	@sh .ci/setup.sh site
	@sh .ci/setup.sh pyodide

# What running needs, without the tools of development: the demo starts sooner, and on more machines.
environment:
	@sh .ci/setup.sh plot
	@sh .ci/setup.sh dot

dist: setup ## wheel and sdist, built twice, compared and checked (in dist/)
	$(python) .ci/dist.py

wheel: dist ## try the wheel in bare environments: each Python found here, the oldest libraries, no dot
	$(python) .ci/try_wheel.py

release: setup ## make a release, all but the upload: make release VERSION=0.2.0
	$(python) .ci/release.py $(VERSION)

clean: ## remove the virtual environments, caches and builds (never runs/)
	rm -rf .venv .venv-* minigrad/explorer/node_modules docs/site/node_modules build dist mutants .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find minigrad layers optim examples tests -name __pycache__ -type d -prune -exec rm -rf {} +
