#!/bin/sh
# The demo containers of compose.yaml: demo.sh broker | boards | healthy
#   broker   certificates (once, into the shared volume), and mosquitto that demands one of them, on 127.0.0.1:8883
#   boards   a time server, two simulated ESP32 and an espgate beside them, on 127.0.0.1:8081, with their slots, credentials
#            and the profile "bench" in place. Pseudo-terminals do not reach other containers, so these are one.
set -eu
lib=$(dirname "$0")
pki=${DEMO_PKI:-/var/lib/espgate-pki}
run=${DEMO_RUN:-/tmp/demo}
broker_port=${DEMO_BROKER_PORT:-8883}
url=http://127.0.0.1:${DEMO_PORT:-8081}

broker() {
    [ -e "$pki/made" ] || { sh "$lib/certs.sh" "$pki" old new && touch "$pki/made"; }
    mkdir -p "$run"
    cat >"$run/mosquitto.conf" <<CONF
log_dest stderr
persistence false
allow_anonymous true
listener $broker_port 127.0.0.1
cafile $pki/ca.crt
certfile $pki/broker.crt
keyfile $pki/broker.key
require_certificate true
CONF
    exec /usr/sbin/mosquitto -c "$run/mosquitto.conf"
}

# wait_line FILE TEXT: until a started program has said that it is ready.
wait_line() {
    n=0
    until grep -qs "$2" "$1"; do
        n=$((n + 1))
        [ $n -lt 300 ] || { cat "$1" >&2; exit 1; }
        sleep 0.1
    done
}
# board NAME RELEASE MAC
board() {
    "$lib/espboard" --firmware "$2" --mac "$3" --flash "$run/$1.bin" --download "$run/$1.uart0" --at "$run/$1.uart1" \
        --wifi bench:demo-password --pace full >"$run/$1.out" &
    pids="$pids $!"
    wait_line "$run/$1.out" "espboard ready"
}
put() {
    curl -fsS -K "$run/token" -X PUT "$url/v1/$1" -H 'Content-Type: application/json' -d "$2" -o /dev/null
}
credential() {
    curl -fsS -K "$run/token" "$url/v1/credentials?allow=duplicate_key" -F "a=@$pki/$1.crt" -F "b=@$pki/$1.key" \
        -F "c=@$pki/ca.crt" | jq -r .id
}

boards() {
    rm -rf "$run" # each start is from nothing
    mkdir -p "$run/lines"
    pids=
    trap 'kill $pids 2>/dev/null; wait; exit 0' TERM INT
    export PTYMODEM_DIR="$run/lines" ESPGATE_DATA="$run/data" ESPGATE_LISTEN="${url#http://}"
    python3 "$lib/sntp.py" >"$run/sntp.out" &
    pids=$!
    wait_line "$run/sntp.out" listening
    ESPBOARD_SNTP_PORT=$(sed -n 's/.*:\([0-9]*\)$/\1/p' "$run/sntp.out")
    export ESPBOARD_SNTP_PORT
    board old 2.4 24:0a:c4:12:34:56
    board new 4.1 24:0a:c4:12:34:57
    LD_PRELOAD="$lib/ptymodem.so" espgate --ports "$run/*.uart*" >"$run/espgate.out" &
    espgate=$!
    pids="$pids $espgate"
    wait_line "$run/espgate.out" listening
    (umask 077 && printf 'header = "Authorization: Bearer %s"\n' "$(cat "$run/data/admin.token")" >"$run/token")
    put profiles/bench '{"wifi":{"ssid":"bench","password":"demo-password"},"time":{"server":"127.0.0.1"},
        "mqtt":{"host":"127.0.0.1","port":'"$broker_port"'},"check":"publish"}'
    echo "The dashboard: $url/   token: $(cat "$run/data/admin.token")"
    echo "To provision a board there: Provision, a stored credential, the profile bench. Or by a call, in this container:"
    for name in old new; do
        put slots/$name '{"download_port":"'"$run/$name"'.uart0","at_port":"'"$run/$name"'.uart1"}'
        echo "  curl -K $run/token -H 'Prefer: wait=60' $url/v1/jobs -H 'Content-Type: application/json' -d" \
            "'{\"kind\":\"provision\",\"slot\":\"$name\",\"credential\":\"$(credential $name)\",\"profile\":\"bench\"}'"
    done
    wait $espgate || rc=$?
    kill $pids 2>/dev/null || :
    exit ${rc:-0}
}

case ${1:-} in
broker) broker ;;
boards) boards ;;
healthy) # the broker's container listens, or the boards' one answers
    if [ -e "$run/mosquitto.conf" ]; then
        openssl s_client -connect "127.0.0.1:$broker_port" -CAfile "$pki/ca.crt" -cert "$pki/old.crt" -key "$pki/old.key" \
            -verify_return_error </dev/null >/dev/null 2>&1
    else
        ESPGATE_LISTEN="${url#http://}" espgate-healthy
    fi ;;
*) echo "demo.sh broker | boards | healthy" >&2; exit 2 ;;
esac
