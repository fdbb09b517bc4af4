"""A lab with a broker of its own: the authority, all certificates and the board's key are made by espgate, and a profile
says the rest."""
import json
import os
import re

import bench_pki
import harness

MQTT_KEY = 0x39000


class Root:
    """What harness.Broker wants to know of a PKI."""

    def __init__(self, ca):
        self.ca = ca


class Lab(harness.BenchCase):
    bench_options = {"boards": [{"firmware": "2.4"}], "broker": False}

    def setUp(self):
        super().setUp()
        self.board = self.bench.boards[0]
        self.slot = self.bench.slot(self.board)

    def file(self, name, text=None):
        path = os.path.join(self.bench.folder, name)
        if text is not None:
            with open(path, "w", encoding="ascii") as f:
                f.write(text)
        return path

    def sign(self, lab, **order):
        return self.gate.post(f"/v1/authorities/{lab['id']}/certificates", order).expect(200).json

    def start_broker(self, lab):
        """Its key is its own; espgate sees the request alone."""
        server, ca = bench_pki.Identity(self.file("server")), bench_pki.Identity(self.file("lab"))
        self.file("lab.crt", lab["certificate"])
        bench_pki.openssl("genpkey", *bench_pki.KEYS["ec"], "-out", server.key_path)
        request = bench_pki.openssl("req", "-new", "-key", server.key_path, "-subj", "/CN=broker").decode()
        signed = self.sign(lab, request=request, use="server", names=["localhost", "127.0.0.1"])
        self.file("server.crt", signed["certificate"])
        self.bench.broker = harness.Broker(self.bench.folder, Root(ca), server)
        self.bench.stack.callback(self.bench.broker.stop)

    def ask(self, **more):
        order = {"subject": {"CN": "pump-{mac}", "OU": "{slot}"}, "mac": self.board.mac, "slot": self.slot, **more}
        return self.gate.post("/v1/credentials/csr", order).expect(201).json

    def credential(self, lab, **more):
        csr = self.ask(**more)
        signed = self.sign(lab, csr=csr["id"])
        path = f"/v1/credentials/csr/{csr['id']}?authority={lab['id']}"
        made = self.gate.post(path, {"certificate": signed["certificate"]}).expect(201).json
        self.gate.get(f"/v1/credentials/csr/{csr['id']}").problem(404, "csr_not_found")
        self.assertEqual((made["subject"], made["key_sha256"]), (csr["subject"], csr["key_sha256"]))
        return made["id"]

    def put_profile(self, **more):
        body = self.bench.command("check", "", **more)
        settings = {name: body[name] for name in ("wifi", "time", "mqtt")}
        settings["mqtt"]["topic"] = "lab/{slot}/check"
        return self.gate.put("/v1/profiles/lab", dict(settings, check="publish")).expect(200, 201)

    def run_job(self, **order):
        return self.gate.wait_job(self.gate.create_job({"slot": self.slot, **order}))

    def assert_key_on_board_alone(self, job):
        text = self.board.flash_bytes(MQTT_KEY, 0x2000).decode("ascii", "replace")
        secrets = re.findall(r"^[A-Za-z0-9+/=]{60,}$", text, re.M)
        self.assertTrue(secrets)
        self.bench.secrets.update(secrets)  # looked for in the log at the end
        for path in (f"/v1/jobs/{job['id']}", f"/v1/jobs/{job['id']}/log", "/v1/credentials", "/v1/authorities",
                     "/v1/credentials/csr", f"/v1/devices/{self.board.mac}", "/v1/profiles"):
            body = self.gate.get(path).expect(200).body.decode()
            for secret in [*secrets, harness.PASSWORD, "PRIVATE KEY"]:
                self.assertNotIn(secret, body, path)

    def test_from_an_authority_to_a_board_that_publishes(self):
        lab = self.gate.post("/v1/authorities", {"name": "lab"}).expect(201).json
        self.start_broker(lab)
        self.put_profile()
        credential = self.credential(lab)
        job = self.run_job(kind="provision", credential=credential, profile="lab")
        self.assertEqual(job["state"], "succeeded", json.dumps(job, indent=1))
        self.assertTrue(job["result"]["mqtt"]["echoed"])
        self.assertEqual(job["result"]["profile"], "lab")
        history = self.gate.get(f"/v1/devices/{self.board.mac}").expect(200).json["history"]
        self.assertEqual(history[0]["detail"]["profile"], "lab")
        self.assertIn("echo", job["result"]["host_check"]["stages_ms"])
        mac = self.board.mac.replace(":", "")
        self.bench.broker.child.wait_line(rf"Received PUBLISH from espgate-{mac} .*'lab/{self.slot}/check'")
        self.assert_key_on_board_alone(job)

        # A job is what it was made of, whatever becomes of its profile.
        self.put_profile(mqtt={"host": "nowhere.invalid"})
        again = self.gate.post(f"/v1/jobs/{job['id']}/retry").expect(202).json["id"]
        self.assertEqual(self.gate.wait_job(again)["state"], "succeeded")

        # Once the board alone has the key, it alone is checked, unless the host's check is asked for by name.
        self.put_profile()
        self.run_job(kind="write", credential=credential, purge_key=True)
        job = self.run_job(kind="check", credential=credential, profile="lab")
        self.assertEqual((job["state"], job["result"]["verdict"]["code"]), ("succeeded", "works"))
        skipped = [s["name"] for s in job["steps"] if s["state"] == "skipped" and "purged" in s["reason"]]
        self.assertEqual(skipped, ["host_check"])
        history = self.gate.get(f"/v1/devices/{self.board.mac}").expect(200).json["history"]
        self.assertEqual([entry["method"] for entry in history[:2]], ["at", "rom"])  # the check, the write
        job = self.run_job(kind="check", credential=credential, profile="lab", host_check=True)
        self.assertEqual((job["error"]["step"], job["error"]["code"]), ("host_check", "key_purged"))
        self.gate.delete("/v1/profiles/lab").expect(204)
        order = {"kind": "check", "slot": self.slot, "profile": "lab"}
        self.gate.post("/v1/jobs", order).problem(404, "profile_not_found")

    def test_all_of_it_is_there_after_a_kill(self):
        lab = self.gate.post("/v1/authorities", {"name": "lab", "key": "P-256"}).expect(201).json
        csr = self.ask(key="P-256")
        shown = self.put_profile().json
        self.gate.kill9()
        self.gate.start()
        self.assertEqual(self.gate.get(f"/v1/authorities/{lab['id']}").expect(200).json, lab)
        self.assertEqual(self.gate.get(f"/v1/credentials/csr/{csr['id']}").expect(200).json, csr)
        self.assertEqual(self.gate.get("/v1/profiles/lab").expect(200).json, shown)
        signed = self.sign(lab, csr=csr["id"])
        self.gate.post(f"/v1/credentials/csr/{csr['id']}", signed).expect(201)

    def test_another_ones_certificate_is_refused_and_the_key_waits_on(self):
        lab = self.gate.post("/v1/authorities", {"name": "lab", "key": "P-256"}).expect(201).json
        mine, other = self.ask(key="P-256"), self.ask(key="P-256")
        wrong, right = self.sign(lab, csr=other["id"]), self.sign(lab, csr=mine["id"])
        path = f"/v1/credentials/csr/{mine['id']}?authority={lab['id']}"
        self.gate.post(path, {"certificate": wrong["certificate"]}).problem(422, "key_mismatch")
        self.gate.post(path, {"certificate": right["certificate"]}).expect(201)


if __name__ == "__main__":
    import unittest
    unittest.main()
