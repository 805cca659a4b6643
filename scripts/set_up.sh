#!/bin/sh
# Builds .venv, the one environment for learners and for tests. Up to date, it is left alone and no network is asked.
# `set_up.sh site` adds what builds the web site.
#
# .venv/set-up        what the environment was made from: this folder, pyproject.toml, requirements.lock
# .venv/set-up-site   the same, once the web site's packages are there
# .venv/unfinished    the process that is installing; left behind by one that was killed
set -u
cd "$(dirname "$0")/.." || exit 1

say() { printf '%s\n' "$*" >&2; }

made_from() { pwd -P && cat pyproject.toml requirements.lock; }

extras=lab,test${1:+,$1}
marks=".venv/set-up ${1:+.venv/set-up-$1}"

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

# Without pip's cache, which would leave another 3 GB in the home folder.
install() {
    .venv/bin/python -m pip --disable-pip-version-check --no-cache-dir install --constraint requirements.lock "$@"
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
    for mark in $marks; do
        made_from >"$mark" || exit
    done
    rm .venv/unfinished
    exit
fi
# A pip that gives up by itself leaves a complete environment as it was.
[ $status -lt 128 ] && [ $found = yes ] && rm .venv/unfinished
say "The set-up did not finish: pip says why above; without a network connect to one, then run the same command again."
exit 1
