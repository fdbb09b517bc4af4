#!/bin/sh
# certs.sh DIR [DEVICE]...: a root CA, a broker's and the devices' certificates ("device" unless named), as AWS IoT makes
# them: RSA 2048. Leaves ca.crt, broker.crt, broker.key, DEVICE.crt, DEVICE.key. Valid for a year.
set -eu
cd "$1"
shift
quiet() { "$@" 2>certs.log || { cat certs.log >&2; exit 1; }; }
issue() { # NAME COMMON_NAME EXTENSION
    quiet openssl req -new -newkey rsa:2048 -nodes -keyout "$1.key" -subj "/CN=$2" -out "$1.csr"
    echo "$3" >"$1.ext"
    quiet openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 365 -sha256 \
        -extfile "$1.ext" -out "$1.crt"
    rm -f "$1.csr" "$1.ext"
}
umask 077
quiet openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -subj "/CN=demo root" -days 365 -sha256 -out ca.crt
issue broker "demo broker" "subjectAltName=DNS:localhost,IP:127.0.0.1"
for device in "${@:-device}"; do issue "$device" "demo $device" "basicConstraints=CA:FALSE"; done
rm -f ca.key ca.srl certs.log
