#!/bin/sh
# build.sh PROGRAM FOLDER VERSION: the Debian package of a built espgate, into the folder. DEB_HOST_ARCH=arm64 packs what
# was built for that. No debhelper: what it would do for one program is less than what it would need.
set -eu
program=$1 out=$2 version=$3
here=$(cd "$(dirname "$0")" && pwd)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
arch=$(dpkg-architecture -qDEB_HOST_ARCH)
tool=$(dpkg-architecture -a"$arch" -f -qDEB_HOST_GNU_TYPE)
# The same sources make the same package.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$here" log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH

# A version begins with a digit and has no dash; a commit without a tag before it sorts by its time, below any release.
case $version in
v[0-9]* | [0-9]*.*) version=$(echo "${version#v}" | tr - +) ;;
*) version=0~$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d%H%M%S).$(echo "$version" | tr - +) ;;
esac

umask 022
chmod 755 "$root"
put() { # MODE FILE PLACE
    install -D -m "$1" "$here/$2" "$root/$3"
}
install -D -m 755 -s --strip-program="$tool-strip" "$program" "$root/usr/bin/espgate"
put 644 espgate.service lib/systemd/system/espgate.service
put 644 60-espgate.rules lib/udev/rules.d/60-espgate.rules
put 644 espgate.default etc/default/espgate
put 644 espgate.1 usr/share/man/man1/espgate.1
put 644 copyright usr/share/doc/espgate/copyright
put 644 lintian-overrides usr/share/lintian/overrides/espgate
# The folders lie as in the tree, so that the links between the pages hold.
put 644 ../../README.md usr/share/doc/espgate/README.md
put 644 ../README.md usr/share/doc/espgate/docker/README.md
for page in "$here"/../guide/*.md; do put 644 "../guide/${page##*/}" "usr/share/doc/espgate/docker/guide/${page##*/}"; done
maintainer="espgate maintainers <maintainers@espgate.invalid>"
cat >"$root/usr/share/doc/espgate/changelog" <<CHANGES
espgate ($version) bookworm; urgency=medium

  * Built from its sources; their history tells what changed.

 -- $maintainer  $(date -u -R -d "@$SOURCE_DATE_EPOCH")
CHANGES
gzip -9n "$root/usr/share/man/man1/espgate.1" "$root/usr/share/doc/espgate/changelog"

# What the linker asked for. libcurl is not among it: it is loaded when it is first needed.
mkdir -p "$root/DEBIAN" "$root/scratch/debian"
printf 'Source: espgate\n\nPackage: espgate\nArchitecture: any\n' >"$root/scratch/debian/control"
mkdir -p "$root/scratch/debian/espgate/DEBIAN" "$root/scratch/debian/espgate/usr/bin"
cp "$program" "$root/scratch/debian/espgate/usr/bin/"
libraries=$(cd "$root/scratch" && dpkg-shlibdeps -O debian/espgate/usr/bin/espgate | sed 's/^shlibs:Depends=//')
rm -rf "$root/scratch"

for script in postinst prerm postrm; do install -m 755 "$here/$script" "$root/DEBIAN/$script"; done
install -m 644 "$here/templates" "$root/DEBIAN/templates"
echo /etc/default/espgate >"$root/DEBIAN/conffiles"
(cd "$root" && find . -type f ! -path './DEBIAN/*' ! -path './etc/*' -printf '%P\0' | sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
cat >"$root/DEBIAN/control" <<CONTROL
Package: espgate
Version: $version
Architecture: $arch
Maintainer: $maintainer
Installed-Size: $(du -k -s --apparent-size --exclude=DEBIAN "$root" | cut -f1)
Depends: $libraries, libcurl4, ca-certificates, adduser, debconf (>= 0.5) | debconf-2.0
Recommends: udev
Section: electronics
Priority: optional
Description: puts cloud identities into ESP32 boards that run ESP-AT
 An HTTP service for a bench PC or a Raspberry Pi with ESP32 boards on its
 serial ports: it checks device certificates and keys, writes them where the
 board's stock ESP-AT firmware looks for them, verifies, lets the board itself
 connect to its broker over mutual TLS, says what is wrong if that fails, and
 keeps the record. It flashes the firmware, too. Its address is a dashboard in
 a browser.
CONTROL
mkdir -p "$out"
dpkg-deb --root-owner-group -Zxz --build "$root" "$out/espgate_${version}_$arch.deb"
