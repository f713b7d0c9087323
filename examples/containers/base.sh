#!/usr/bin/env bash
# A base of Debian's Python and what it needs, without shell, package manager or anything else: 71 MB. As root, on Debian.
#   examples/containers/base.sh localhost/python-base
#   buildah bud --format docker --build-arg BASE=localhost/python-base -t scenes context
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mmdebstrap --quiet --variant=extract --include=base-files,python3,python3.13,libstdc++6,ca-certificates trixie "$work/base.tar"
printf 'FROM scratch\nADD base.tar /\n' >"$work/Containerfile"
buildah bud --isolation chroot --quiet --tag "$1" "$work"
