# Relative paths alone, so that a checkout may lie in a folder whose name has spaces.
# Recipes keep to what make 3.81 (macOS) understands.

python := .venv/bin/python
# No news, no look for updates: a start of JupyterLab asks the network nothing.
# --allow-root changes nothing for others; in a container root is often the only user.
# The first lesson is an address, not a file argument: that would hide every folder but its own.
lab_options := --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb --allow-root \
	--LabApp.news_url=None --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate
# One process per core, so one thread each. One file stays with one process: a notebook's cells share a kernel, and
# a module's tests the models that it trains. Lessons come first, because they take longest.
in_parallel := --numprocesses=auto --dist=loadfile --no-loadscope-reorder
quietly := TQDM_DISABLE=1 OMP_NUM_THREADS=1
all_tests := $(in_parallel) --nbval-lax --nbval-current-env notebooks solutions exercises tests $(TEST_ARGS)
# Of `versions`: this Python makes its environments, because .venv has the versions of requirements.lock.
PYTHON ?= python3
WHICH ?= both

.PHONY: help lab test check set-up set-up-test set-up-site lessons exercises site results bench peers lock versions system-deps

help:  ## Say what there is to make
	@sed -n 's/^\([a-z-]*\):.*  ## /\1|/p' Makefile | while IFS='|' read -r name text; do printf 'make %-12s %s\n' "$$name" "$$text"; done

lab: set-up  ## Set up everything, open JupyterLab on the first lesson (LAB_ARGS=--no-browser on a server)
	@PATH="$$PWD/.venv/bin:$$PATH" exec $(python) -m jupyterlab $(lab_options) $(LAB_ARGS)

test: set-up-site  ## Set up everything, run every test
	@$(quietly) $(python) -m pytest $(all_tests)

check: set-up-test  ## Run the quick tests, lint and types: under 2 minutes
	@$(quietly) $(python) -m pytest $(in_parallel) -m "not browser and not grading and not long" tests $(TEST_ARGS)

set-up:  ## Build .venv for learners, where it is missing or out of date
	@sh scripts/set_up.sh

set-up-test:  ## The same, with what tests and all the rest below need
	@sh scripts/set_up.sh test

set-up-site:  ## The same, with what builds the web site besides
	@sh scripts/set_up.sh test site

lessons: set-up-test  ## Execute the lessons anew, outputs stored (LESSONS=notebooks/00_start_here.ipynb for one)
	@$(python) scripts/lessons.py $(if $(LESSONS),$(LESSONS),notebooks/*.ipynb)

exercises: set-up-test  ## Make exercises/ from solutions/
	@$(python) scripts/exercises.py

site: set-up-site  ## Build the lessons' web site in build/site; lessons that did not change are not executed again
	@$(python) scripts/build_site.py

results: set-up-test  ## Measure the findings in results/ anew
	@for script in results/[!_]*.py scripts/cards.py; do echo "$$script" && $(python) "$$script" || exit 1; done

bench: peers  ## Run the benchmarks, then make benchmarks/README.md of what they measured
	@for script in $(filter-out %/page.py,$(wildcard benchmarks/[!_]*.py)) benchmarks/page.py; do \
		case $$script in */conformance.py|*/training.py) python=build/peers/bin/python;; *) python=$(python);; esac; \
		echo "$$script" && $$python "$$script" || exit 1; done

peers: set-up-test  ## Build build/peers: .venv and the libraries that benchmarks compare with
	@sh scripts/peers.sh

lock: set-up-test  ## Choose the newest versions that pyproject.toml allows, write requirements.lock
	@$(python) scripts/lock.py

versions:  ## Run every test with the lowest and the newest versions that pyproject.toml allows (WHICH=lowest for one)
	@"$(PYTHON)" scripts/preflight.py
	@$(quietly) "$(PYTHON)" scripts/versions.py $(WHICH) $(all_tests)

system-deps:  ## Install the operating system's packages that only tests need (Debian, Ubuntu)
	@sh scripts/system_deps.sh
