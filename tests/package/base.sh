#!/bin/sh
# base.sh FILE: a bare Debian 12 as a tar file, as small as the image debian:bookworm-slim, whose place it takes; made once.
set -eu
[ ! -e "$1" ] || exit 0
mkdir -p "$(dirname "$1")"
root=$(mktemp -d "$(dirname "$1")/base.XXXXXX")
trap 'rm -rf "$root"' EXIT
debootstrap --variant=minbase bookworm "$root" >"$1.log" 2>&1 || { tail -n 20 "$1.log" >&2; exit 1; }
cat >"$root/etc/dpkg/dpkg.cfg.d/slim" <<CFG
path-exclude /usr/share/man/*
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/info/*
path-exclude /usr/share/locale/*
CFG
(cd "$root" && rm -rf usr/share/man/* usr/share/info/* usr/share/locale/* var/lib/apt/lists/* var/cache/apt/* var/log/*.log \
    dev/* && find usr/share/doc -type f ! -name copyright -delete)
tar -C "$root" --numeric-owner -cf "$1.part" .
mv "$1.part" "$1"
