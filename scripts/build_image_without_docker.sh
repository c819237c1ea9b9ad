#!/bin/sh
# Build the image `quarl` where there is no Docker engine, and try it: as root, with buildah and debootstrap.
#
#   scripts/build_image_without_docker.sh
#
# debootstrap makes the base, a Debian 12; buildah builds the Dockerfile in a chroot. A repeat keeps what is done.
# From the environment, each if it is set:
#   QUARL_APT_MIRROR   Debian's mirror; NAME-security beside it has the security updates
#   PIP_INDEX_URL      pip's index
#   TORCH_INDEX        the index that has torch for the CPU alone; empty: pip's own, with CUDA
#   QUARL_CA           a file with the certificates that pip is to trust
set -eu
cd "$(dirname "$0")/.."

fail() { echo "error: $1, found $2. Fix: $3" >&2; exit 2; }
for tool in buildah debootstrap; do
    command -v $tool > /dev/null || fail "$tool must be on the PATH" "none" \
        "apt-get install --no-install-recommends buildah debootstrap crun"
done
[ "$(id -u)" = 0 ] || fail "debootstrap must run as root" "user $(id -un)" "sudo $0"
free=$(df -Pk "$(buildah info --format '{{.store.GraphRoot}}')" | awk 'NR == 2 { print int($4 / 1048576) }')
[ "$free" -ge 30 ] || fail "the disk of buildah's images must have 30 GB free" "$free GB" "free some space"

if ! buildah inspect --type image quarl-base > /dev/null 2>&1; then
    scratch=$(mktemp -d /var/tmp/quarl-base.XXXXXX)
    trap 'rm -rf "$scratch"' EXIT
    debootstrap --variant=minbase bookworm "$scratch/root" ${QUARL_APT_MIRROR:+"$QUARL_APT_MIRROR"}
    sed -i 's|^deb \(.*\) bookworm main$|&\ndeb \1 bookworm-updates main\ndeb \1-security bookworm-security main|' \
        "$scratch/root/etc/apt/sources.list"
    rm -rf "$scratch"/root/var/cache/apt/archives/*.deb "$scratch"/root/var/lib/apt/lists/*
    container=$(buildah from scratch)
    buildah add --quiet "$container" "$scratch/root" /
    buildah commit --quiet --rm "$container" quarl-base
fi

buildah build --isolation chroot --layers --build-arg BASE=localhost/quarl-base \
    ${PIP_INDEX_URL:+--build-arg PIP_INDEX_URL="$PIP_INDEX_URL"} \
    ${TORCH_INDEX+--build-arg TORCH_INDEX="$TORCH_INDEX"} \
    ${QUARL_CA:+--secret id=ca,src="$QUARL_CA"} --tag quarl .
buildah images quarl
scripts/try_image.sh
