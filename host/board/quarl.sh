#!/bin/sh
# The commands of the folder that this file lies in, with the Python that install.sh was told.
here=$(dirname "$(dirname "$(readlink -f "$0")")")
export QUARL_CACHE="${QUARL_CACHE:-${here%/*}/cache}"
exec "$(cat "$here/python")" -c 'import sys
sys.path.insert(0, sys.argv.pop(1))
from quarl.host.__main__ import main
sys.exit(main())' "$here" "$@"
