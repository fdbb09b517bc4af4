# The second act of the demo, read by demo.sh: a board is registered at a stand-in for AWS IoT Core and provisioned, and
# in the end the account is as it was.

say "second act: a stand-in for AWS IoT Core, which checks each call's signature, and a broker for its data endpoint"
/usr/bin/python3 "$here/tests/cloud/standin.py" --dir "$dir/standin" >"$dir/standin.out" 2>"$dir/standin.log" &
pids="$pids $!"
wait_line "$dir/standin.out" '^listening'
sed -n 's/^listening //p' "$dir/standin.out" >"$dir/standin.json"
told() { jq -r "$1" "$dir/standin.json"; }
jq -c '{control,region,account,access_key_id}' "$dir/standin.json"
mkdir "$dir/endpoint"
cp "$(told .device_ca)" "$dir/endpoint/ca.crt"
cp "$(told '.servers[0][0]')" "$dir/endpoint/broker.crt"
cp "$(told '.servers[0][1]')" "$dir/endpoint/broker.key"
sh "$here/tests/demo/mosquitto.sh" "$dir/endpoint" || fail "mosquitto"
pids="$pids $(cat "$dir/endpoint/mosquitto.pid")"

# account: what is in the account, as its own console would show it.
account() {
    curl -sS --fail "$(told .admin)/state" >"$dir/account.json" || fail "the stand-in does not answer"
    jq -c '{things:(.things|keys)}, {policies:(.policies|keys)},
        {certificates:[.certificates|to_entries[]|{id:.key[:12],status:.value.status,things:.value.things,policies:.value.policies}]}' \
        "$dir/account.json"
}

say "PUT /v1/clouds/aws: the account and its keys (another endpoint than AWS's own, so with its root CA)"
jq --rawfile ca "$(told .ca)" --argjson port "$(cat "$dir/endpoint/mosquitto.port")" '{provider:"aws", region,
    keys:{from:"request", access_key_id, secret_access_key}, control:{endpoint:.control, root_ca:$ca},
    data:{mqtt_port:$port, root_ca:$ca}}' "$dir/standin.json" >"$dir/settings.json"
call PUT /v1/clouds/aws -H 'Content-Type: application/json' -d "@$dir/settings.json" >"$dir/cloud.json"
jq -c '.settings|{provider,region,keys}' "$dir/cloud.json"

say "POST /v1/clouds/aws/test: what works, and what would not"
call POST /v1/clouds/aws/test >"$dir/test.json"
jq -r '(.checks[]|select(.name|startswith("iot:")|not)|"  \(.name)\t\(.verdict)\t\(.detail)"),
       ([.checks[]|select(.name|startswith("iot:"))]|"  permissions\t\([.[]|select(.verdict=="pass")]|length) of \(length)\t\([.[].name[4:]]|join(", "))")' \
    "$dir/test.json" | expand -t 18,28
[ "$(jq .ok "$dir/test.json")" = true ] || fail "the account"

say "PUT /v1/profiles/aws: the board's check at the cloud, and how its thing is called"
call PUT /v1/profiles/aws -H 'Content-Type: application/json' -d '{
    "wifi":{"ssid":"bench","password":"demo-password"}, "time":{"server":"127.0.0.1"}, "check":"publish",
    "cloud":{"name":"aws","thing":"demo-{mac}"}}' >"$dir/profile.json"
jq -c .settings.cloud "$dir/profile.json"

say "POST /v1/jobs: register the old board and provision it, with nothing but its slot"
job '{"kind":"provision","slot":"old","profile":"aws"}'
jq '{registration:.result.registration|{id,state,thing,endpoint,certificate:.certificate.id,policy,credential}, verdict:.result.verdict.code}' \
    "$dir/job.json"
[ "$(jq -r .state "$dir/job.json")" = succeeded ] || { jq .error "$dir/job.json" >&2; fail "job $id"; }
registration=$(jq -r .result.registration.id "$dir/job.json")
echo "the account:"
account
[ "$(jq '[.certificates[]|select(.status=="ACTIVE")]|length' "$dir/account.json")" = 1 ] || fail "not one active certificate"
mac=$(jq -r .result.board.mac "$dir/job.json")
call GET "/v1/devices/$mac" >"$dir/device.json"
echo "its record:"
jq -c '.history[0]|{at,credential,outcome,registration:.detail.registration.id,thing:.detail.registration.thing,verdict:.detail.verdict.code}' \
    "$dir/device.json"

say "DELETE /v1/registrations/{id}: undone in reverse"
call DELETE "/v1/registrations/$registration" >"$dir/registration.json"
n=0
until [ "$(jq -r .state "$dir/registration.json")" = undone ]; do
    n=$((n + 1))
    [ $n -lt 300 ] || { cat "$dir/registration.json" >&2; fail "not undone"; }
    sleep 0.2
    call GET "/v1/registrations/$registration" >"$dir/registration.json"
done
jq -c '{id,thing,state,left}' "$dir/registration.json"
echo "the account:"
account
[ "$(jq '(.things+.certificates+.policies)|length' "$dir/account.json")" = 0 ] || fail "something is left in the account"
