# make demo   train all three stages on synthetic faces and compare with the labeled-only baseline
# make test   run the tests
# make lint   check the style (make clean removes what the others made)
# make test-matrix   run the tests on every combination of versions in the README's table
# Another interpreter: make demo PYTHON=python3.11; some rows: make test-matrix ROWS=onedl-oldest

ifeq ($(filter oneshell,$(.FEATURES)),)
  $(error GNU make 3.82 or newer is needed; on macOS: brew install make, then gmake)
endif

PYTHON ?= python3
VENV ?= .venv
# What `make environment` installs, and a pip constraints file that chooses the versions.
EXTRAS ?= onedl,test
CONSTRAINTS ?=
# Processes that `make test` shares the test files among; JOBS=0: one after the other, with pdb.
JOBS ?= auto
PY := $(VENV)/bin/python
# mmcv's compiled operators take minutes to build, and nothing here needs them.
export MMCV_WITH_OPS ?= 0
export PIP_DISABLE_PIP_VERSION_CHECK ?= 1

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.SILENT:
.DEFAULT_GOAL := help
.PHONY: help demo test lint clean environment test-matrix

help:
	sed -n 's/^# \(make.*\)/\1/p' $(firstword $(MAKEFILE_LIST))

# $(call install,EXTRAS): a virtual environment that works, with the package and EXTRAS in it.
# A half-made environment, or one of another Python version, is made again. A stamp file per
# EXTRAS keeps the next call from installing again, until setup.py or CONSTRAINTS change, or the
# checkout is moved or copied: the environment holds absolute paths.
define install
supported='import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))'
stamp='$(VENV)/.installed-$(subst $(comma),-,$(1))'
if ! { '$(PY)' -c "$$supported" && '$(PY)' -m pip --version; } >/dev/null 2>&1; then
  if ! command -v '$(PYTHON)' >/dev/null; then
    echo "error: '$(PYTHON)' not found; Python 3.10, 3.11 or 3.12 is needed." \
      "Try: make $@ PYTHON=python3.11" >&2
    exit 2
  fi
  if ! '$(PYTHON)' -c "$$supported"; then
    echo "error: '$(PYTHON)' is $$('$(PYTHON)' --version 2>&1); Python 3.10, 3.11 or 3.12 is" \
      "needed. Try: make $@ PYTHON=python3.11" >&2
    exit 2
  fi
  echo "Making $(VENV) with $$('$(PYTHON)' --version)"
  rm -rf '$(VENV)'
  '$(PYTHON)' -m venv '$(VENV)'
fi
outdated() {
  [ "$$(cat "$$stamp" 2>/dev/null)" = "$$(pwd -P)" ] || return 0
  for file in setup.py pyproject.toml $(CONSTRAINTS); do [ "$$file" -nt "$$stamp" ] && return; done
  false
}
if outdated; then
  # In a moved environment this puts bin/activate right.
  if [ -s "$$stamp" ] && [ "$$(cat "$$stamp")" != "$$(pwd -P)" ]; then
    site=
    grep -q '^include-system-site-packages = true' '$(VENV)/pyvenv.cfg' && site=--system-site-packages
    '$(PY)' -m venv --without-pip $$site '$(VENV)'
  fi
  echo 'Installing ssfer-mm[$(1)] and what it needs (once; PyTorch makes it a large download)'
  '$(PY)' -m pip install --progress-bar off $(CONSTRAINTS:%=-c %) -e '.[$(1)]' | awk '
    function say(text) { if (open) print ""; open = 0; print "  " text; fflush() }
    /^ *Collecting / {
      sub(/[^A-Za-z0-9_.-].*/, "", $$2); printf "%s %s", open ? "" : "  Collecting", $$2
      open = 1; fflush()
    }
    /^ *Downloading .* MB\)/ && $$(NF-1) ~ /[0-9][0-9]/ { say("Downloading " $$2 " " $$(NF-1) " " $$NF) }
    /^ *Building (wheel|editable) for .*started/ { say("Building " $$4) }
    /^Installing collected packages/ { say("Installing " NF - 3 " packages") }
    /^Successfully installed/ { say("Done") }'
  pwd -P > "$$stamp"
fi
endef
comma := ,

demo:
	$(call install,onedl)
	'$(PY)' tools/run_ssfer.py configs/ssfer/synthfer_5pct_resnet-nano.py \
	  --baseline configs/baselines/synthfer_5pct_resnet-nano_labeled-only.py \
	  --pretrain configs/mae/spark_resnet-nano_synthfer-48px.py \
	  --work-dir work_dirs/demo
	echo 'Before other commands: source $(VENV)/bin/activate'

test:
	$(call install,onedl$(comma)test)
	'$(PY)' -m pip list --format=freeze | grep -E '^(torch|torchvision|numpy|onedl-.*|mm.*|pytest)=='
	'$(PY)' -m pytest -ra --durations=10 -n $(JOBS) --dist loadfile $(ARGS)

environment:
	$(call install,$(EXTRAS))

# Each row makes its own environment, .venv-ROW (about 6 GB), by `make environment`.
test-matrix:
	'$(PYTHON)' .ci/test_matrix.py $(ARGS) $(ROWS)

lint:
	$(call install,onedl$(comma)dev)
	'$(PY)' -m ruff check .
	'$(VENV)/bin/shellcheck' -x tools/*.sh .ci/run

clean:
	rm -rf .venv .venv-* build dist *.egg-info ssfer_mm/.mim .pytest_cache .hypothesis .ruff_cache
	find . -name __pycache__ -type d -not -path './data/*' -prune -exec rm -rf {} +
