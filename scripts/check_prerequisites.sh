#!/bin/sh
# Name every missing prerequisite with the line that installs it, before anything is downloaded.
python="$1"
missing=0
need() { echo "error: $1, found $2. Fix: $3" >&2; missing=1; }

command -v "$python" >/dev/null 2>&1 || need "Python 3.11 or newer must be installed" "no $python" \
    "apt-get install python3 python3-venv, or make PYTHON=/path/to/python3.11"
if command -v "$python" >/dev/null 2>&1; then
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || need "Python must be 3.11 or newer" \
        "$("$python" --version 2>&1)" "make PYTHON=/path/to/python3.11"
    "$python" -c 'import ensurepip, venv' 2>/dev/null || need "Python must have the venv module" "none" \
        "apt-get install python3-venv"
fi
command -v g++ >/dev/null 2>&1 || need "g++ must be on the PATH (it compiles the emulator)" "none" "apt-get install g++"
[ -e .venv/.ready ] || free=$(df -Pk . | awk 'NR == 2 { print int($4 / 1048576) }')
[ "${free:-8}" -ge 8 ] || need "the disk must have 8 GB free (torch and its libraries take 6)" "$free GB" "free some space"
exit $((missing * 2))
