"""A tour of the whole service through HTTP that meets every documented answer of every operation at least once.
Each step is a function of the bench; the requests that it makes are watched."""
import base64
import contextlib
import json
import os
import re
import resource
import select
import socket

import firmware_files
import harness
import orders
import raw
import strangers
from cloud.standin import Standin
from receiver import Receiver

QUEUE = 1000  # LIMIT_QUEUE
WAITERS = 1000  # LIMIT_WAITERS
STREAMS = 1000  # LIMIT_EVENT_STREAMS
UPLOADS = 8  # LIMIT_STREAMS
CALLERS, CALLS = 4, 16  # of server.c, and LIMIT_CALLS
WEBHOOKS = 32  # LIMIT_WEBHOOKS
FIRMWARE = 64 * 1024 * 1024  # LIMIT_FIRMWARE


def ui_files():
    """The paths of the dashboard's files, below its folder."""
    top = os.path.join(harness.ROOT, "api", "ui")
    return [os.path.relpath(os.path.join(where, name), top) for where, _, names in os.walk(top) for name in names
            if name != "README.md" and not name.startswith(".") and not name.endswith("~")]


class Tour:
    def __init__(self, bench, judge):
        """bench: its second board is silent, so that a job on it runs for long; its third has mfg_nvs. judge: the
        contract."""
        self.bench, self.judge, self.gate = bench, judge, bench.gate

    def steps(self):
        return [self.service, self.contract, self.dashboard, self.strangers, self.bad_queries, self.bad_bodies, self.tokens, self.reused_keys,
                self.slots, self.profiles, self.clouds, self.used_cloud, self.full_of_calls, self.credentials, self.keys, self.firmware, self.full_of_uploads, self.images,
                self.factory_images, self.converters, self.jobs, self.things, self.registrations, self.events, self.devices, self.backups, self.webhooks,
                self.audit, self.full_queue, self.full_waiting_room, self.full_of_streams, self.not_ready]

    # ---- the service itself ----

    def service(self):
        self.gate.get("/healthz").expect(200)
        self.gate.get("/readyz").expect(200)
        self.gate.get("/metrics").expect(200)
        self.gate.get("/metrics", headers={"Accept": "application/openmetrics-text"}).expect(200)
        self.gate.get("/v1/ports").expect(200)

    def contract(self):
        for path in ("/openapi.yaml", "/openapi.json"):
            etag = self.gate.get(path).expect(200).headers["ETag"]
            self.gate.get(path, headers={"If-None-Match": etag}).expect(304)

    def dashboard(self):
        page = self.gate.get("/").expect(200)
        version = re.search(rb"/ui/([0-9a-f]+)/", page.body).group(1).decode()
        files = [f"/ui/{version}/{name}" for name in ui_files()]
        for path in ["/", *files]:
            etag = self.gate.get(path).expect(200).headers["ETag"]
            self.gate.get(path, headers={"If-None-Match": etag}).expect(304)
        for path in (f"/ui/{version}/a", f"/ui/{version}/a/b"):
            self.gate.get(path).problem(404, "dashboard_file_not_found")
        for path in ("/ui/0/a", "/ui/0/a/b"):
            self.gate.get(path).problem(404, "dashboard_changed")

    def strangers(self):
        strangers.call(self.gate, self.judge)

    def bad_queries(self):
        for method, template in self.judge.operations:
            path = strangers.path_of(template)
            self.gate.request(method, path + "?nosuch=1").problem(400, "bad_query")

    def bad_bodies(self):
        """What holds for every body alike: empty, of a wrong type, too large."""
        for method, path, media, cap in (
                ("PUT", "/v1/slots/a", "application/json", 256), ("POST", "/v1/images", "application/json", 256),
                ("POST", "/v1/jobs", "application/json", 256), ("PUT", "/v1/profiles/a", "application/json", 256), ("PUT", "/v1/clouds/a", "application/json", 256),
                ("POST", "/v1/tokens", "application/json", 256),
                ("POST", "/v1/credentials/csr", "application/json", 256),
                ("POST", "/v1/credentials/csr/a", "application/json", 1024),
                ("POST", "/v1/authorities", "application/json", 256),
                ("POST", "/v1/authorities/a/certificates", "application/json", 256),
                ("POST", "/v1/webhooks", "application/json", 256),
                ("POST", "/v1/registrations", "application/json", 256),
                ("POST", "/v1/credentials", "application/json", 1024),
                ("POST", f"/v1/credentials?certificate={'0' * 64}", "multipart/form-data; boundary=b", 8192),
                ("POST", "/v1/credentials/validate", "multipart/form-data; boundary=b", 1024),
                ("POST", "/v1/credentials/inspect", "multipart/form-data; boundary=b", 8192),
                ("POST", "/v1/images/atpki", "multipart/form-data; boundary=b", 1024),
                ("POST", "/v1/images/mfg-nvs?size=12288", "multipart/form-data; boundary=b", 1024),
                ("POST", "/v1/images/partition-table", "text/csv", 64)):
            kind = {"Content-Type": media}
            self.gate.request(method, path, b"", headers=kind).problem(400, "empty_body")
            self.gate.request(method, path, b"x", headers={"Content-Type": "text/plain"}).problem(415, "bad_media_type")
            refused = self.gate.request(method, path, b"x").problem(415, "bad_media_type")
            assert media.split(";")[0] in refused["hint"], refused
            with raw.Connection(self.gate) as c:
                c.send_head(method, path, f"Content-Type: {media}", f"Content-Length: {cap * 1024 + 1}",
                            "Expect: 100-continue")
                c.reply(method, path).problem(413, "body_too_large")
            with raw.Connection(self.gate) as c:
                c.send_head(method, path, f"Content-Type: {media}", "Transfer-Encoding: chunked")
                c.send_chunks(b" " * (cap * 1024 + 1))
                c.reply(method, path).problem(413, "body_too_large")

    # ---- who may call ----

    def tokens(self):
        gate = self.gate
        gate.get("/v1/me").expect(200)
        first = gate.get("/v1/tokens").expect(200).json["items"][0]["id"]
        gate.delete(f"/v1/tokens/{first}").problem(409, "own_token")
        made = gate.post("/v1/tokens", {"name": "line-3", "scope": "viewer", "expires_in": 3600}).expect(201)
        self.bench.secrets.add(made.json["token"])
        for method, path in (("POST", "/v1/jobs"), ("GET", "/v1/tokens")):
            gate.request(method, path, headers={"Authorization": "Bearer " + made.json["token"]}).problem(403, "missing_scope")
        named = {"name": "page", "scope": "admin", "certificate_sha256": "a" * 64}
        gate.post("/v1/tokens", named).expect(201)
        gate.post("/v1/tokens", named).problem(409, "certificate_in_use")
        for wrong in ({}, {"name": "a"}, {"name": "a", "scope": "root"}, {"name": "a b", "scope": "viewer"},
                      {"name": "anonymous", "scope": "viewer"}, {"name": "a" * 64, "scope": "viewer"},
                      {"name": "a", "scope": "viewer", "expires_in": 59},
                      {"name": "a", "scope": "viewer", "certificate_sha256": "A" * 64},
                      {"name": "a", "scope": "viewer", "certificate_sha256": ""}):
            gate.post("/v1/tokens", wrong).problem(400, "bad_body")
        page = gate.get("/v1/tokens?limit=1").expect(200)
        gate.get(f"/v1/tokens?limit=1&cursor={page.json['next']}").expect(200)
        gate.get(made.headers["Location"]).expect(200)
        gate.delete(made.headers["Location"]).expect(204)
        gate.delete(made.headers["Location"]).expect(204)
        gate.get("/v1/tokens/tok_0").problem(404, "token_not_found")
        gate.delete("/v1/tokens/tok_0").problem(404, "token_not_found")

    def reused_keys(self):
        """The key of one request is refused with any other."""
        key = {"Idempotency-Key": "tour"}
        made = self.gate.post("/v1/tokens", {"name": "once", "scope": "viewer"}, headers=key).expect(201)
        self.bench.secrets.add(made.json["token"])
        again = self.gate.post("/v1/tokens", {"name": "once", "scope": "viewer"}, headers=key).expect(201)
        assert again.headers["Idempotent-Replayed"] == "true" and again.json == made.json, again
        for (method, template), operation in self.judge.operations.items():
            if not any(self.judge.resolve(p)["name"] == "Idempotency-Key" for p in operation["parameters"]):
                continue
            media = list(self.judge.resolve(operation.get("requestBody", {})).get("content", {}))
            kind = {"Content-Type": media[0]} if media else {}
            reply = self.gate.request(method, strangers.path_of(template), b"{}" if media else None, headers={**key, **kind})
            reply.problem(422, "idempotency_key_reused")

    # ---- the bench ----

    def slots(self):
        gate = self.gate
        board = self.bench.boards[0]
        body = {"download_port": board.download, "at_port": board.at}
        made = gate.put("/v1/slots/tour", body).expect(201)
        gate.put("/v1/slots/tour", dict(body, reset="classic"), headers={"If-Match": made.headers["ETag"]}).expect(200)
        gate.put("/v1/slots/tour", body, headers={"If-Match": made.headers["ETag"]}).problem(412, "precondition_failed")
        gate.put("/v1/slots/tour", dict(body, reset="D0|R1|W0.1|D1|R0|W0.05|D0")).expect(200)
        for wrong in ({"speed": 1}, {}, {"at_port": None}, {"at_port": ""}, {"at_port": "/dev/t\nty"},
                      {"at_port": "a" * 256}, {"at_port": "a", "reset": "hard"}, {"at_port": "a", "reset": "D0|R2"},
                      {"at_port": "a", "at_baud": 9599},
                      {"at_port": "a", "flash_baud": 2000001}, {"at_port": "a", "download_baud": 1.5}):
            gate.put("/v1/slots/tour", wrong).problem(400, "bad_body")
        for name in ("a%20b", ".a", "a" * 64):
            gate.put(f"/v1/slots/{name}", body).problem(400, "bad_name")
        gate.get("/v1/slots/tour").expect(200)
        gate.get("/v1/slots").expect(200)
        gate.get("/v1/slots/nowhere").problem(404, "slot_not_found")
        for act, state in (("pause", "paused"), ("drain", "drained"), ("resume", None)):
            held = gate.post(f"/v1/slots/tour/{act}").expect(200).json["hold"]
            assert (held and held["state"]) == state, held
            gate.get("/v1/slots/tour").expect(200)
            gate.post(f"/v1/slots/nowhere/{act}").problem(404, "slot_not_found")
        gate.delete("/v1/slots/tour", headers={"If-Match": '"x"'}).problem(412, "precondition_failed")
        gate.delete("/v1/slots/tour").expect(204)
        gate.delete("/v1/slots/tour").problem(404, "slot_not_found")

    def credentials(self):
        gate, pki = self.gate, self.bench.pki
        files = [("x", "1", pki.device.cert), ("y", "2", pki.device.key), ("z", "3", pki.ca.cert)]
        body = {"certificate": pki.device.cert.decode(), "private_key": pki.device.key.decode(),
                "root_ca": pki.ca.cert.decode()}
        self.bench.secrets.update(pki.device.secrets())
        gate.post("/v1/credentials/validate", files=files).expect(200)
        gate.post("/v1/credentials/validate", body).expect(200)
        gate.post("/v1/credentials/validate", dict(body, root_ca="")).expect(200)
        pkcs12 = base64.b64encode(pki.pkcs12(pki.device, password="pass")).decode()
        tidy = gate.post("/v1/credentials/validate", {"any": {"name": [pkcs12]}, "password": "pass"}).expect(200).json
        assert tidy["valid"] and [c["code"] for c in tidy["credential"]["changes"]] == ["pkcs12", "base64"], tidy
        gate.post("/v1/credentials/validate?allow=dates", body).problem(400, "bad_query")
        gate.post("/v1/credentials/inspect?allow=dates", body).problem(400, "bad_query")
        gate.post("/v1/credentials/inspect", {"password": None}).problem(400, "bad_body")
        gate.post("/v1/credentials/inspect", files=files[1:]).expect(200)
        made = gate.post("/v1/credentials", body).expect(201)
        others = [("w", "cat.jpg", b"\xff\xd8"), ("v", "a.pub", b"-----BEGIN PUBLIC KEY-----\n")]
        told = gate.post("/v1/credentials/inspect", files=[*files, *others]).expect(200).json
        assert told["sets"][0]["earlier"] == made.json["id"] and told["unused"] == [3, 4], told
        gate.post("/v1/credentials", files=files).problem(409, "credential_exists")
        gate.post("/v1/credentials?allow=chain_to_root,validity,duplicate_key", body).problem(409, "credential_exists")
        other = [("x", "1", pki.ec_device.cert), ("y", "2", pki.ec_device.key), ("z", "3", pki.ca.cert)]
        second = gate.post("/v1/credentials?allow=chain_to_root,validity", files=other).expect(201)
        gate.post("/v1/credentials", files=files[:2]).expect(422)
        self.one_of_many(second)
        for wrong in ({"certificate": 1}, {"password": None}, {**body, "password": "x" * 1025}):
            gate.post("/v1/credentials", wrong).problem(400, "bad_body")
        gate.get(made.headers["Location"]).expect(200)
        page = gate.get("/v1/credentials?limit=1").expect(200)
        gate.get(f"/v1/credentials?limit=1&cursor={page.json['next']}").expect(200)
        gate.get("/v1/credentials?limit=0").problem(400, "bad_query")
        gate.get("/v1/credentials?cursor=job_1").problem(400, "bad_query")
        gate.get("/v1/credentials/cred_0").problem(404, "credential_not_found")
        gate.delete("/v1/credentials/cred_0").problem(404, "credential_not_found")
        gate.delete(second.headers["Location"]).expect(204)
        gate.get(second.headers["Location"]).problem(404, "credential_not_found")
        self.credential = made.json["id"]

    def one_of_many(self, second):
        """Two devices in one file: the fingerprint says which."""
        gate, pki = self.gate, self.bench.pki
        self.bench.secrets.update(pki.ec_device.secrets())
        files = [("x", "line.pem", b"".join((pki.device.cert, pki.device.key, pki.ec_device.key, pki.ec_device.cert, pki.ca.cert)))]
        path = "/v1/credentials?certificate="
        gate.post("/v1/credentials", files=files).problem(422, "two_keys")
        assert gate.post(path + second.json["fingerprint_sha256"], files=files).problem(409, "credential_exists")["earlier"] == second.json["id"]
        gate.post(path + "0" * 64, files=files).problem(422, "certificate_not_found")
        gate.post(path + second.json["fingerprint_sha256"], files=[("x", "1", pki.ec_device.cert)]).expect(422)
        for wrong in ("a", "", "A" * 64, "0" * 65):
            gate.post(path + wrong, files=files).problem(400, "bad_query")

    # ---- recipes, and keys made here ----

    def profiles(self):
        gate, path = self.gate, "/v1/profiles/tour"
        settings = {"wifi": {"ssid": "bench", "password": "tour-secret"}, "mqtt": {"host": "localhost", "password": "tour-secret-2"},
                    "check": "wifi", "time": {"zone": 1}, "host_check": False, "method": "rom", "purge_key": True,
                    "layout": {"module": "MINI-1", "release": "v3.4.0.0"}, "firmware": "fw_1", "flash_bytes": "0x400000",
                    "target": {"kind": "client", "index": 1}}
        self.bench.secrets.update(("tour-secret", "tour-secret-2"))
        made = gate.put(path, settings, headers={"If-None-Match": "*"}).expect(201)
        again = gate.put(path, made.json["settings"], headers={"If-Match": made.headers["ETag"]}).expect(200)
        assert again.json["settings"] == made.json["settings"]
        gate.put(path, settings, headers={"If-Match": made.headers["ETag"]}).problem(412, "precondition_failed")
        for wrong in orders.wrong_settings():
            gate.put(path, wrong).problem(400, "bad_body")
        gate.put("/v1/profiles/a%20b", {}).problem(400, "bad_name")
        gate.put("/v1/profiles/other", {"layout": "mfg_nvs"}).expect(201)
        gate.get(path).expect(200)
        page = gate.get("/v1/profiles?limit=1").expect(200)
        gate.get(f"/v1/profiles?cursor={page.json['next']}").expect(200)
        gate.get("/v1/profiles?cursor=a%20b").problem(400, "bad_query")
        gate.post("/v1/jobs", {"kind": "check", "slot": "gone", "profile": "nowhere"}).problem(404, "profile_not_found")
        for gone in (path, "/v1/profiles/other"):
            gate.delete(gone, headers={"If-Match": '"x"'}).problem(412, "precondition_failed")
            gate.delete(gone).expect(204)
            gate.delete(gone).problem(404, "profile_not_found")
        gate.get(path).problem(404, "profile_not_found")
        gate.put("/v1/profiles/bench", {"wifi": {"ssid": "bench"}, "mqtt": {"host": "localhost"}}).expect(201)

    def clouds(self):
        gate, path = self.gate, "/v1/clouds/tour"
        for settings in orders.clouds():
            gate.put("/v1/clouds/other", settings).expect(200, 201)
        settings = next(orders.clouds())
        self.bench.secrets.update((settings["keys"]["secret_access_key"], settings["keys"]["session_token"]))
        made = gate.put(path, settings, headers={"If-None-Match": "*"}).expect(201)
        again = gate.put(path, made.json["settings"], headers={"If-Match": made.headers["ETag"]}).expect(200)
        assert again.json["settings"] == made.json["settings"]
        gate.put(path, settings, headers={"If-Match": made.headers["ETag"]}).problem(412, "precondition_failed")
        for wrong in orders.wrong_clouds(settings):
            gate.put(path, wrong).problem(400, "bad_body")
        for wrong, status, code in ((dict(settings, data={"endpoint": "a1.iot.us-east-2.amazonaws.com"}), 400, "endpoint_not_ats"),
                                    (dict(settings, control={"endpoint": "https://example.com"}), 400, "bad_endpoint"),
                                    (dict(settings, data={"root_ca": "none"}), 422, "bad_ca")):
            gate.put(path, wrong).problem(status, code)
        gate.put("/v1/clouds/a%20b", settings).problem(400, "bad_name")
        gate.get(path).expect(200)
        page = gate.get("/v1/clouds?limit=1").expect(200)
        gate.get(f"/v1/clouds?cursor={page.json['next']}").expect(200)
        gate.get("/v1/clouds?cursor=a%20b").problem(400, "bad_query")
        told = gate.post(path + "/test").expect(200).json
        assert told["checks"][-1]["code"] == "aws_unreachable", told
        for gone in (path, "/v1/clouds/other"):
            gate.delete(gone, headers={"If-Match": '"x"'}).problem(412, "precondition_failed")
            gate.delete(gone).expect(204)
            gate.delete(gone).problem(404, "cloud_not_found")
        gate.get(path).problem(404, "cloud_not_found")
        gate.post(path + "/test").problem(404, "cloud_not_found")

    @contextlib.contextmanager
    def mute_cloud(self, path):
        """A cloud that takes calls, and never answers them. When it is left it refuses them."""
        with socket.create_server(("127.0.0.1", 0)) as self.mute:
            address = "127.0.0.1:%d" % self.mute.getsockname()[1]
            settings = dict(next(orders.clouds()), control={"endpoint": f"https://{address}"})
            self.bench.secrets.update((settings["keys"]["secret_access_key"], settings["keys"]["session_token"]))
            self.gate.put(path, settings).expect(200, 201)
            yield settings

    def used_cloud(self):
        gate, path = self.gate, "/v1/clouds/used"
        with self.mute_cloud(path) as settings:
            registration = gate.post("/v1/registrations", {"cloud": {"name": "used", "thing": "tour", "key": "P-256"}}).expect(202)
            gate.delete(path).problem(409, "cloud_in_use")
            gate.put(path, dict(settings, region="eu-west-1")).problem(409, "cloud_in_use")
            gate.put(path, dict(settings, rate=1)).expect(200)
        at = registration.headers["Location"]
        gate.delete(at).expect(202)
        while gate.get(at).expect(200).json["state"] != "undone":  # polls: there is nothing else to wait on
            pass
        gate.delete(path).expect(204)

    def full_of_calls(self):
        """One call more than may wait: somebody is told so."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.mute_cloud("/v1/clouds/mute"))
            poll = select.poll()
            for number in range(CALLERS + CALLS + 1):
                s = stack.enter_context(socket.create_connection(("127.0.0.1", self.gate.port), 60))
                s.sendall("\r\n".join(["POST /v1/clouds/mute/test HTTP/1.1", "Host: x", "Content-Length: 0",
                                       *self.gate.credentials, "", ""]).encode())
                poll.register(s, select.POLLIN)
                if number < CALLERS:  # it runs
                    stack.enter_context(self.mute.accept()[0])
            assert poll.poll(60000)
            self.gate.post("/v1/clouds/mute/test").problem(503, "too_many_waiting")
        self.gate.delete("/v1/clouds/mute").expect(204)

    def things(self):
        """Jobs that are to register their board, and wait."""
        gate = self.gate
        gate.put("/v1/clouds/tour", next(orders.clouds())).expect(201)
        authority = gate.post("/v1/authorities", {"name": "things", "key": "P-256"}).expect(201).json["id"]
        running = self.occupy()
        gate.put("/v1/profiles/things", {"cloud": {"name": "tour", "thing": "t-{mac}"}, "mqtt": {"topic": "{thing}/a"}}).expect(201)
        job = {"kind": "provision", "slot": "silent", "check": "none"}
        for cloud, more in orders.things(self.credential, authority):
            queued = gate.post("/v1/jobs", {**job, "cloud": cloud, **more}).expect(202).headers["Location"]
            gate.post(queued + "/cancel").expect(200)
        for more in ({"kind": "provision", "cloud": "tour"}, {"kind": "provision", "profile": "things"}, {"kind": "check", "cloud": "tour"}):
            waiting = gate.post("/v1/jobs", {"slot": "both", "wifi": {"ssid": "bench"}, **more}).expect(202).headers["Location"]
            assert gate.post(waiting + "/cancel").status in (200, 202)  # it may wait for its ports already
        gate.post("/v1/jobs", {**job, "cloud": "nowhere"}).problem(404, "cloud_not_found")
        gate.post(f"/v1/jobs/{running}/cancel").expect(202)
        gate.wait_job(running)
        for gone in ("/v1/clouds/tour", "/v1/profiles/things", f"/v1/authorities/{authority}"):
            gate.delete(gone).expect(204)

    def until(self, registration, state):
        """Polls it: there is nothing else to wait on."""
        while True:
            got = self.gate.get(registration).expect(200).json
            if got["state"] == state:
                return
            assert got["state"] in ("registering", "registered", "undoing"), got

    def registrations(self):
        gate = self.gate
        with contextlib.ExitStack() as stack:
            cloud = Standin(self.bench.folder, "--rate-percent", "0")
            stack.callback(cloud.stop)
            self.bench.secrets.add(cloud.secret_access_key)
            gate.put("/v1/clouds/tour", cloud.settings(data={"root_ca": cloud.ca_pem})).expect(201)
            order = {"cloud": {"name": "tour", "thing": "pump-17", "key": "P-256"}, "topic": "{thing}/a"}
            made = gate.post("/v1/registrations", order).expect(202).headers["Location"]
            self.until(made, "active")
            assert gate.post("/v1/registrations", order).expect(200).json["id"] == made.rpartition("/")[2]
            gate.post("/v1/registrations", dict(order, topic="other")).problem(409, "thing_registered")
            gate.delete(made + "?forget=true").problem(409, "registration_not_left")
            gate.delete(made + "?forget=perhaps").problem(400, "bad_query")
            gate.post("/v1/registrations", {"cloud": {"name": "nowhere", "thing": "a"}}).problem(404, "cloud_not_found")
            for wrong in orders.wrong_things():
                gate.post("/v1/registrations", {"cloud": wrong}).problem(400, "bad_body")
            for change in ({"client_id": ""}, {"client_id": "{mac}"}, {"topic": "{slot}"}, {"topic": "a/#"}, {"topic": "a\nb"}, {"credential": "cred_0"}, {"job": "x"},
                           {"cloud": {"name": "tour"}}, {"cloud": {"name": "tour", "thing": "{mac}"}}, {"cloud": "tour"}):
                gate.post("/v1/registrations", {**order, **change}).problem(400, "bad_body")
            gate.delete("/v1/clouds/tour").problem(409, "cloud_in_use")
            for query in ("cloud=tour&thing=pump-17&state=active", "job=job_0", "limit=1"):
                gate.get("/v1/registrations?" + query).expect(200)
            for query in ("cloud=a%20b", "state=gone", "job=a%20b", "thing=", "cursor=job_0"):
                gate.get("/v1/registrations?" + query).problem(400, "bad_query")
            gate.delete(made).expect(202)
            self.until(made, "undone")
            gate.delete(made).expect(200)
            mark = cloud.mark()
            gate.get("/v1/registrations/reg_0").problem(404, "registration_not_found")
            gate.delete("/v1/registrations/reg_0").problem(404, "registration_not_found")
            cloud.fault("CreateThing", "mute")
            running = gate.create_job({"kind": "provision", "slot": self.bench.slot(self.bench.boards[0]), "cloud": "tour", "check": "none"})
            cloud.wait_event("arrived", "CreateThing", since=mark)
            busy = gate.get(f"/v1/registrations?job={running}").expect(200).json["items"][0]["id"]
            gate.delete("/v1/registrations/" + busy).problem(409, "registration_busy")
            gate.post(f"/v1/jobs/{running}/cancel").expect(202)
            gate.wait_job(running)
        gate.delete("/v1/clouds/tour").expect(204)

    def keys(self):
        gate = self.gate
        lab = gate.post("/v1/authorities", {"name": "lab", "key": "P-256", "subject": {"CN": "{name} CA", "C": "DE"},
                                            "days": 30}).expect(201)
        at, sign = lab.headers["Location"], lab.headers["Location"] + "/certificates"
        gate.post("/v1/authorities", {"name": "lab"}).problem(409, "authority_exists")
        gate.post("/v1/authorities", {"name": "a", "key": "P-256", "subject": {"CN": "a", "C": "D"}}).problem(422, "bad_subject")
        other = gate.post("/v1/authorities", {"name": "other", "key": "P-256"}).expect(201)
        for wrong in ({}, {"name": "a b"}, {"name": "a", "key": "RSA"}, {"name": "a", "days": 0}, {"name": "a", "subject": {}}):
            gate.post("/v1/authorities", wrong).problem(400, "bad_body")
        gate.get(at).expect(200)
        page = gate.get("/v1/authorities?limit=1").expect(200)
        gate.get(f"/v1/authorities?cursor={page.json['next']}").expect(200)
        gate.get("/v1/authorities?cursor=cred_1").problem(400, "bad_query")
        gate.delete(other.headers["Location"]).expect(204)
        for answer in (gate.delete(other.headers["Location"]), gate.get(other.headers["Location"])):
            answer.problem(404, "authority_not_found")

        order = {"key": "P-256", "subject": {"CN": "{name}-{mac}", "OU": "{slot}"}, "mac": "24:0A:C4:12:34:56",
                 "slot": "left", "name": "pump"}
        asked = gate.post("/v1/credentials/csr", order).expect(201)
        for wrong in ({}, {"subject": {}}, {"subject": "CN=a"}, dict(order, key="P-521"), dict(order, mac="24:0a"),
                      dict(order, name=""), dict(order, serial=1), {"subject": {"CN": "a", "X": "b"}},
                      {"subject": {"CN": "{serial}"}}, dict(order, subject={"CN": "a", "OU": "{Mac}"})):
            gate.post("/v1/credentials/csr", wrong).problem(400, "bad_body")
        gate.post("/v1/credentials/csr", dict(order, subject={"CN": "a", "C": "D"})).problem(422, "bad_subject")
        csr = asked.headers["Location"]
        gate.get(csr).expect(200)
        spare = gate.post("/v1/credentials/csr", order).expect(201).headers["Location"]
        page = gate.get("/v1/credentials/csr?limit=1").expect(200)
        gate.get(f"/v1/credentials/csr?cursor={page.json['next']}").expect(200)
        gate.get("/v1/credentials/csr?cursor=cred_1").problem(400, "bad_query")

        signed = gate.post(sign, {"csr": asked.json["id"], "days": 7}).expect(200).json
        gate.post(sign, {"request": asked.json["request"], "use": "server", "names": ["b.lab", "::1"]}).expect(200)
        for wrong in ({}, {"csr": "csr_0", "request": "x"}, {"csr": "csr_0", "names": ["a"]}, {"csr": "csr_0", "days": 0},
                      {"csr": "csr_0", "use": "server"}, {"csr": "csr_0", "use": "server", "names": [""]}):
            gate.post(sign, wrong).problem(400, "bad_body")
        gate.post(sign, {"csr": "csr_0"}).problem(404, "csr_not_found")
        gate.post("/v1/authorities/ca_0/certificates", {"csr": asked.json["id"]}).problem(404, "authority_not_found")
        gate.post(sign, {"request": "x"}).problem(422, "not_a_request")
        gate.post(sign, {"csr": asked.json["id"], "days": 31}).problem(422, "outlives_authority")

        root, body = "?authority=" + lab.json["id"], {"certificate": signed["certificate"]}
        gate.post(spare, {"certificate": signed["certificate"], "root_ca": signed["root_ca"]}).problem(422, "key_mismatch")
        gate.post(csr, body).problem(422, "missing_root_ca")
        gate.post(csr, {"root_ca": signed["root_ca"]}).problem(422, "missing_certificate")
        gate.post(csr, {"certificate": 1}).problem(400, "bad_body")
        gate.post(csr + "?authority=ca_0", body).problem(404, "authority_not_found")
        made = gate.post(csr + root, files=[("x", "1", signed["certificate"].encode())]).expect(201)
        gate.post(csr + root, body).problem(404, "csr_not_found")
        gate.get(csr).problem(404, "csr_not_found")
        gate.delete(csr).problem(404, "csr_not_found")
        gate.delete(spare).expect(204)
        gate.delete(at).expect(204)
        gate.delete(made.headers["Location"]).expect(204)

    # ---- firmware ----

    def firmware(self):
        gate, octets = self.gate, {"Content-Type": "application/octet-stream"}
        at = firmware_files.esp_at("esp32-v2.4", 64 * 1024)
        made = gate.post("/v1/firmware?name=at.zip", at.release(), headers={"Content-Type": "application/zip"}).expect(201)
        gate.post("/v1/firmware", at.release(), headers=octets).expect(200)
        gate.post("/v1/firmware", at.factory(), headers=octets).expect(201)
        binary = gate.post("/v1/firmware", files=[("file", "app.bin", at.parts["esp-at.bin"][1])]).expect(201)
        gate.post("/v1/firmware", files=[]).problem(400, "bad_multipart")
        gate.post("/v1/firmware?name=", b"x", headers=octets).problem(400, "bad_query")
        gate.post("/v1/firmware", b"", headers=octets).problem(400, "empty_body")
        gate.post("/v1/firmware", b"x", headers={"Content-Type": "text/plain"}).problem(415, "bad_media_type")
        gate.post("/v1/firmware", b"PK\3\4" + bytes(99), headers=octets).problem(422, "zip_damaged")
        with raw.Connection(gate) as c:
            c.send_head("POST", "/v1/firmware", "Content-Type: application/zip", f"Content-Length: {FIRMWARE + 1}")
            c.reply("POST", "/v1/firmware").problem(413, "body_too_large")
        page = gate.get("/v1/firmware?limit=1").expect(200)
        gate.get(f"/v1/firmware?cursor={page.json['next']}").expect(200)
        gate.get("/v1/firmware?cursor=cred_1").problem(400, "bad_query")
        for one in (made, binary):
            got = gate.get(one.headers["Location"]).expect(200)
            gate.get(one.headers["Location"], headers={"If-None-Match": got.headers["ETag"]}).expect(304)
        self.binary = gate.post("/v1/firmware", b"some other binary", headers=octets).expect(201).json["id"]
        gate.delete(binary.headers["Location"]).expect(204)
        gate.delete(binary.headers["Location"]).problem(404, "firmware_not_found")
        gate.get(binary.headers["Location"]).problem(404, "firmware_not_found")
        self.release = made.json["id"]

    def full_of_uploads(self):
        """One file more than may come at a time."""
        head = ("Content-Type: application/octet-stream", "Content-Length: 100", "Expect: 100-continue")
        with contextlib.ExitStack() as stack:
            for _ in range(UPLOADS):
                c = stack.enter_context(raw.Connection(self.gate))
                c.send_head("POST", "/v1/firmware", *head)
                assert c.socket.recv(64).startswith(b"HTTP/1.1 100 ")
            with raw.Connection(self.gate) as c:
                c.send_head("POST", "/v1/firmware", *head)
                c.reply("POST", "/v1/firmware").problem(503, "too_many_uploads")

    # ---- images ----

    def factory_images(self):
        gate, order = self.gate, {"credential": self.credential, "firmware": self.release}
        made = gate.post("/v1/images", order).expect(201)
        self.images_of_factory = made.json["id"]
        gate.get(made.headers["Location"]).expect(200)
        for image in made.json["images"]:
            gate.get(image["url"]).expect(200)
        gate.post("/v1/images", dict(order, layout="partitions")).problem(400, "bad_body")
        gate.post("/v1/images", dict(order, firmware="fw_0")).problem(404, "firmware_not_found")

    def images(self):
        gate = self.gate
        made = gate.post("/v1/images", {"credential": self.credential}).expect(201)
        gate.post("/v1/images", {"credential": self.credential, "layout": "esp32c3-v2"}).expect(201)
        own = {"partitions": [{"name": n, "offset": 0x30000 + i * 0x2000, "size": 0x2000}
                              for i, n in enumerate(("mqtt_cert", "mqtt_key", "mqtt_ca"))]}
        gate.post("/v1/images", {"credential": self.credential, "layout": own}).expect(201)
        shipped = {"credential": self.credential, "layout": {"module": "ESP32C3-MINI-1", "release": "v2.4.0.0"}}
        gate.post("/v1/images", dict(shipped, target={"kind": "wpa2"})).expect(201)
        gate.post("/v1/images", dict(shipped, target={"kind": "client", "index": 1})).problem(422, "image_needs_board")
        gate.post("/v1/images", dict(shipped, target={"kind": "https"})).problem(422, "layout_not_writable")
        gate.post("/v1/images", dict(shipped, target={"kind": "mqtt", "index": 1})).problem(400, "bad_body")
        for module, release, code in (("MINI-1", "v2.4.0.0", "module_ambiguous"), ("ESP8266", "v2.4.0.0", "module_unknown"),
                                      ("WROOM-32", "v9.0.0.0", "release_unknown")):
            order = {"credential": self.credential, "layout": {"module": module, "release": release}}
            gate.post("/v1/images", order).problem(422, code)
        gate.get(made.headers["Location"]).expect(200)
        for image in made.json["images"]:
            got = gate.get(image["url"]).expect(200)
            gate.get(image["url"], headers={"If-None-Match": got.headers["ETag"]}).expect(304)
        gate.get(made.headers["Location"] + "/nosuch.bin").problem(404, "image_not_found")
        gate.get("/v1/images/img_0").problem(404, "image_not_found")
        gate.get("/v1/images/img_0/mqtt_ca.bin").problem(404, "image_not_found")
        gate.post("/v1/images", {"credential": "cred_0"}).problem(404, "credential_not_found")
        gate.post("/v1/images", {"credential": self.credential, "layout": "esp8266"}).problem(422, "layout_unknown")
        gate.post("/v1/images", {"credential": 1}).problem(400, "bad_body")

    def converters(self):
        gate, pki = self.gate, self.bench.pki
        gate.post("/v1/images/atpki", files=[("ca", None, pki.ca.cert)]).expect(200)
        gate.post("/v1/images/atpki", files=[("ca", None, b"")]).problem(422, "item_empty")
        gate.post("/v1/images/atpki", files=[]).problem(400, "empty_upload")
        nvs, rows = "/v1/images/mfg-nvs?size=12288", b"key,type,encoding,value\nmqtt_ca,namespace,,\n"
        named = rows + b"mqtt_ca,file,binary,pki/ca.pem\n"
        image = gate.post(nvs, files=[("csv", None, named), ("f", "ca.pem", pki.ca.cert)]).expect(200)
        assert len(image.body) == 12288
        gate.post(nvs + "&style=full", files=[("csv", None, rows)]).expect(200)
        gate.post(nvs, files=[("csv", None, named)]).problem(422, "nvs_file_missing")
        gate.post(nvs, files=[("f", None, rows)]).problem(422, "no_csv")
        gate.post(nvs, files=[("csv", None, b"a,b\n")]).problem(422, "bad_csv")
        gate.post(nvs, files=[("csv", None, rows + b"k,data,u8,256\n")]).problem(422, "nvs_bad_value")
        gate.post(nvs, files=[("csv", None, named), ("f", "ca.pem", b"x" * 9000)]).problem(422, "nvs_full")
        for query in ("", "?size=4096", "?size=12288&style=tight", "?size=x"):
            gate.post("/v1/images/mfg-nvs" + query, files=[("csv", None, rows)]).problem(400, "bad_query")
        gate.post("/v1/images/mfg-nvs?size=12289", files=[("csv", None, rows)]).problem(422, "nvs_bad_size")
        table = b"nvs,data,nvs,0x9000,0x6000,\n"
        csv = {"Content-Type": "text/csv"}
        binary = gate.post("/v1/images/partition-table?md5=false", table, headers=csv).expect(200).body
        octets = {"Content-Type": "application/octet-stream"}
        gate.post("/v1/images/partition-table", binary, headers=octets).expect(200)
        gate.post("/v1/images/partition-table", b"a,b\n", headers=csv).problem(422, "bad_csv")
        gate.post("/v1/images/partition-table", b"\xff" * 3072, headers=octets).problem(422, "no_partition_table")
        gate.post("/v1/images/partition-table?md5=yes", table, headers=csv).problem(400, "bad_query")

    # ---- jobs ----

    def jobs(self):
        gate = self.gate
        gate.put("/v1/slots/silent", {"download_port": self.bench.boards[1].download}).expect(201)
        gate.put("/v1/slots/gone", {"at_port": "/dev/nosuch"}).expect(201)
        gate.put("/v1/slots/both", {"at_port": "/dev/nosuch", "download_port": "/dev/nosuch2"}).expect(201)
        order = {"kind": "reset", "slot": "gone"}
        ended = gate.post("/v1/jobs", order, headers={"Prefer": "wait=60"}).expect(200).json["id"]
        gate.get(f"/v1/jobs/{ended}?wait=1").expect(200)
        gate.get(f"/v1/jobs/{ended}/log").expect(200)
        gate.post(f"/v1/jobs/{ended}/cancel").problem(409, "job_ended")
        again = gate.post(f"/v1/jobs/{ended}/retry").expect(202).json["id"]
        gate.wait_job(again)
        gate.post("/v1/jobs", {"kind": "at", "slot": "silent", "lines": ["AT"]}).problem(422, "slot_has_no_at_port")
        gate.post("/v1/jobs", {"kind": "reset", "slot": "nowhere"}).problem(404, "slot_not_found")
        for wrong in orders.wrong(self.credential):
            gate.post("/v1/jobs", wrong).problem(400, "bad_body")
        gate.post("/v1/jobs", {**order, "depends_on": "job_0"}).problem(404, "job_not_found")
        gate.post("/v1/slots/gone/drain").expect(200)
        gate.post("/v1/jobs", order).problem(409, "slot_draining")
        gate.post(f"/v1/jobs/{again}/retry").problem(409, "slot_draining")
        gate.post("/v1/slots/gone/resume").expect(200)
        after = gate.create_job({**order, "depends_on": again, "priority": -10, "deadline": 604800})
        assert gate.wait_job(after)["error"]["code"] == "dependency_failed"
        running = self.occupy()
        late = gate.create_job({"kind": "reset", "slot": "silent", "deadline": 1, "priority": 10})
        assert gate.wait_job(late)["error"]["code"] == "deadline_passed"
        waiting = gate.create_job({"kind": "flash", "slot": "silent", "firmware": self.release,
                                   "credential": self.credential})
        gate.delete("/v1/slots/silent").problem(409, "slot_busy")
        gate.delete(f"/v1/credentials/{self.credential}").problem(409, "credential_in_use")
        gate.delete(f"/v1/firmware/{self.release}").problem(409, "firmware_in_use")
        gate.post(f"/v1/jobs/{waiting}/retry").problem(409, "job_not_ended")
        gate.post(f"/v1/jobs/{waiting}/cancel").expect(200)
        for order in orders.flash(self.credential, self.release, self.binary, self.images_of_factory):
            queued = gate.post("/v1/jobs", {"slot": "silent", **order}).expect(202).headers["Location"]
            if order.get("firmware"):
                gate.delete(f"/v1/firmware/{order['firmware']}").problem(409, "firmware_in_use")
            gate.post(queued + "/cancel").expect(200)
        for order in orders.with_profile(self.credential):
            waiting = gate.post("/v1/jobs", {"slot": "both", **order}).expect(202).headers["Location"]
            assert gate.post(waiting + "/cancel").status in (200, 202)  # it may wait for its ports already
        for order in orders.write(self.credential):
            queued = gate.post("/v1/jobs", {"slot": "silent", **order}).expect(202).headers["Location"]
            gate.post(queued + "/cancel").expect(200)
        gate.post(f"/v1/jobs/{running}/cancel").expect(202)
        gate.wait_job(running)
        page = gate.get("/v1/jobs?limit=2&slot=silent").expect(200)
        gate.get(page.headers["Link"].split(">")[0][1:] if "Link" in page.headers else "/v1/jobs").expect(200)
        for state in ("queued", "running", "succeeded", "failed", "cancelled", "interrupted"):
            gate.get(f"/v1/jobs?state={state}").expect(200)
        gate.get("/v1/jobs?firmware=fw_0").expect(200)
        for wrong in ("kind=fly", "state=asleep", "slot=a%20b", "credential=%2e%2e", "firmware=%2e%2e", "limit=1001", "limit=1&limit=1",
                      "cursor=", "cursor=1", "cursor=cred_1", "cursor=" + "job_" + "a" * 40):
            gate.get("/v1/jobs?" + wrong).problem(400, "bad_query")
        gate.get("/v1/jobs?cursor=job_0").expect(200)
        for method, path in (("GET", ""), ("POST", "/cancel"), ("POST", "/retry"), ("GET", "/log"), ("GET", "/data")):
            gate.request(method, "/v1/jobs/job_0" + path).problem(404, "job_not_found")
        gate.delete(f"/v1/jobs/{ended}/data").problem(404, "dump_not_found")

    def occupy(self):
        """A job that runs on the silent board, and for long."""
        job = self.gate.create_job({"kind": "identify", "slot": "silent", "timeout": 900})
        while self.gate.job(job)["state"] == "queued":
            self.gate.get(f"/v1/jobs/{job}?wait=1").expect(200)
        return job

    def devices(self):
        gate = self.gate
        job = self.bench.run("identify", self.bench.boards[0])
        gate.get(f"/v1/jobs/{job['id']}/log").expect(200)
        data = f"/v1/jobs/{self.bench.run('read', self.bench.boards[0], partition='mqtt_ca')['id']}/data"
        etag = gate.get(data).expect(200).headers["ETag"]
        gate.get(data, headers={"If-None-Match": etag}).expect(304)
        gate.delete(data).expect(204)
        gate.get(data).problem(404, "dump_not_found")
        gate.get("/v1/devices").expect(200)
        gate.get("/v1/devices", headers={"Accept": "text/csv"}).expect(200)
        mac = self.bench.boards[0].mac
        for name in (mac, mac.upper(), mac.replace(":", "%3a")):
            assert gate.get(f"/v1/devices/{name}").expect(200).json["mac"] == mac
        gate.get(f"/v1/devices?cursor={mac}").expect(200)
        assert [d["mac"] for d in gate.get(f"/v1/devices?q={mac.replace(':', '')}").expect(200).json["items"]] == [mac]
        gate.get("/v1/devices?q=%ff").problem(400, "bad_query")
        gate.get("/v1/devices?cursor=job_1").problem(400, "bad_query")
        gate.get("/v1/devices/00:00:00:00:00:00").problem(404, "device_not_found")

    def audit(self):
        """All that was done on the tour until here: entries of every kind."""
        path = "/v1/audit?limit=100"
        while path:
            after = self.gate.get(path).expect(200).json["next"]
            path = after and f"/v1/audit?limit=100&cursor={after}"
        self.gate.get(f"/v1/audit?mac={self.bench.boards[0].mac.upper()}&outcome=succeeded").expect(200)
        self.gate.get("/v1/audit?outcome=good").problem(400, "bad_query")

    def backups(self):
        gate, board = self.gate, self.bench.boards[2]
        credentials = [self.credential, self.bench.upload(self.bench.pki.ec_device)]
        made = [self.bench.run("write", board, credential=one)["result"]["backups"][0]["id"] for one in credentials]
        page = gate.get(f"/v1/backups?mac={board.mac.upper()}&limit=1").expect(200)
        gate.get(f"/v1/backups?cursor={page.json['next']}").expect(200)
        gate.get("/v1/backups?mac=here").problem(400, "bad_query")
        gate.get("/v1/backups?cursor=job_1").problem(400, "bad_query")
        gate.get(f"/v1/backups/{made[0]}").expect(200)
        gate.get("/v1/backups/bak_0").problem(404, "backup_not_found")
        gate.post("/v1/jobs", {"kind": "restore", "slot": "silent", "backup": "bak_0"}).problem(404, "backup_not_found")
        running = self.occupy()
        waiting = gate.create_job({"kind": "restore", "slot": "silent", "backup": made[0]})
        gate.delete(f"/v1/backups/{made[0]}").problem(409, "backup_in_use")
        gate.post(f"/v1/jobs/{waiting}/cancel").expect(200)
        gate.post(f"/v1/jobs/{running}/cancel").expect(202)
        gate.wait_job(running)
        self.bench.run("restore", board, backup=made[0])
        gate.delete(f"/v1/backups/{made[0]}").expect(204)
        gate.delete(f"/v1/backups/{made[0]}").problem(404, "backup_not_found")
        gate.get(f"/v1/devices/{board.mac}").expect(200)

    def events(self):
        gate = self.gate
        job = gate.create_job({"kind": "reset", "slot": "gone"})
        text = gate.get(f"/v1/jobs/{job}/events").expect(200).body.decode()
        last = text.rsplit("id: ", 1)[1].split("\n")[0]
        gate.get(f"/v1/jobs/{job}/events", headers={"Last-Event-ID": last}).expect(204)
        gate.get(f"/v1/jobs/{job}/events?types=job.ended").expect(200)
        gate.get("/v1/jobs/job_0/events").problem(404, "job_not_found")
        gate.get("/v1/events", headers={"Last-Event-ID": "x"}).problem(400, "bad_last_event_id")
        gate.get("/v1/events?types=job.began").problem(400, "bad_query")
        gate.get("/v1/events?slot=.").problem(400, "bad_query")
        gate.request("HEAD", "/v1/events").expect(200)  # the stream itself has no end
    # ---- webhooks ----

    def webhooks(self):
        gate, url = self.gate, "http://127.0.0.1:9/espgate"  # where nobody listens
        order = {"url": url, "slot": "elsewhere", "states": ["failed"], "ca": self.bench.pki.ca.cert.decode()}
        at = gate.post("/v1/webhooks", order).expect(201).headers["Location"]
        for wrong in ({}, {"url": 1}, {"url": "http://example.com/"}, {"url": "https://a@b/"}, {"url": url, "slot": "a b"},
                      {"url": url, "states": []}, {"url": url, "states": ["queued"]}, {"url": url, "secret": "x"}):
            gate.post("/v1/webhooks", wrong).problem(400, "bad_body")
        for ca in ("x", order["ca"].replace("MII", "!!!")):
            gate.post("/v1/webhooks", {"url": url, "ca": ca}).problem(422, "bad_ca")
        gate.get(at).expect(200)
        others = [gate.post("/v1/webhooks", {"url": url, "slot": "elsewhere"}).expect(201) for _ in range(WEBHOOKS - 1)]
        gate.post("/v1/webhooks", {"url": url}).problem(409, "too_many_webhooks")
        for one in others:
            gate.delete(one.headers["Location"]).expect(204)
        delivery = gate.post(at + "/test").expect(202).headers["Location"]
        gate.post(delivery + "/retry").problem(409, "delivery_pending")
        gate.get(delivery).expect(200)
        gate.post(at + "/test").expect(202)
        for path in ("/v1/webhooks", at + "/deliveries"):
            page = gate.get(path + "?limit=1").expect(200)
            gate.get(f"{path}?cursor={page.json['next'] or page.json['items'][0]['id']}").expect(200)
            gate.get(path + "?cursor=job_1").problem(400, "bad_query")
        self.taken()
        for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/test"), ("GET", "/deliveries")):
            gate.request(method, "/v1/webhooks/hook_0" + path).problem(404, "webhook_not_found")
        for method, path in (("GET", ""), ("POST", "/retry")):
            gate.request(method, at + "/deliveries/dlv_0" + path).problem(404, "delivery_not_found")
        gate.delete(at).expect(204)

    def taken(self):
        """A delivery that has ended begins anew."""
        with Receiver() as receiver:
            hook = self.gate.post("/v1/webhooks", {"url": receiver.url, "slot": "elsewhere"}).expect(201).headers["Location"]
            delivery = self.gate.post(hook + "/test").expect(202).headers["Location"]
            while self.gate.get(delivery).expect(200).json["state"] == "pending":
                pass
            self.gate.post(delivery + "/retry").expect(202)
            receiver.wait(2)
            self.gate.delete(hook).expect(204)

    # ---- full up ----

    def full_queue(self):
        gate = self.gate
        self.occupy()
        order = {"kind": "identify", "slot": "silent"}
        first = gate.create_job(order)
        gate.post(f"/v1/jobs/{first}/cancel").expect(200)
        # A run that ends meanwhile makes room for one: a few more than fit.
        for _ in range(QUEUE + 100):
            if gate.post("/v1/jobs", order).status == 429:
                break
        gate.post("/v1/jobs", order).problem(429, "queue_full")
        gate.post(f"/v1/jobs/{first}/retry").problem(429, "queue_full")

    def full_waiting_room(self):
        """One request more than may wait: somebody is told so, and everybody else still waits."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 4096), hard), hard))
        job = self.gate.create_job({"kind": "reset", "slot": "gone"})
        self.gate.wait_job(job)
        queued = self.gate.get("/v1/jobs?slot=silent&state=queued&limit=1").expect(200).json["items"][0]["id"]
        path = f"/v1/jobs/{queued}?wait=60"
        sockets = []
        try:
            for _ in range(WAITERS + 1):
                s = socket.create_connection(("127.0.0.1", self.gate.port), 60)
                s.sendall("\r\n".join([f"GET {path} HTTP/1.1", "Host: x", *self.gate.credentials, "", ""]).encode())
                sockets.append(s)
            poll = select.poll()
            for s in sockets:
                poll.register(s, select.POLLIN)
            answered = poll.poll(60000)
            assert answered and len(answered) < 10, f"{len(answered)} of {len(sockets)} were answered"
            refused = next(s for s in sockets if s.fileno() == answered[0][0])
            assert b" 503 " in refused.recv(64)
            # The same once more for the watchers, while the room is full.
            self.gate.get(path).problem(503, "too_many_waiting")
        finally:
            for s in sockets:
                s.close()

    def full_of_streams(self):
        job = self.gate.get("/v1/jobs?slot=silent&state=queued&limit=1").expect(200).json["items"][0]["id"]
        with contextlib.ExitStack() as stack:
            for _ in range(STREAMS):
                s = stack.enter_context(socket.create_connection(("127.0.0.1", self.gate.port), 60))
                s.sendall("\r\n".join(["GET /v1/events HTTP/1.1", "Host: x", *self.gate.credentials, "", ""]).encode())
                assert b" 200 " in s.recv(64)
            for path in ("/v1/events", f"/v1/jobs/{job}/events"):
                self.gate.get(path).problem(503, "too_many_streams")

    def not_ready(self):
        """Out of file descriptors: the ports cannot be listed. The connection is there already."""
        pid = self.gate.child.pid
        limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        with raw.Connection(self.gate) as kept:
            kept.get("/healthz").expect(200)
            try:
                resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, limits[1]))
                kept.get("/readyz").problem(503, "not_ready")
            finally:
                resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
            kept.get("/readyz").expect(200)


def json_of(body):
    """The request's body as JSON, or None."""
    try:
        return json.loads(body)
    except (TypeError, ValueError):
        return None
