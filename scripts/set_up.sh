#!/bin/sh
# Builds .venv, the one environment for learners and for tests. Up to date, it is left alone and no network is asked.
# With no argument it holds what a learner needs. `set_up.sh test` adds what tests and their like need, and
# `set_up.sh test site` what builds the web site.
#
# .venv/set-up        what the environment was made from: this folder, pyproject.toml, requirements.lock
# .venv/set-up-test   the same, once the tests' packages are there; .venv/set-up-site, the web site's
# .venv/unfinished    the process that is installing; left behind by one that was killed
set -u
cd "$(dirname "$0")/.." || exit 1

say() { printf '%s\n' "$*" >&2; }

made_from() { pwd -P && cat pyproject.toml requirements.lock; }

extras=lab
marks=.venv/set-up
for extra do
    extras=$extras,$extra
    marks="$marks .venv/set-up-$extra"
done

up_to_date() {
    [ -x .venv/bin/python ] || return
    for mark in $marks; do
        [ "$(made_from)" = "$(cat "$mark" 2>/dev/null)" ] || return
    done
}

# Scripts in .venv/bin name the folder that they were made in, so a copied or moved environment is of no use.
# One without .venv/set-up was made by other hands: it is completed, not removed.
worth_keeping() {
    [ -x .venv/bin/python ] && [ ! -e .venv/unfinished ] &&
        { [ ! -e .venv/set-up ] || [ "$(head -n 1 .venv/set-up)" = "$(pwd -P)" ]; }
}

# Sets `python` to the first one that will do. Names that exist but do not start (pyenv's) say nothing and are passed over.
choose_python() {
    if [ -n "${PYTHON:-}" ]; then
        set -- "$PYTHON"
    else
        set -- python3.14 python3.13 python3.12 python3.11 python3 python
    fi
    complaint=
    for python do
        answer=$("$python" scripts/preflight.py 2>/dev/null) && return
        complaint=${complaint:-$answer}
    done
    say "${complaint:-No Python was found: install Python 3.11 or newer (from python.org or as a system package), then run the same command again.}"
    exit 1
}

# Without pip's cache, which would leave another 3 GB in the home folder. `compile_modules` compiles what is installed.
install() {
    .venv/bin/python -m pip --disable-pip-version-check --no-cache-dir install --no-compile --constraint requirements.lock "$@"
}

# As pip would, but on all cores. Left to first use it would be done at each start where nothing may be written: by users
# of a shared environment, and under PYTHONDONTWRITEBYTECODE. Some packages hold templates that are no Python and fail.
compile_modules() {
    .venv/bin/python -W ignore -m compileall -qq -j 0 .venv/lib
}

up_to_date && exit

other=$(cat .venv/unfinished 2>/dev/null)
if [ -n "$other" ] && kill -0 "$other" 2>/dev/null; then
    say "Another set-up is at work in this folder (process $other): wait for it to end, then run the same command again."
    exit 1
fi

if worth_keeping; then
    found=yes
else
    found=no
    rm -rf .venv
    choose_python
    say "Setting up .venv with $("$python" -V), once: this downloads up to 3 GB and takes some minutes."
    mkdir .venv || exit
fi
echo $$ >.venv/unfinished || exit
trap 'exit 130' INT TERM HUP
[ "$found" = yes ] || "$python" -m venv .venv || exit

# pip unpacks gigabytes in its temporary folder, and /tmp is small on many machines.
TMPDIR=$(pwd)/.venv/tmp
export TMPDIR
mkdir -p "$TMPDIR"

# With the build backend installed (pinned too), a later set-up that finds every version in place needs no network.
install hatchling editables && install --no-build-isolation --editable ".[$extras]"
status=$?
rm -rf "$TMPDIR"
if [ $status = 0 ]; then
    rm .venv/unfinished # what is compiled is only a cache: killed from here on, an environment is completed
    compile_modules
    for mark in $marks; do
        made_from >"$mark" || exit
    done
    exit
fi
# A pip that gives up by itself leaves a complete environment as it was.
[ $status -lt 128 ] && [ $found = yes ] && rm .venv/unfinished
say "The set-up did not finish: pip says why above; without a network connect to one, then run the same command again."
exit 1
