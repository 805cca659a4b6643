#!/bin/sh
# Builds build/peers: .venv, seen from a second environment that also holds the libraries of benchmarks/peers.txt.
# .venv itself is not changed and nothing of it is copied. Up to date, it is left alone and no network is asked.
#
# build/peers/made-from   this folder, the Python of .venv and benchmarks/peers.txt, written when all is installed
set -u
cd "$(dirname "$0")/.." || exit 1

peers=build/peers
made_from() { pwd -P && cat .venv/pyvenv.cfg benchmarks/peers.txt; }

if [ ! -x .venv/bin/python ]; then
    echo "There is no .venv to build on: make peers builds it first." >&2
    exit 1
fi
[ -x $peers/bin/python ] && [ "$(made_from)" = "$(cat $peers/made-from 2>/dev/null)" ] && exit

rm -rf $peers
.venv/bin/python -m venv --without-pip $peers || exit

# Python reads no .pth of a folder that one names, so the package, installed as a link to this folder, has its own line.
# Both are relative to site-packages.
up=../../../../..
for packages in $peers/lib/python*/site-packages; do
    python=$(basename "$(dirname "$packages")")
    printf '%s\n' "$up/.venv/lib/$python/site-packages" "$up" >"$packages/project.pth" || exit
done

.venv/bin/python -m pip --python $peers/bin/python --disable-pip-version-check --no-cache-dir install --no-deps \
    --requirement benchmarks/peers.txt || {
    echo "build/peers is not finished: pip says why above; run the same command again when that is mended." >&2
    exit 1
}
made_from >$peers/made-from
