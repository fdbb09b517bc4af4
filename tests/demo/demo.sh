#!/bin/sh
# make demo: the main job on simulated boards. A CA, a broker's and some devices' certificates; mosquitto that demands a
# client certificate; an ESP32 of each credential layout and espgate; then what a user does, with curl. In a
# second act (cloud.sh) a board is registered at a stand-in for AWS IoT Core first.
# Ends what it started, whatever happens. Exit status 0 only when all of it succeeded. With STAY=1 it stays until Ctrl-C, for
# those who want to look around.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
bin=$here/build
dir=$(mktemp -d)
pids=

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
fail() {
    printf 'demo failed: %s\n' "$*" >&2
    for log in "$dir"/*.log; do
        [ -s "$log" ] || continue
        printf -- '-- %s\n' "${log##*/}" >&2
        tail -n 20 "$log" >&2
    done
    exit 1
}
finish() {
    rc=$?
    for pid in $pids; do kill "$pid" 2>/dev/null || true; done
    for pid in $pids; do
        n=0
        while kill -0 "$pid" 2>/dev/null && [ $n -lt 100 ]; do
            n=$((n + 1))
            sleep 0.1
        done
    done
    rm -rf "$dir"
    exit $rc
}
trap finish EXIT
trap 'exit 130' INT TERM

# wait_line FILE TEXT: until a started program has said that it is ready.
wait_line() {
    n=0
    until grep -q "$2" "$1" 2>/dev/null; do
        n=$((n + 1))
        [ $n -lt 300 ] || fail "no \"$2\" in ${1##*/}"
        sleep 0.1
    done
}

say "certificates: a CA, the broker's and four devices'"
mkdir "$dir/pki"
sh "$here/tests/demo/certs.sh" "$dir/pki" old new newer spare || fail "openssl"
ls "$dir/pki"

say "mosquitto on loopback, client certificate required"
sh "$here/tests/demo/mosquitto.sh" "$dir/pki" || fail "mosquitto"
pids="$pids $(cat "$dir/pki/mosquitto.pid")"
port=$(cat "$dir/pki/mosquitto.port")
echo "mosquitto listens on 127.0.0.1:$port"

say "a time server, two simulated ESP32 (old: ESP-AT v2.4, new: v4.1), and espgate"
/usr/bin/python3 "$here/tests/demo/sntp.py" >"$dir/sntp.out" 2>"$dir/sntp.log" &
pids="$pids $!"
wait_line "$dir/sntp.out" listening
sntp_port=$(sed -n 's/.*:\([0-9]*\)$/\1/p' "$dir/sntp.out")
export PTYMODEM_DIR="$dir/lines"
mkdir -p "$PTYMODEM_DIR"
# board NAME RELEASE MAC
board() {
    ESPBOARD_SNTP_PORT=$sntp_port "$bin/espboard" --firmware "$2" --mac "$3" --flash "$dir/$1.bin" --download "$dir/$1.uart0" \
        --at "$dir/$1.uart1" --wifi bench:demo-password --pace full >"$dir/$1.out" 2>"$dir/$1.log" &
    pids="$pids $!"
    wait_line "$dir/$1.out" "espboard ready"
}
board old 2.4 24:0a:c4:12:34:56
board new 4.1 24:0a:c4:12:34:57
LD_PRELOAD="$bin/ptymodem.so" "$bin/espgate" --listen 127.0.0.1:0 --data "$dir/data" --ports "$dir/*.uart*" \
    >"$dir/espgate.out" 2>"$dir/espgate.log" &
espgate=$!
pids="$pids $espgate"
wait_line "$dir/espgate.out" listening
url=$(sed -n 's/.*listening on //p' "$dir/espgate.out")
printf 'header = "Authorization: Bearer %s"\n' "$(cat "$dir/data/admin.token")" >"$dir/token.curl"
echo "espgate answers on $url; its first token lies in $dir/data/admin.token"

# call METHOD PATH [curl's arguments]: prints the body; a status of 400 and more ends the demo (not from within a
# pipe: there only the last command's status counts).
call() {
    method=$1 path=$2
    shift 2
    curl -K "$dir/token.curl" -sS --fail-with-body -X "$method" "$url$path" "$@" || fail "$method $path"
}

say "PUT /v1/slots/{name}: each board's two ports"
for name in old new; do
    call PUT /v1/slots/$name -H 'Content-Type: application/json' \
        -d "{\"download_port\":\"$dir/$name.uart0\",\"at_port\":\"$dir/$name.uart1\"}" >"$dir/slot.json"
    jq -c '{name,download_port,at_port,reset,state}' "$dir/slot.json"
done

say "POST /v1/credentials: three files under any names, or JSON"
cp "$dir/pki/old.crt" "$dir/one.txt"
cp "$dir/pki/old.key" "$dir/two.dat"
cp "$dir/pki/ca.crt" "$dir/three"
call POST /v1/credentials -F "a=@$dir/two.dat" -F "b=@$dir/three" -F "c=@$dir/one.txt" >"$dir/credential.json"
jq '{id,subject,issuer,key_type,not_after,checks:[.checks[]|.name+": "+.verdict]}' "$dir/credential.json"
old=$(jq -r .id "$dir/credential.json")
# credential DEVICE: the same as JSON.
credential() {
    jq -n --rawfile c "$dir/pki/$1.crt" --rawfile k "$dir/pki/$1.key" --rawfile r "$dir/pki/ca.crt" \
        '{certificate:$c, private_key:$k, root_ca:$r}' >"$dir/files.json"
    call POST /v1/credentials -H 'Content-Type: application/json' -d "@$dir/files.json" >"$dir/credential.json"
    jq -c '{id,subject,issuer}' "$dir/credential.json"
}
credential new
new=$(jq -r .id "$dir/credential.json")
credential newer
newer=$(jq -r .id "$dir/credential.json")

say "PUT /v1/profiles/bench: what all orders share"
call PUT /v1/profiles/bench -H 'Content-Type: application/json' -d "{
    \"wifi\":{\"ssid\":\"bench\",\"password\":\"demo-password\"}, \"time\":{\"server\":\"127.0.0.1\"},
    \"mqtt\":{\"host\":\"127.0.0.1\",\"port\":$port}, \"check\":\"publish\"}" >"$dir/profile.json"
jq -c .settings "$dir/profile.json"

say "POST /v1/images: three AtPKI images, for those who flash with other tools"
call POST /v1/images -H 'Content-Type: application/json' -d "{\"credential\":\"$old\"}" >"$dir/images.json"
jq -r '.images[]|[.partition,.offset,.size,.sha256]|@tsv' "$dir/images.json"
file=$(jq -r '.images[0].url' "$dir/images.json")
call GET "$file" -o "$dir/image.bin"
[ "$(sha256sum <"$dir/image.bin" | cut -d' ' -f1)" = "$(jq -r '.images[0].sha256' "$dir/images.json")" ] || fail "SHA-256"
echo "downloaded $file: $(wc -c <"$dir/image.bin") bytes, SHA-256 as announced"

# job ORDER: runs it to its end, into job.json; prints its steps and times.
job() {
    call POST /v1/jobs -H 'Content-Type: application/json' -H 'Prefer: wait=60' -d "$1" >"$dir/job.json"
    id=$(jq -r .id "$dir/job.json")
    while [ "$(jq -r .finished_at "$dir/job.json")" = null ]; do
        call GET "/v1/jobs/$id?wait=30" >"$dir/job.json"
    done
    jq -r '.steps[]|"  \(.name)\t\(.state)\t\(.ms) ms"' "$dir/job.json" | expand -t 16,28
}
# provision SLOT CREDENTIAL METHOD: the main job.
provision() {
    say "POST /v1/jobs: provision the $1 board, method $3"
    job "{\"kind\":\"provision\",\"slot\":\"$1\",\"credential\":\"$2\",\"method\":\"$3\",\"profile\":\"bench\"}"
    jq -c '{layout:.result.layout.kind, write:.result.write, backups:[.result.backups[]?.id], verdict:.result.verdict.code}' \
        "$dir/job.json"
    [ "$(jq -r .state "$dir/job.json")" = succeeded ] || { jq .error "$dir/job.json" >&2; fail "job $id"; }
}
provision old "$old" rom
provision new "$new" rom
provision new "$newer" at
mac=$(jq -r .result.board.mac "$dir/job.json")

say "POST /v1/jobs: a check that fails, and its verdict"
job '{"kind":"check","slot":"new","profile":"bench","level":"wifi","wifi":{"ssid":"bench","password":"wrong-password"}}'
jq '.result.verdict|{side,code,detail,fix}' "$dir/job.json"
[ "$(jq -r .error.code "$dir/job.json")" = wifi_wrong_password ] || fail "job $id"

say "GET /v1/devices/$mac: the board's record"
call GET "/v1/devices/$mac" >"$dir/device.json"
jq '{mac,chip,credential,fingerprint_sha256,history:[.history[]|{at,job,credential,method,outcome}]}' "$dir/device.json"
. "$here/tests/demo/cloud.sh"
say "all of it succeeded"
[ -n "${STAY:-}" ] || exit 0

say "the bench stays: $url/ in a browser. Ctrl-C ends all of it and deletes its files"
echo "token: $(cat "$dir/data/admin.token")"
echo "to provision a board once more, on the page Provision: spare.crt, spare.key and ca.crt in $dir/pki; profile bench"
wait "$espgate" || fail "espgate ended"
