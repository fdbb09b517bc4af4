"""Clouds: set up, shown without their secrets, and tried: what is wrong has a name."""
import json
import os
import socket
import time

import harness
from standin import Standin

CONCURRENT = True
WAITS = True  # for a rate that never allows a call: run.py
SECRETS = ("secret_access_key", "session_token")


class CloudCase(harness.BenchCase):
    bench_options = {"boards": 0, "broker": False}

    def setUp(self):
        super().setUp()
        self.cloud = Standin(self.bench.folder)
        self.addCleanup(self.cloud.child.stop)
        self.bench.secrets.add(self.cloud.secret_access_key)

    def settings(self, **more):
        """Of the stand-in; its data endpoint is its control plane, which speaks TLS, too."""
        port = int(self.cloud.control.rsplit(":", 1)[1])
        return self.cloud.settings(data={"root_ca": self.cloud.ca_pem, "mqtt_port": port}, **more)

    def keys(self, user):
        self.bench.secrets.update(filter(None, (user["secret_access_key"], user["session_token"])))
        keys = {"from": "request", "access_key_id": user["access_key_id"], "secret_access_key": user["secret_access_key"]}
        return dict(keys, session_token=user["session_token"]) if user["session_token"] else keys

    def put(self, settings, name="prod"):
        return self.gate.put(f"/v1/clouds/{name}", settings).expect(200, 201).json

    def tried(self, settings=None):
        """What a test of the cloud says, and its checks by name."""
        if settings is not None:
            self.put(settings)
        told = self.gate.post("/v1/clouds/prod/test").expect(200).json
        for secret in self.bench.secrets:
            self.assertNotIn(secret, json.dumps(told))
        checks = {c["name"]: c for c in told["checks"]}
        self.assertEqual(told["ok"], "fail" not in [c["verdict"] for c in told["checks"]])
        return told, checks

    def assert_wrong(self, checks, name, code):
        self.assertEqual((checks[name]["verdict"], checks[name]["code"]), ("fail", code), checks)
        self.assertTrue(checks[name]["detail"])
        self.assertTrue(checks[name]["hint"], checks[name])
        return checks[name]

    def assert_nothing_was_made(self):
        state = self.cloud.state()
        for kind in ("things", "certificates", "policies", "groups", "claims"):
            self.assertEqual(len(state[kind]), 0, state[kind])


class Trial(CloudCase):
    def test_all_is_well_and_nothing_is_made(self):
        told, checks = self.tried(self.settings())
        self.assertTrue(told["ok"], told)
        self.assertEqual({c["verdict"] for c in told["checks"]}, {"pass"}, told)
        self.assertEqual(told["account"], self.cloud.account)
        self.assertEqual(told["endpoint"], "localhost")
        self.assertLessEqual({"keys", "reachable", "clock", "region", "signature", "endpoint", "data_endpoint",
                              "iot:CreateThing", "iot:CreateCertificateFromCsr", "iot:AttachThingPrincipal"}, set(checks))
        self.assert_nothing_was_made()
        self.assertEqual(self.cloud.counts()["control_handshakes"], 3)  # all calls; the data endpoint's two chains

    def test_each_permission_that_is_missing_is_named(self):
        user = self.cloud.user(name="narrow", deny=["iot:CreatePolicy", "iot:AttachThingPrincipal", "iot:TestAuthorization"])
        told, checks = self.tried(self.settings(keys=self.keys(user)))
        for action in ("iot:CreatePolicy", "iot:AttachThingPrincipal"):
            said = self.assert_wrong(checks, action, "aws_permission")
            self.assertIn("AccessDenied", said["said"])
        self.assertEqual((checks["iot:TestAuthorization"]["verdict"], checks["iot:TestAuthorization"]["code"]),
                         ("warn", "aws_permission"))
        self.assertEqual([c["name"] for c in told["checks"] if c["verdict"] == "fail"],
                         ["iot:CreatePolicy", "iot:AttachThingPrincipal"])
        self.assert_nothing_was_made()

    def test_every_permission_is_asked_for(self):
        """With none at all each probe is denied: none of them passes for another reason."""
        _, checks = self.tried(self.settings(keys=self.keys(self.cloud.user(name="nobody", allow=[]))))
        self.assertEqual(checks["signature"]["verdict"], "pass")
        for name, check in checks.items():
            if name.startswith("iot:"):
                self.assertEqual(check["code"], "aws_permission", check)
        self.assertEqual(checks["endpoint"]["code"], "aws_permission")

    def test_a_wrong_secret(self):
        settings = self.settings()
        settings["keys"]["secret_access_key"] = "wrong" + self.cloud.secret_access_key[5:]
        _, checks = self.tried(settings)
        self.assert_wrong(checks, "signature", "aws_secret")
        self.assertEqual([checks[n]["verdict"] for n in ("keys", "reachable", "clock", "region")], ["pass"] * 4)
        self.assertNotIn("iot:CreateThing", checks)

    def test_a_key_that_is_not_known(self):
        settings = self.settings()
        settings["keys"]["access_key_id"] = "AKIA" + "0" * 16
        _, checks = self.tried(settings)
        self.assert_wrong(checks, "signature", "aws_key_unknown")

    def test_a_session_token_that_has_expired(self):
        user = self.cloud.user(name="session", session_token=True, expires_in_s=-1)
        _, checks = self.tried(self.settings(keys=self.keys(user)))
        self.assert_wrong(checks, "signature", "aws_token_expired")

    def test_a_session_token_that_is_missing(self):
        keys = self.keys(self.cloud.user(name="session", session_token=True))
        del keys["session_token"]
        _, checks = self.tried(self.settings(keys=keys))
        self.assert_wrong(checks, "signature", "aws_key_unknown")

    def test_the_wrong_region(self):
        _, checks = self.tried(self.settings(region="eu-central-1"))
        self.assert_wrong(checks, "region", "aws_region")

    def test_a_clock_that_is_ten_minutes_off(self):
        for offset, word in ((600, "behind"), (-600, "ahead of")):
            self.cloud.clock(offset)
            told, checks = self.tried(self.settings(rate=79 if offset > 0 else 78))
            self.assertEqual((checks["clock"]["verdict"], checks["clock"]["code"]), ("warn", "clock_off"))
            self.assertIn(word, checks["clock"]["detail"])
            self.assertTrue(told["ok"], told)  # it is signed with the time there

    def test_nobody_there(self):
        settings = self.settings()
        settings["control"]["endpoint"] = f"https://localhost:{harness.free_port()}"
        _, checks = self.tried(settings)
        self.assert_wrong(checks, "reachable", "aws_unreachable")
        self.assertEqual(set(checks), {"keys", "reachable"})

    def test_somebody_else_there(self):
        """Its certificate is not of the authority that is trusted."""
        settings = self.settings()
        settings["control"]["root_ca"] = self.bench.pki.ca.cert.decode()
        _, checks = self.tried(settings)
        self.assert_wrong(checks, "reachable", "aws_unreachable")

    def test_a_proxy_that_answers_with_a_page(self):
        self.cloud.fault("*", "html", times=None)
        _, checks = self.tried(self.settings())
        self.assert_wrong(checks, "reachable", "aws_bad_answer")

    def test_a_legacy_endpoint(self):
        self.cloud.configure(endpoint=f"a1b2c3d4e5f6g7.iot.{self.cloud.region}.amazonaws.com")
        _, checks = self.tried(self.settings())
        self.assert_wrong(checks, "endpoint", "endpoint_not_ats")
        self.assertNotIn("data_endpoint", checks)
        self.assertEqual(checks["iot:CreateThing"]["verdict"], "pass")

    def test_an_endpoint_of_another_region(self):
        self.cloud.configure(endpoint="a1b2c3d4e5f6g7-ats.iot.eu-central-1.amazonaws.com")
        _, checks = self.tried(self.settings())
        self.assert_wrong(checks, "endpoint", "endpoint_region")

    def test_a_data_endpoint_that_nobody_trusts(self):
        settings = self.settings()
        settings["data"]["root_ca"] = self.bench.pki.ca.cert.decode()
        _, checks = self.tried(settings)
        self.assert_wrong(checks, "data_endpoint", "endpoint_untrusted")

    def test_a_data_endpoint_where_nobody_listens(self):
        settings = self.settings()
        settings["data"]["mqtt_port"] = harness.free_port()
        _, checks = self.tried(settings)
        self.assert_wrong(checks, "data_endpoint", "endpoint_unreachable")

    def test_an_endpoint_of_ones_own(self):
        user = self.cloud.user(name="narrow", deny=["iot:DescribeEndpoint"])
        settings = self.settings()
        settings["data"]["endpoint"] = "127.0.0.1"
        for keys, code in ((settings["keys"], "endpoint_differs"), (self.keys(user), "aws_permission")):
            told, checks = self.tried(dict(settings, keys=keys))
            self.assertEqual((checks["endpoint"]["verdict"], checks["endpoint"]["code"]), ("warn", code))
            self.assertEqual((told["endpoint"], checks["data_endpoint"]["verdict"]), ("127.0.0.1", "pass"))

    def test_without_keys_only_the_endpoint_is_tried(self):
        settings = dict(self.settings(), keys={"from": "none"})
        told, checks = self.tried(settings)
        self.assertEqual((checks["keys"]["verdict"], checks["keys"]["code"]), ("warn", "cloud_has_no_keys"))
        self.assert_wrong(checks, "endpoint", "endpoint_not_known")
        self.assertEqual(set(checks), {"keys", "endpoint"})
        self.assertFalse(told["ok"])
        settings["data"]["endpoint"] = "localhost"
        _, checks = self.tried(settings)
        self.assertEqual({n: c["verdict"] for n, c in checks.items()},
                         {"keys": "warn", "endpoint": "pass", "data_endpoint": "pass"})

    def test_a_cloud_that_is_not_set_up(self):
        self.gate.post("/v1/clouds/gone/test").problem(404, "cloud_not_found")

    def test_it_ends_when_espgate_is_told_to(self):
        """Also while the control plane says nothing."""
        self.put(self.settings())
        self.cloud.fault("*", "mute", times=None)
        with socket.create_connection(("127.0.0.1", self.gate.port), 60) as s:
            s.sendall("\r\n".join(["POST /v1/clouds/prod/test HTTP/1.1", "Host: x", "Content-Length: 0",
                                   *self.gate.credentials, "", ""]).encode())
            self.cloud.call("GET", "/journal?since=0&wait=60")
            begun = time.monotonic()
            self.gate.stop()
            self.assertLess(time.monotonic() - begun, 5)
            self.assertIn(b" 503 ", s.recv(64))
        self.gate.start()


class Throttled(CloudCase):
    def test_throttling_is_no_missing_permission(self):
        self.cloud.fault("CreatePolicy", "throttle", times=None)
        _, checks = self.tried(self.settings())
        self.assertEqual((checks["iot:CreatePolicy"]["verdict"], checks["iot:CreatePolicy"]["code"]), ("warn", "aws_throttled"))


class Settings(CloudCase):
    def assert_hidden(self, text, *secrets):
        for secret in secrets:
            self.assertNotIn(secret, text)

    def test_no_secret_is_ever_shown(self):
        user = self.cloud.user(name="session", session_token=True)
        made = self.gate.put("/v1/clouds/prod", self.settings(keys=self.keys(user))).expect(201)
        for reply in (made, self.gate.get("/v1/clouds/prod"), self.gate.get("/v1/clouds")):
            self.assert_hidden(reply.body.decode(), user["secret_access_key"], user["session_token"])
        self.assertEqual(made.json["settings"]["keys"], {"from": "request", "access_key_id": user["access_key_id"],
                                                         "secret_access_key_set": True, "session_token_set": True})
        self.gate.kill9()
        for name in ("espgate.db", "espgate.db-wal"):
            with open(os.path.join(self.gate.data, name), "rb") as f:
                held = f.read()
            self.assertNotIn(user["secret_access_key"].encode(), held, name)
            self.assertNotIn(user["session_token"].encode(), held, name)
        self.gate.start()
        self.assertTrue(self.tried()[0]["ok"])

    def test_what_was_shown_can_be_sent_back(self):
        shown = self.put(self.settings())["settings"]
        again = self.gate.put("/v1/clouds/prod", dict(shown, rate=50)).expect(200).json["settings"]
        self.assertEqual(again, dict(shown, rate=50))
        self.assertTrue(self.tried()[0]["ok"])

    def test_a_secret_stays_only_with_its_account_and_control_plane(self):
        shown = self.put(self.settings())["settings"]
        for change in ({"keys": dict(shown["keys"], access_key_id="AKIA" + "0" * 16)},
                       {"control": dict(shown["control"], endpoint="https://localhost:1")},
                       {"control": {"root_ca": shown["control"]["root_ca"]}},
                       {"keys": dict(shown["keys"], session_token_set=True)},
                       {"keys": dict(shown["keys"], secret_access_key="x")},
                       {"keys": dict(shown["keys"], secret_access_key_set="yes")},
                       {"keys": dict(shown["keys"], secret_access_key_set=False)},
                       {"keys": {"from": "environment", "secret_access_key_set": False}}):
            refused = self.gate.put("/v1/clouds/prod", dict(shown, **change)).problem(400, "bad_body")
            self.assert_hidden(json.dumps(refused), self.cloud.secret_access_key)
        self.gate.put("/v1/clouds/other", shown).problem(400, "bad_body")
        self.assertEqual(self.gate.get("/v1/clouds/prod").json["settings"], shown)

    def test_addresses_that_cannot_be_right(self):
        region, settings = self.cloud.region, self.settings()
        for data, code in ((f"a1b2c3.iot.{region}.amazonaws.com", "endpoint_not_ats"),
                           ("a1b2c3-ats.iot.eu-west-1.amazonaws.com", "endpoint_region"),
                           ("broker.example.com", "bad_endpoint")):
            problem = self.gate.put("/v1/clouds/x", dict(settings, data={"endpoint": data})).problem(400, code)
            self.assertEqual([e["pointer"] for e in problem["errors"]], ["/data/endpoint"])
        for control in ("https://example.com", "http://iot.us-east-2.amazonaws.com", "https://localhost:1/x"):
            self.gate.put("/v1/clouds/x", dict(settings, control={"endpoint": control})).problem(400, "bad_endpoint")
        problem = self.gate.put("/v1/clouds/x", {"provider": "aws", "region": "nowhere", "keys": {"from": "none"},
                                                 "data": {"endpoint": "example.com"}}).problem(400, "bad_body")
        self.assertEqual(sorted(e["pointer"] for e in problem["errors"]), ["/data/endpoint", "/region"])
        self.gate.put("/v1/clouds/x", dict(settings, data={"root_ca": "nothing"})).problem(422, "bad_ca")
        self.gate.get("/v1/clouds/x").problem(404, "cloud_not_found")

    def test_a_change_counts_at_once(self):
        good = self.settings()
        self.assertTrue(self.tried(good)[0]["ok"])
        bad = json.loads(json.dumps(good))
        bad["keys"]["secret_access_key"] = "wrong" + self.cloud.secret_access_key[5:]
        self.assertFalse(self.tried(bad)[0]["ok"])
        self.assertTrue(self.tried(good)[0]["ok"])
        self.gate.delete("/v1/clouds/prod").expect(204)
        self.gate.post("/v1/clouds/prod/test").problem(404, "cloud_not_found")


class Sources(CloudCase):
    def setUp(self):
        super().setUp()
        self.user = self.cloud.user(name="session", session_token=True)
        self.bench.secrets.update((self.user["secret_access_key"], self.user["session_token"]))
        self.files = {"AWS_SHARED_CREDENTIALS_FILE": os.path.join(self.bench.folder, "credentials"),
                      "AWS_CONFIG_FILE": os.path.join(self.bench.folder, "config")}

    def restart(self, **env):
        self.gate.stop()
        self.gate.env = {**self.bench.env, **self.files, **env}
        self.gate.start()

    def write(self, kind, text):
        with open(self.files[kind], "w", encoding="ascii") as f:
            f.write(text)

    def profile(self, **more):
        keys = {"aws_access_key_id": self.user["access_key_id"], "aws_secret_access_key": self.user["secret_access_key"],
                "aws_session_token": self.user["session_token"], **more}
        return "".join(f"{name} = {value}\n" for name, value in keys.items() if value is not None)

    def test_the_environment(self):
        self.put(self.settings(keys={"from": "environment"}))
        self.restart()
        self.assert_wrong(self.tried()[1], "keys", "keys_missing")
        self.restart(AWS_ACCESS_KEY_ID=self.user["access_key_id"])
        half = self.assert_wrong(self.tried()[1], "keys", "keys_incomplete")
        self.assertIn("AWS_SECRET_ACCESS_KEY", half["detail"])
        self.restart(AWS_ACCESS_KEY_ID=self.user["access_key_id"], AWS_SECRET_ACCESS_KEY=self.user["secret_access_key"],
                     AWS_SESSION_TOKEN=self.user["session_token"])
        self.assertTrue(self.tried()[0]["ok"])
        self.restart(AWS_ACCESS_KEY_ID=self.user["access_key_id"], AWS_SECRET_ACCESS_KEY="two words")
        self.assert_wrong(self.tried()[1], "keys", "keys_malformed")

    def test_the_shared_credentials_file(self):
        self.write("AWS_SHARED_CREDENTIALS_FILE", "[default]\naws_access_key_id = x\n\n[bench] # ours\n" + self.profile())
        self.restart()
        self.assertTrue(self.tried(self.settings(keys={"from": "file", "profile": "bench"}))[0]["ok"])
        _, checks = self.tried(self.settings(keys={"from": "file"}))
        self.assertIn("aws_secret_access_key", self.assert_wrong(checks, "keys", "keys_incomplete")["detail"])
        _, checks = self.tried(self.settings(keys={"from": "file", "profile": "gone"}))
        self.assertIn("gone", self.assert_wrong(checks, "keys", "keys_missing")["detail"])
        self.restart(AWS_PROFILE="bench")
        self.assertTrue(self.tried(self.settings(keys={"from": "file"}))[0]["ok"])

    def test_the_config_file_and_what_it_cannot_do(self):
        self.write("AWS_CONFIG_FILE", "[profile bench]\nregion = us-east-2\n" + self.profile() +
                   "[profile role]\nrole_arn = arn:aws:iam::123456789012:role/x\nsource_profile = bench\n"
                   "[profile people]\nsso_start_url = https://example.com\n")
        self.restart()
        self.assertTrue(self.tried(self.settings(keys={"from": "file", "profile": "bench"}))[0]["ok"])
        for profile, setting in (("role", "role_arn"), ("people", "sso_start_url")):
            _, checks = self.tried(self.settings(keys={"from": "file", "profile": profile}))
            self.assertIn(setting, self.assert_wrong(checks, "keys", "keys_unsupported")["detail"])

    def test_keys_that_were_renewed_in_the_file_are_found(self):
        self.write("AWS_SHARED_CREDENTIALS_FILE", "[default]\n" + self.profile())
        self.restart()
        self.assertTrue(self.tried(self.settings(keys={"from": "file"}))[0]["ok"])
        self.cloud.call("DELETE", "/users/" + self.user["access_key_id"])
        self.assert_wrong(self.tried()[1], "signature", "aws_key_unknown")
        self.user = self.cloud.user(name="session", session_token=True)
        self.bench.secrets.update((self.user["secret_access_key"], self.user["session_token"]))
        self.write("AWS_SHARED_CREDENTIALS_FILE", "[default]\n" + self.profile())
        self.assertTrue(self.tried()[0]["ok"])

    def test_a_file_that_may_not_be_read(self):
        os.mkdir(self.files["AWS_SHARED_CREDENTIALS_FILE"])
        self.restart()
        _, checks = self.tried(self.settings(keys={"from": "file"}))
        self.assert_wrong(checks, "keys", "keys_unreadable")


class Provider(CloudCase):
    """Keys from AWS IoT's credential provider, by a thing's certificate."""

    def setUp(self):
        super().setUp()
        self.made = self.cloud.operate("CreateKeysAndCertificate", query={"setAsActive": "true"})
        key, arn = self.made["keyPair"]["PrivateKey"], self.made["certificateArn"]
        self.bench.secrets.add(key.split("\n")[5])
        document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iot:AssumeRoleWithCertificate",
                                                            "Resource": "*"}]}
        self.cloud.operate("CreateThing", {"thingName": "bench-3"}, {})
        self.cloud.operate("CreatePolicy", {"policyName": "bench"}, {"policyDocument": json.dumps(document)})
        self.cloud.operate("AttachPolicy", {"policyName": "bench"}, {"target": arn})
        self.cloud.operate("AttachThingPrincipal", {"thingName": "bench-3"}, headers={"x-amzn-principal": arn})
        self.cloud.operate("CreateRoleAlias", {"roleAlias": "bench"}, {"roleArn": "arn:aws:iam::123456789012:role/bench"})
        files = [("x", "x", part.encode()) for part in (self.made["certificatePem"], key, self.cloud.ca_pem)]
        self.credential = self.gate.post("/v1/credentials?allow=chain_to_root", files=files).expect(201).json["id"]

    def source(self, **more):
        return self.settings(keys={"from": "credential_provider", "endpoint": self.cloud.credential_endpoint,
                                   "role_alias": "bench", "thing": "bench-3", "credential": self.credential, **more})

    def test_a_session_by_certificate(self):
        told, _ = self.tried(self.source())
        self.assertTrue(told["ok"], told)
        self.assertIn("assumed-role/bench", told["arn"])

    def test_what_it_refuses(self):
        for change in ({"role_alias": "gone"}, {"thing": "bench-4"}):
            said = self.assert_wrong(self.tried(self.source(**change))[1], "keys", "keys_refused")
            self.assertTrue(said["said"], said)
        self.cloud.operate("UpdateCertificate", {"certificateId": self.made["certificateId"]}, query={"newStatus": "INACTIVE"})
        self.assert_wrong(self.tried(self.source())[1], "keys", "keys_refused")

    def test_nobody_there(self):
        _, checks = self.tried(self.source(endpoint=f"localhost:{harness.free_port()}"))
        self.assert_wrong(checks, "keys", "keys_unreachable")

    def test_the_control_plane_is_no_provider(self):
        _, checks = self.tried(self.source(endpoint=self.cloud.control.removeprefix("https://")))
        self.assertIn(checks["keys"]["code"], ("keys_refused", "keys_bad_answer"))

    def test_a_credential_that_is_gone(self):
        self.put(self.source())
        self.gate.delete(f"/v1/credentials/{self.credential}").expect(204)
        self.assert_wrong(self.tried()[1], "keys", "credential_not_found")

    def test_only_a_provider_of_aws_may_be_asked(self):
        for address in ("example.com", "iot.us-east-2.amazonaws.com", "localhost/x"):
            self.gate.put("/v1/clouds/x", self.source(endpoint=address)).problem(400, "bad_endpoint")
        good = "c1a2b3.credentials.iot.us-east-2.amazonaws.com"
        self.gate.put("/v1/clouds/x", self.source(endpoint=good)).expect(201)


if __name__ == "__main__":
    harness.unittest.main()
