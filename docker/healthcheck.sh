#!/bin/sh
# Does espgate answer GET /healthz, as the environment has it listen? With ESPGATE_CLIENT_CA its 403 to a caller without
# a certificate is an answer, too.
set -eu
listen=${ESPGATE_LISTEN:-127.0.0.1:8080}
host=${listen%:*} port=${listen##*:} scheme=http
case $host in
0.0.0.0) host=127.0.0.1 ;;
'[::]') host='[::1]' ;;
esac
[ -z "${ESPGATE_TLS_CERT:-}" ] || scheme=https
# It asks itself on its own machine: what the certificate's name is does not matter.
status=$(curl -sk -o /dev/null -m 3 -w '%{http_code}' "$scheme://$host:$port/healthz") || exit 1
[ "$status" = 200 ] || [ "$status:${ESPGATE_CLIENT_CA:+asked}" = 403:asked ]
