#!/bin/sh
# Installs this package, or another one over it. What is installed changes in one rename, when all checks have passed.
set -eu

usage() {
    cat <<'END'
sh install.sh [--prefix DIR] [--venv] [--pc]

  --prefix DIR  where to (default ~/quarl); logs in DIR/run and keys in DIR/keys outlive an installation
  --venv        make a virtual environment in DIR/venv that sees the packages of the Python given
  --pc          this is a PC that tries the package out, and no board
  PYTHON=...    before the command: the Python to use (default: PYNQ's own, else python3)
END
}

fail() {
    printf 'error: %s, found %s. Fix: %s.\n' "$1" "$2" "$3" >&2
    exit 2
}

prefix=${HOME:-/root}/quarl venv= pc=
while [ $# -gt 0 ]; do
    case $1 in
        --prefix) [ $# -gt 1 ] || fail "--prefix must have a folder" "none" "write --prefix DIR"
                  prefix=$2; shift ;;
        --venv) venv=yes ;;
        --pc) pc=--pc ;;
        -h|--help) usage; exit 0 ;;
        *) fail "the command line must be valid" "$1" "see \`sh install.sh --help\`" ;;
    esac
    shift
done
here=$(cd "$(dirname "$0")" && pwd -P)

broken=$(cd "$here" && LC_ALL=C sha256sum -c SHA256SUMS 2>&1 | grep -v ': OK$' | head -n 1) || true
[ -z "$broken" ] || fail "the package must be whole" "$broken" "copy the archive again and unpack it"

python=${PYTHON:-/usr/local/share/pynq-venv/bin/python3}
[ -n "${PYTHON:-}" ] || [ -x "$python" ] || python=python3
python=$("$python" -c 'import sys; print(sys.executable)' 2>/dev/null) ||
    fail "there must be a Python" "none by the name ${PYTHON:-python3}" "set PYTHON=/path/to/python3"
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 8))' ||
    fail "Python must be 3.8 or newer" "$version at $python" "set PYTHON=/path/to/another, or use PYNQ 2.7 to 3.1"

mkdir -p "$prefix" 2>/dev/null && [ -w "$prefix" ] ||
    fail "the folder to install into must be writable" "$prefix" "choose another with --prefix, or change its permissions"
prefix=$(cd "$prefix" && pwd -P)
[ -e "$prefix/.quarl" ] || [ -z "$(ls -A "$prefix")" ] ||
    fail "the folder to install into must be empty or an earlier installation" "$prefix with other files" \
         "choose another with --prefix"

program=
clean_up() {    # nothing stays of what was not installed
    [ -z "$program" ] || [ "$(readlink "$prefix/current")" = "${program##*/}" ] || rm -rf "$program"
    [ -e "$prefix/current" ] || { rm -rf "$prefix/.quarl" "$prefix/run" "$prefix/cache" "$prefix/venv"
                                  rmdir "$prefix" 2>/dev/null || true; }
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP
: > "$prefix/.quarl"
mkdir -p "$prefix/run"
if [ -n "$venv" ]; then
    # A virtual environment made from another one sees only the packages of the Python below both.
    "$python" -m venv "$prefix/venv" &&
        "$python" -c 'import site; print("\n".join(site.getsitepackages()))' > "$prefix/base" &&
        mv "$prefix/base" "$("$prefix/venv/bin/python" -c 'import site; print(site.getsitepackages()[0])')/base.pth" ||
        fail "the Python must be able to make a virtual environment" "$python" "leave --venv out, or install python3-venv"
    python=$prefix/venv/bin/python
fi

program=$(mktemp -d "$prefix/.program-XXXXXX")
chmod 755 "$program"
for each in quarl bin policy accel install.sh README.md SHA256SUMS; do cp -R "$here/$each" "$program/"; done
printf '%s\n' "$python" > "$program/python"
ln -s ../run "$program/run"
"$python" -c 'import sys; print(sys.stdin.read().replace("@PREFIX@", sys.argv[1].replace("%", "%%")), end="")' \
    "$prefix" < "$here/quarl.service" > "$program/quarl.service"
"$python" -m compileall -q "$program/quarl"
"$program/bin/quarl" doctor $pc

sync
ln -s "${program##*/}" "$program/.current"
mv -fT "$program/.current" "$prefix/current"
[ -e "$prefix/quarl" ] || ln -sfn current/bin/quarl "$prefix/quarl"
for each in "$prefix"/.program-*; do
    [ "$each" = "$program" ] || rm -rf "$each" || echo "not removed: $each"
done
cat <<END

installed: $prefix/quarl, see $prefix/current/README.md
END
