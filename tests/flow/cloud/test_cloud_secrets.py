"""Keys of an account, session tokens, devices' keys that are made on the way and ownership tokens: after everything that
one does with a cloud, well or not, they are in no file, log, answer, event or metric of espgate. Its memory holds the keys
of the accounts that it may be about to call, and of none that was deleted."""
import os
import re
import unittest

import aws_broker
import bench_pki
import secret_forms
import test_secrets
from grants import Grants
from standin import Standin

KEY_AT, KEY_SIZE = 0x39000, 0x2000  # partition mqtt_key of ESP-AT v2.4
WRONG = "not-the-secret-access-key-of-anybody-0042"


class CloudSecrets(Grants, test_secrets.Case):
    bench_options = {"boards": [{"firmware": "2.4"}, {"firmware": "2.4"}], "broker": False}

    def setUp(self):
        super().setUp()
        self.cloud = Standin(self.bench.folder)
        self.addCleanup(self.cloud.stop)
        self.broker = aws_broker.AwsBroker(self.bench.folder, cloud=self.cloud)
        self.addCleanup(self.broker.stop)
        self.in_use = ("account", "session", "wrong")
        self.user("account", self.cloud.secret_access_key)
        self.secrets["wrong"] = secret_forms.of_text(WRONG)

    def may_be(self, place, what):
        """An ownership token lives for one message, whose copy libmosquitto does not wipe."""
        held = place.startswith("memory ") and what.startswith((*self.in_use, "ownership"))
        return held or super().may_be(place, what)

    def user(self, name, *texts):
        self.secrets.update({f"{name} {n}": secret_forms.of_text(text) for n, text in enumerate(texts)})

    def settings(self, **more):
        return self.cloud.settings(data={"root_ca": self.cloud.ca_pem, "mqtt_port": self.broker.port}, **more)

    def put_cloud(self, name, **more):
        self.gate.put(f"/v1/clouds/{name}", self.settings(**more)).expect(200, 201)
        shown = self.gate.get(f"/v1/clouds/{name}").expect(200).json
        self.gate.put(f"/v1/clouds/{name}", shown["settings"]).expect(200)  # the secret that is there
        self.gate.post(f"/v1/clouds/{name}/test").expect(200)

    def clouds(self):
        self.put_cloud("lasting")
        made = self.cloud.user(session_token=True, expires_in_s=3600)
        self.user("session", made["secret_access_key"], made["session_token"])
        keys = {"from": "request", **{n: made[n] for n in ("access_key_id", "secret_access_key", "session_token")}}
        self.put_cloud("session", keys=keys)
        self.put_cloud("wrong", keys={**keys, "secret_access_key": WRONG})
        self.gate.put("/v1/clouds/bad", self.cloud.settings(keys={**keys, "region": 1}, region=7)).expect(400)
        self.gate.get("/v1/clouds").expect(200)

    def provision(self, board, state="succeeded", **spec):
        self.bench.run("provision", board, state, check="none", wifi=None, time=None, mqtt=None, method="rom",
                       credential=None, cloud={"thing": "secret-{mac}", **spec})

    def key_of(self, board):
        """The device's key, made by espgate or by the account, as it lies on the board."""
        pem = re.search(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----\n",
                        board.flash_bytes(KEY_AT, KEY_SIZE), re.S)[0]
        one = bench_pki.Identity(os.path.join(self.bench.folder, f"key-of-{board.name}-{len(self.secrets)}"))
        with open(one.key_path, "wb") as f:
            f.write(pem)
        self.secrets[f"key of {board.name} {len(self.secrets)}"] = secret_forms.of_key(one)

    def registrations(self):
        first, second = self.bench.boards
        self.provision(first, name="lasting")
        self.key_of(first)
        self.provision(second, name="session", certificate="aws")
        self.key_of(second)
        self.provision(first, "failed", name="wrong")
        self.template("bench", self.policy("fleet"))
        self.provision(first, name="lasting", thing="unit-{mac}", certificate="claim",
                       claim={"template": "bench", "parameters": {"Serial": "{mac}"}})
        self.key_of(first)
        self.user("ownership", *self.cloud.state()["ownership_tokens"])
        self.assertIn("ownership 0", self.secrets)
        self.cloud.fault("CreateCertificateFromCsr", "cut", when="after")
        self.cloud.fault("AttachPolicy", "error", times=None)
        self.provision(first, "failed", name="lasting", thing="another")
        self.cloud.clear_faults()
        for one in self.gate.get("/v1/registrations").expect(200).json["items"]:
            self.gate.get(f"/v1/registrations/{one['id']}").expect(200)

    def undo(self):
        """All of it, so that the clouds can go."""
        for one in self.gate.get("/v1/registrations").expect(200).json["items"]:
            self.gate.delete(f"/v1/registrations/{one['id']}").expect(200, 202)
            self.cloud.settled(self.gate, one["id"], "undone")
        for name in ("lasting", "session", "wrong"):
            self.gate.delete(f"/v1/clouds/{name}").expect(204)
        self.in_use = ()

    def test_no_secret_is_left_anywhere(self):
        self.clouds()
        self.registrations()
        for job in self.gate.get("/v1/jobs?limit=1000").expect(200).json["items"]:
            self.gate.get(f"/v1/jobs/{job['id']}/log").expect(200)
            self.gate.get(f"/v1/jobs/{job['id']}/events?last_event_id=0").expect(200)
        for path in ("/v1/audit?limit=1000", "/v1/credentials", "/v1/devices", "/metrics",
                     f"/v1/devices/{self.bench.boards[0].mac}"):
            self.gate.get(path).expect(200)
        self.look()
        self.undo()
        self.look()


if __name__ == "__main__":
    unittest.main()
