#!/bin/sh
# Installs the operating system's packages that only tests need: a browser for the tests of widgets.
set -eu
packages=chromium

if command -v chromium >/dev/null; then
    echo "System packages for the tests: already there ($packages)."
    exit
fi
if ! command -v apt-get >/dev/null; then
    echo "The tests need chromium and this system has no apt-get: install it with your system's package manager." >&2
    exit 1
fi
as_root=
if [ "$(id -u)" != 0 ]; then
    as_root=sudo
    if ! command -v sudo >/dev/null; then
        echo "The tests need chromium: ask an administrator to run 'apt-get install $packages'." >&2
        exit 1
    fi
fi
echo "Installing the system packages that only tests need: $packages."
$as_root apt-get update --quiet
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install --quiet --yes $packages
