"""Private keys, passwords and tokens: after everything that one does with them, whether it went well or not, they are
in no file, log, answer, transcript, event or metric, and no longer in the memory of the service."""
import base64
import os
import signal
import ssl
import subprocess
import unittest

import bench_pki
import harness
import secret_forms

WIFI, WRONG_WIFI = harness.PASSWORD, "another-wifi-passphrase-7431"
MQTT_PASSWORD = "broker-passphrase-5523"
FILE_PASSWORD, WRONG_FILE_PASSWORD = "passphrase-of-a-file-8862", "not-the-passphrase-of-it-1177"
STRAY = "egt_another-service's-9920"
# What answers with a secret once, or with an image of one.
MAY_ANSWER = ("GET /v1/images", "POST /v1/images", "POST /v1/tokens", "POST /v1/webhooks")
# (place, secret: its form) that have to be: where the admin finds his token, and the key that TLS works with.
MAY_BE = (("file admin.token", "admin: text"), ("memory ", "server: number"))


class Case(harness.BenchCase):
    def setUp(self):
        super().setUp()
        self.pki, self.data = self.bench.pki, os.path.join(self.bench.folder, "data")
        self.secrets = {}
        self.answers = []
        self.gate.observers.append(self.keep_answer)
        for name in ("device", "ec_device", "other_device"):
            self.secrets[name] = secret_forms.of_key(getattr(self.pki, name))
        for text in (WIFI, WRONG_WIFI, MQTT_PASSWORD, FILE_PASSWORD, WRONG_FILE_PASSWORD, STRAY):
            self.secrets[text] = secret_forms.of_text(text)

    def keep_answer(self, method, path, _, reply):
        what = f"{method} {path}"
        if not (what.startswith(MAY_ANSWER) or what.endswith("/data")):
            self.answers.append((what, reply.body + str(reply.headers).encode()))

    # ---- what is done ----

    def uploads(self):
        self.bench.upload(self.pki.device)
        parts = [("f", "f", self.pki.pkcs12(self.pki.ec_device, password=FILE_PASSWORD)),
                 ("password", None, FILE_PASSWORD.encode())]
        self.gate.post("/v1/credentials", files=parts).expect(201)
        one = self.pki.other_device
        parts = [("a", "a", one.cert), ("b", "b", self.pki.encrypted_key(one, FILE_PASSWORD)),
                 ("c", "c", self.pki.ca.cert)]
        self.gate.post("/v1/credentials/validate", files=[*parts, ("password", None, WRONG_FILE_PASSWORD.encode())])
        wrong = self.gate.post("/v1/credentials", files=[*parts, ("password", None, WRONG_FILE_PASSWORD.encode())])
        wrong.problem(422, "wrong_password")
        body = {"certificate": one.cert.decode(), "private_key": one.key.decode(), "root_ca": self.pki.ca.cert.decode()}
        self.gate.post("/v1/credentials", {**body, "certificate": self.pki.device.cert.decode()}).expect(422)
        self.gate.post("/v1/profiles", {**body, "password": WRONG_FILE_PASSWORD}).expect(405)
        self.gate.post("/v1/credentials", body["private_key"].encode()[:-40]).expect(415)
        self.gate.post("/v1/credentials", b'{"private_key": "' + one.key.replace(b"\n", b"\\n") + b'", ',
                       headers={"Content-Type": "application/json"}).expect(400)
        self.gate.post("/v1/credentials", body).expect(201)
        self.gate.post("/v1/credentials", body).expect(409)
        self.gate.post("/v1/images/atpki", files=[("key", "k", one.key)]).expect(200)

    def profiles(self):
        settings = {"wifi": {"ssid": harness.SSID, "password": WIFI}, "time": {"server": "127.0.0.1"},
                    "mqtt": {"host": "localhost", "port": self.bench.broker.port, "scheme": 5, "username": "u",
                             "password": MQTT_PASSWORD}}
        self.gate.put("/v1/profiles/line", settings).expect(200, 201)
        self.gate.put("/v1/profiles/line", {**settings, "wifi": {"ssid": 1, "password": WRONG_WIFI}}).expect(400)
        self.gate.get("/v1/profiles/line").expect(200)
        self.gate.put("/v1/profiles/gone", {"wifi": {"ssid": "s", "password": WRONG_WIFI}}).expect(200, 201)
        self.gate.delete("/v1/profiles/gone").expect(204)

    def webhooks(self):
        """One that nobody answers: its key is used to sign each try."""
        made = self.gate.post("/v1/webhooks", {"url": f"http://127.0.0.1:{harness.free_port()}/"}).expect(201).json
        secret = made["secret"].removeprefix("whsec_")
        self.secrets["webhook"] = {"base64": secret.rstrip("=").encode(), "bytes": base64.b64decode(secret)}
        self.gate.get(f"/v1/webhooks/{made['id']}").expect(200)

    def tokens(self):
        """The admin's, one that is used, one that is revoked, and what only looks like one; also sent twice."""
        self.secrets["admin"] = secret_forms.of_text(self.gate.token)
        for name, scope in (("used", "engineer"), ("revoked", "viewer")):
            made = self.gate.post("/v1/tokens", {"name": name, "scope": scope}, headers={"Idempotency-Key": name}).expect(201)
            again = self.gate.post("/v1/tokens", {"name": name, "scope": scope}, headers={"Idempotency-Key": name}).expect(201)
            self.assertEqual(made.json, again.json)
            text = made.json["token"]
            self.secrets[name] = secret_forms.of_text(text)
            self.gate.get("/v1/slots", headers={"Authorization": f"Bearer {text}"}).expect(200)
            self.gate.get(f"/v1/jobs?slot={text}", headers={"Authorization": text}).expect(401)
            self.gate.post("/v1/tokens", {"name": name}, headers={"Authorization": f"Bearer {text}"}).expect(403)
        self.gate.delete(f"/v1/tokens/{made.json['id']}").expect(204)
        self.gate.get("/v1/slots", headers={"Authorization": f"Bearer {text}"}).problem(401, "token_revoked")
        self.gate.get("/v1/slots", headers={"Authorization": f"Bearer {STRAY}"}).problem(401, "token_invalid")
        self.gate.get("/v1/tokens").expect(200)

    def jobs(self):
        first, second = self.bench.boards
        self.bench.run("provision", first, method="rom")
        self.bench.run("provision", first, method="at", credential=self.bench.upload(self.pki.other_device))
        self.bench.run("write", second, method="rom", credential=self.bench.upload(self.pki.ec_device))
        self.bench.run("write", second, method="at", credential=self.bench.upload(self.pki.device))
        self.bench.run("provision", first, "failed", wifi={"password": WRONG_WIFI})
        self.bench.run("check", first, wifi=None, time=None, mqtt=None, profile="line")
        read = self.bench.run("read", first, partition="mqtt_key")["id"]
        self.gate.get(f"/v1/jobs/{read}/data").expect(200)
        first.fault("bad-md5")
        self.bench.run("provision", first, "failed", method="rom", credential=self.bench.upload(self.pki.other_device))

    def everything(self):
        self.uploads()
        self.profiles()
        self.webhooks()
        self.tokens()
        self.jobs()
        for job in self.gate.get("/v1/jobs?limit=1000").expect(200).json["items"]:
            self.gate.get(f"/v1/jobs/{job['id']}/log").expect(200)
            self.gate.get(f"/v1/jobs/{job['id']}/events?last_event_id=0").expect(200)
        for path in ("/v1/audit?limit=1000", "/v1/credentials", "/v1/devices", "/v1/profiles", "/v1/backups", "/metrics"):
            self.gate.get(path).expect(200)
        subprocess.run([os.path.join(harness.BIN, "espgate"), "--data", self.data, "--backup",
                        os.path.join(self.data, "backup.db")], check=True, stdout=subprocess.DEVNULL,
                       timeout=harness.JOB_S)

    # ---- where it is looked for ----

    def places(self):
        yield from self.answers
        yield "log", "\n".join(line for _, line in self.gate.child.lines).encode()
        for folder, _, names in os.walk(self.data):
            for name in names:
                with open(os.path.join(folder, name), "rb") as f:
                    yield f"file {name}", f.read()
        yield from ((f"memory {name}", data) for name, data in secret_forms.writable_memory(self.gate.child.pid))

    def may_be(self, place, what):
        return any(place.startswith(p) and what.startswith(w) for p, w in MAY_BE)

    def look(self):
        found, seen = [], {}
        for place, data in self.places():
            found += [(place, what) for what in secret_forms.found_in(data, self.secrets)]
            kind = place.split()[0]
            seen[kind] = seen.get(kind, False) or self.bench.boards[0].mac.encode() in data
        self.assertEqual([one for one in found if not self.may_be(*one)], [])
        # What may be there is found in all of these places: so what may not be would have been.
        self.assertLessEqual({"GET", "file", "memory"}, {kind for kind, there in seen.items() if there})


class Secrets(Case):
    bench_options = {"boards": [{"firmware": "2.4"}, {"firmware": "4.1"}], "acl": "pattern readwrite #"}

    def test_no_secret_is_left_anywhere(self):
        self.everything()
        self.look()


class SecretsOverTls(Case):
    """There is one library more that takes the bytes in."""

    @property
    def bench_options(self):
        server = bench_pki.shared().broker
        return {"boards": 1, "broker": False, "gate_args": ["--tls-cert", server.cert_path, "--tls-key", server.key_path]}

    def test_no_secret_is_left_anywhere(self):
        self.gate.tls = ssl.create_default_context(cafile=self.pki.ca.cert_path)
        self.secrets["server"] = secret_forms.of_key(self.pki.broker)
        self.uploads()
        self.tokens()
        self.gate.child.process.send_signal(signal.SIGHUP)
        self.gate.child.wait_line(" reloaded$")
        self.bench.run("identify", self.bench.boards[0])
        self.gate.get(f"/v1/devices/{self.bench.boards[0].mac}").expect(200)
        self.look()


if __name__ == "__main__":
    unittest.main()
