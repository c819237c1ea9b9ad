#!/bin/sh
# Install the programs that the tests run, by apt-get, where there is one and we are root. Elsewhere, and where it fails,
# say which are missing: the tests that need them say so too.
missing=""
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need g++ g++
need tclsh tcl
for browser in chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$browser" >/dev/null 2>&1 && break
done || missing="$missing chromium"
[ -n "$missing" ] || exit 0
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    # shellcheck disable=SC2086 (a list of words)
    apt-get update --quiet=2 && DEBIAN_FRONTEND=noninteractive \
        apt-get install --quiet=2 --yes --no-install-recommends $missing >/dev/null && exit 0
fi
echo "not installed, as apt-get and root are needed:$missing. Fix: sudo apt-get install --no-install-recommends$missing" >&2
