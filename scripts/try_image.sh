#!/bin/sh
# Do with the image `quarl` what it is for, in a throwaway container of buildah, under a user id that it does not know:
# the demo, a build kit, and the whole flow to a bitstream with the tests' stand-in for Vivado, mounted as Vivado is.
set -eu
cd "$(dirname "$0")/.."

scratch=$(mktemp -d /var/tmp/quarl-try.XXXXXX)
container=$(buildah from quarl)
trap 'buildah rm "$container" > /dev/null; rm -rf "$scratch"' EXIT

mkdir -p "$scratch/Xilinx/Vivado/2024.2/bin" "$scratch/work/board_files/pynq-z2/A.0"
cp tests/hw/vivado/stub/* "$scratch/Xilinx/Vivado/2024.2/bin"
echo '<board vendor="tul.com.tw" name="pynq-z2"><file_version>1.0</file_version></board>' \
    > "$scratch/work/board_files/pynq-z2/A.0/board.xml"
chmod 755 "$scratch"
chown -R 4242:4242 "$scratch/work"

inside() { buildah run --isolation chroot --volume "$scratch/work:/work" --volume "$scratch/Xilinx:/tools/Xilinx:ro" "$@"; }
run() {
    start=$(date +%s)
    inside --user 4242:4242 "$container" -- "$@"
    echo "== $*: $(($(date +%s) - start)) s"
}
run quarl doctor
run quarl demo
run quarl build runs/demo --target bitstream --script-only
inside --user root "$container" -- sh -c '! touch /tools/Xilinx/file'
# The stand-in, not the product, runs on a Tcl interpreter: it is not in the image.
inside --user root "$container" -- sh -c 'apt-get -q update && apt-get -q install --yes --no-install-recommends tcl'
run quarl build runs/demo --target bitstream --board-files board_files
ls -l "$scratch/work/runs/demo/accel"
