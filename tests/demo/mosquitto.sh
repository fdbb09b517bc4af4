#!/bin/sh
# mosquitto.sh DIR: starts a broker on a free loopback port that demands client certificates of DIR/ca.crt.
# Leaves DIR/mosquitto.port and DIR/mosquitto.pid; its log is DIR/mosquitto.log. The caller ends it by its pid.
set -eu
dir=$(cd "$1" && pwd)
PATH=$PATH:/usr/sbin
tries=0
while [ $tries -lt 20 ]; do
    tries=$((tries + 1))
    # There is no asking for a free port here: it says so itself when one is taken.
    port=$((20000 + $(od -An -N2 -tu2 /dev/urandom) % 10000))
    {
        echo "log_dest file $dir/mosquitto.log"
        echo "persistence false"
        echo "allow_anonymous true"
        [ "$(id -u)" != 0 ] || echo "user root" # else it gives up the right to read its key
        echo "listener $port 127.0.0.1"
        echo "cafile $dir/ca.crt"
        echo "certfile $dir/broker.crt"
        echo "keyfile $dir/broker.key"
        echo "require_certificate true"
    } >"$dir/mosquitto.conf"
    rm -f "$dir/mosquitto.log"
    mosquitto -c "$dir/mosquitto.conf" >"$dir/mosquitto.out" 2>&1 &
    pid=$!
    waited=0
    while kill -0 $pid 2>/dev/null && [ $waited -lt 100 ]; do
        if grep -q ' running$' "$dir/mosquitto.log" 2>/dev/null; then
            echo "$port" >"$dir/mosquitto.port"
            echo $pid >"$dir/mosquitto.pid"
            exit 0
        fi
        waited=$((waited + 1))
        sleep 0.1
    done
    kill $pid 2>/dev/null || :
    grep -q 'Address already in use' "$dir/mosquitto.log" "$dir/mosquitto.out" 2>/dev/null || break
done
cat "$dir/mosquitto.out" "$dir/mosquitto.log" >&2
exit 1
