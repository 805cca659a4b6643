#!/bin/sh
# Installs the operating system's packages that only tests and marking need: a browser for the tests of widgets, and
# bubblewrap, in which submissions run.
set -eu

missing=
command -v chromium >/dev/null || missing=chromium
command -v bwrap >/dev/null || missing="${missing:+$missing }bubblewrap"
if [ -z "$missing" ]; then
    echo "System packages for the tests: already there (chromium bubblewrap)."
    exit
fi
if ! command -v apt-get >/dev/null; then
    echo "The tests need $missing and this system has no apt-get: install it with your system's package manager." >&2
    exit 1
fi
as_root=
if [ "$(id -u)" != 0 ]; then
    as_root=sudo
    if ! command -v sudo >/dev/null; then
        echo "The tests need $missing: ask an administrator to run 'apt-get install $missing'." >&2
        exit 1
    fi
fi
echo "Installing the system packages that only tests and marking need: $missing."
$as_root apt-get update --quiet
# One word for each package.
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install --quiet --yes $missing
