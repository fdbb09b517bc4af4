#!/bin/sh
# The tests of the packages, as root (by sudo, for anybody else), each in a system of its own below build/package. What a run
# that was cut off has left there is taken away first; base.tar is made once: a bare Debian 12, as small as the image
# debian:bookworm-slim, whose place it takes.
set -eu
cd "$(dirname "$0")/../.."
if [ "$(id -u)" != 0 ] && command -v sudo >/dev/null; then exec sudo sh tests/package/run.sh; fi
mkdir -p build/package
dir=$PWD/build/package

if ! unshare --mount mount -t tmpfs tmpfs "$dir" 2>"$dir/rights.log"; then
    echo "make package-test enters systems of its own. It has to mount for that, which is not permitted here:" >&2
    cat "$dir/rights.log" >&2
    echo "Run it as root on a machine, be it a virtual one, or in a container with CAP_SYS_ADMIN (docker run --privileged)." >&2
    exit 1
fi

grep -o " $dir/[^ ]*" /proc/self/mounts | sort -r | while read -r mounted; do umount -l "$mounted"; done
rm -rf "$dir"/root-* "$dir/containers/run"

make_base() {
    root=$(mktemp -d "$dir/root-XXXXXX")
    debootstrap --variant=minbase bookworm "$root" >"$1.log" 2>&1 || { tail -n 20 "$1.log" >&2; exit 1; }
    # As in that image: nothing to read, nothing flushed to the disk, no translations.
    cat >"$root/etc/dpkg/dpkg.cfg.d/slim" <<CFG
force-unsafe-io
path-exclude /usr/share/man/*
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/info/*
path-exclude /usr/share/locale/*
CFG
    echo 'Acquire::Languages "none";' >"$root/etc/apt/apt.conf.d/slim"
    (cd "$root" && rm -rf usr/share/man/* usr/share/info/* usr/share/locale/* var/lib/apt/lists/* var/cache/apt/* \
        var/log/*.log dev/* && find usr/share/doc -type f ! -name copyright -delete)
    tar -C "$root" --numeric-owner -cf "$1.part" .
    rm -rf "$root" "$dir/containers" # what was built on another base
    mv "$1.part" "$1"
}
[ -e "$dir/base.tar" ] || make_base "$dir/base.tar"

# The mounts of all of them end with them.
TEST_ROOTS=tests/package TEST_PROGRAM_S=3600 exec unshare --mount /usr/bin/python3 tests/run.py build/release
