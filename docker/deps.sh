#!/bin/sh
# Installs the Debian 12 packages that are missing, by group: deps.sh build|demo|test|bench|lint|deb|package …
# Prints nothing and needs no rights when all is there. The one list of packages that espgate needs.
set -eu
packages() {
    case $1 in
    build) echo gcc libc6-dev make git pkg-config libmicrohttpd-dev libgnutls28-dev libjansson-dev libserialport-dev libssl-dev \
        libcurl4-openssl-dev libmosquitto-dev libsqlite3-dev zlib1g-dev libzip-dev libudev-dev python3 python3-yaml ;;
    demo) echo mosquitto openssl curl jq python3-cryptography ;;
    test) echo systemd python3-prometheus-client libcmocka-dev python3 python3-yaml python3-jsonschema python3-serial umockdev nodejs ca-certificates \
        chromium fonts-wqy-microhei ;;
    bench) echo wrk nginx-light ;;
    lint) echo clang-format clang-tidy cppcheck python3 python3-yaml ;;
    deb) echo dpkg-dev gzip xz-utils ;;
    package) echo debootstrap buildah crun lintian systemd docker-compose qemu-user-static curl ;;
    *) echo "deps.sh: no group $1" >&2; exit 2 ;;
    esac
}
if [ "${1:-}" = --list ]; then # prints the groups' packages instead
    shift
    for group in "$@"; do packages "$group"; done
    exit
fi
missing=
for group in "$@"; do
    for p in $(packages "$group"); do
        dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null | grep -qx installed || missing="$missing $p"
    done
    # npm comes with nodejs where that is not Debian's own.
    [ "$group" != test ] || command -v npm >/dev/null || missing="$missing npm"
done
[ -n "$missing" ] || exit 0
sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
if [ -n "$sudo" ] && ! command -v sudo >/dev/null; then
    echo "These packages are missing and there is no sudo to install them:$missing" >&2
    exit 1
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
$sudo env DEBIAN_FRONTEND=noninteractive apt-get update -qq
# The broker is started by the demo and the tests themselves: the package's own service stays off.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy >/dev/null
    $sudo chmod 755 $policy
    trap '$sudo rm -f $policy' EXIT
fi
# shellcheck disable=SC2086
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
