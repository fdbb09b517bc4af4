"""The main job with a cloud: the thing is registered first, the board is written, the certificate becomes active, and
the board proves it. A job that fails leaves nothing in the account, and the board runs."""
import unittest

from cloud_case import CloudCase
from grants import THING

WAITS = True  # for the times of boards: run.py


def steps(job):
    return [s["name"] for s in job["steps"]]


class Provisions(CloudCase):
    def assert_whole(self, job, method):
        names = steps(job)
        for before, after in zip(["layout", "register", "images", "write", "activate", "tls", "received", "host_check"],
                                 ["register", "images", "write", "activate", "tls", "received", "host_check", "record"]):
            self.assertLess(names.index(before), names.index(after), names)
        made = job["result"]["registration"]
        number = self.assert_registered()
        self.assertEqual((made["state"], made["thing"], made["cloud"], made["certificate"]["id"]),
                         ("active", self.thing, "prod", number))
        self.assertEqual(made["left"], [])
        self.assertEqual(job["credential"], made["credential"])
        self.assertEqual((job["result"]["mqtt"]["client_id"], job["result"]["mqtt"]["topic"]),
                         (self.thing, self.thing + "/check"))
        device = self.gate.get(f"/v1/devices/{self.board.mac}").expect(200).json
        self.assertEqual((device["credential"], device["fingerprint_sha256"]), (made["credential"], number))
        entry = device["history"][0]
        self.assertEqual((entry["method"], entry["detail"]["registration"]["id"]), (method, made["id"]))

    def test_through_the_rom_loader(self):
        self.assert_whole(self.provision(method="rom"), "rom")

    def test_through_at_commands(self):
        self.assert_whole(self.provision(method="at"), "at")

    def test_again_it_is_the_same_thing(self):
        first = self.provision()
        mark = self.cloud.mark()
        second = self.provision()
        self.assertEqual(first["result"]["registration"]["id"], second["result"]["registration"]["id"])
        self.assertEqual(first["credential"], second["credential"])
        made = [name for name in self.cloud.calls(mark) if name.startswith(("Create", "Attach", "Update", "Delete"))]
        self.assertEqual(made, [])
        self.assert_registered()

    def test_again_after_its_key_was_purged(self):
        first = self.provision(purge_key=True)["result"]["registration"]
        job = self.provision("failed", purge_key=True)
        self.assertEqual((job["error"]["code"], job["error"]["step"]), ("thing_registered", "register"), job)
        self.assertIn(first["id"], job["error"]["detail"])
        self.assertIn("key is not here any more", job["error"]["hint"])
        self.assertIn("DELETE /v1/registrations/{id}", job["error"]["hint"])
        self.assertEqual(self.assert_registered(), first["certificate"]["id"])  # the board goes on with it
        self.gate.delete("/v1/registrations/" + first["id"]).expect(202)
        self.until_undone(first["id"])
        second = self.provision(purge_key=True)["result"]["registration"]
        self.assertEqual(self.assert_registered(), second["certificate"]["id"])
        self.assertNotEqual(first["certificate"]["id"], second["certificate"]["id"])

    def test_what_a_job_writes_is_not_taken_away_meanwhile(self):
        made = self.provision()["result"]["registration"]
        job = self.gate.create_job(self.order())
        self.until_step(job, "tls")
        refusal = self.gate.delete("/v1/registrations/" + made["id"]).expect(409).json
        self.assertEqual(refusal["code"], "registration_busy")
        self.assertIn(job, refusal["detail"])
        self.assertEqual(self.gate.wait_job(job)["state"], "succeeded")
        self.gate.delete("/v1/registrations/" + made["id"]).expect(202)
        self.until_undone(made["id"])
        self.assert_clean()


class Failures(CloudCase):
    """Whatever it is that fails: a clean account, and a board that runs."""

    def assert_board_runs(self):
        self.bench.run("at", self.board, lines=["AT+GMR"])

    def assert_taken_back(self, job, code):
        self.assertEqual(job["error"]["code"], code, job)
        self.assertEqual(steps(job)[-1], "undo")
        self.assertEqual(job["steps"][-1]["state"], "succeeded", job)
        made = job["result"]["registration"]
        self.assertEqual((made["state"], made["left"], made["error"]["code"]), ("undone", [], code))
        self.assert_clean()
        self.assertEqual(self.gate.get("/v1/credentials").expect(200).json["items"], [])
        self.assert_board_runs()

    def test_the_check(self):
        job = self.provision("failed", wifi={"ssid": "elsewhere", "password": "12345678"})
        self.assert_taken_back(job, "wifi_not_found")
        self.assertEqual(job["error"]["step"], "wifi")
        self.provision()
        self.assert_registered()

    def test_the_write(self):
        self.board.fault("worn:0x39000")
        job = self.provision("failed", method="rom")
        self.assertEqual(job["error"]["step"], "write", job)
        self.board.clear_faults()
        self.assert_taken_back(job, job["error"]["code"])

    def test_what_the_account_forbids(self):
        self.deny(["iot:AttachPolicy"])
        job = self.provision("failed")
        self.assertEqual((job["error"]["code"], job["error"]["step"]), ("aws_permission", "register"))
        self.assertIn("iot:AttachPolicy", job["error"]["detail"])
        self.assert_taken_back(job, "aws_permission")

    def test_cancelled_while_it_registers(self):
        self.cloud.fault("AttachThingPrincipal", "mute", when="before")
        job = self.gate.create_job(self.order())
        self.cloud.wait_event("arrived", "AttachThingPrincipal")
        self.gate.post(f"/v1/jobs/{job}/cancel").expect(202)
        job = self.gate.wait_job(job)
        self.assertEqual(job["state"], "cancelled")
        self.assert_taken_back(job, "cancelled")

    def test_cancelled_while_it_checks(self):
        job = self.gate.create_job(self.order())
        self.until_step(job, "tls")
        self.gate.post(f"/v1/jobs/{job}/cancel").expect(202)
        job = self.gate.wait_job(job)
        self.assertEqual(job["state"], "cancelled")
        self.assert_taken_back(job, "cancelled")

    def interrupt(self, end):
        mark = self.cloud.mark()
        self.cloud.fault("AttachThingPrincipal", "mute", when="before")
        job = self.gate.create_job(self.order())
        self.cloud.wait_event("arrived", "AttachThingPrincipal", since=mark)
        end()
        self.gate.start()
        job = self.gate.wait_job(job)
        self.assertEqual(job["state"], "interrupted")
        self.cloud.settled(self.gate, self.registrations(f"?job={job['id']}")[0]["id"], "undone")
        self.assert_clean()
        self.assert_board_runs()
        return job

    def test_the_end_of_espgate(self):
        self.assertIn("when espgate runs again", self.interrupt(self.gate.stop)["error"]["detail"])
        self.interrupt(self.gate.kill9)

    def test_what_cannot_be_taken_back_at_once_goes_on_later(self):
        job = self.gate.create_job(self.order())
        self.until_step(job, "tls")
        self.deny(["iot:DeleteThing"])
        self.gate.post(f"/v1/jobs/{job}/cancel").expect(202)
        job = self.gate.wait_job(job)
        self.assertEqual(job["state"], "cancelled")
        self.assertEqual((job["steps"][-1]["name"], job["steps"][-1]["state"]), ("undo", "failed"))
        self.assertIn(f"thing {self.thing}", job["error"]["detail"])
        self.assertIn("GET /v1/registrations", job["error"]["detail"])
        made = job["result"]["registration"]
        self.assertEqual([one["kind"] for one in made["left"]], ["thing"])
        self.deny([])
        self.gate.delete("/v1/registrations/" + made["id"]).expect(200, 202)
        self.cloud.settled(self.gate, made["id"], "undone")
        self.assert_clean()

    def test_one_that_was_there_before_stays(self):
        self.provision()
        job = self.provision("failed", wifi={"ssid": "elsewhere", "password": "12345678"})
        self.assertNotIn("undo", steps(job))
        self.assertEqual(job["result"]["registration"]["state"], "active")
        self.assert_registered()


class Alone(CloudCase):
    """POST /v1/registrations: a thing without a board; its credential is there to be written later."""

    def test_a_thing_and_back(self):
        order = {"cloud": {"name": "prod", "thing": "pump-1", "key": "P-256", "attributes": {"site": "{thing}/a"}}}
        made = self.gate.post("/v1/registrations", order).expect(202)
        got = self.cloud.settled(self.gate, made.json["id"], "active", "undone", "left")
        self.assertEqual(got["state"], "active", got)
        self.assert_registered("pump-1")
        self.assertEqual(self.cloud.things()["pump-1"]["attributes"], {"site": "pump-1/a"})
        mqtt = {"host": "localhost", "port": self.broker.port, "client_id": "pump-1", "topic": "pump-1/check"}
        self.bench.run("provision", self.board, credential=got["credential"], wifi=self.order()["wifi"], mqtt=mqtt)
        self.gate.delete(made.headers["Location"]).expect(202)
        self.cloud.settled(self.gate, made.json["id"], "undone")
        self.assert_clean()


class Verdicts(CloudCase):
    """A connection that AWS drops without a word is explained by the account. The checks' policies are made past
    espgate, so that each can be wrong."""

    def setUp(self):
        super().setUp()
        self.made = 0
        self.good = self.provision()
        self.number = self.assert_registered()
        self.arn = self.cloud.certificates()[self.number]["arn"]

    def check(self, **more):
        order = {"kind": "check", "slot": self.bench.slot(self.board), "cloud": "prod", "credential": self.good["credential"],
                 "wifi": self.order()["wifi"], "time": {"server": "127.0.0.1"}, **more}
        job = self.gate.wait_job(self.gate.create_job({name: value for name, value in order.items() if value is not None}))
        return job, job["result"]["verdict"]

    def assert_verdict(self, code, words="", **more):
        job, verdict = self.check(**more)
        self.assertEqual((job["state"], verdict["code"]), ("failed", code), job)
        self.assertEqual(job["error"]["code"], code)
        self.assertIn(words, verdict["detail"])
        return verdict["evidence"]["cloud"]

    def replace_policy(self, **resources):
        for name in self.cloud.certificates()[self.number]["policies"]:
            self.cloud.operate("DetachPolicy", {"policyName": name}, {"target": self.arn})
        if resources:
            self.made += 1
            name = self.policy(f"of-test-{self.made}", **resources)
            self.cloud.operate("AttachPolicy", {"policyName": name}, {"target": self.arn})

    def repair(self):
        self.replace_policy(Connect="client/*")
        self.cloud.operate("AttachThingPrincipal", {"thingName": self.thing}, headers={"x-amzn-principal": self.arn})
        self.cloud.operate("UpdateCertificate", {"certificateId": self.number}, query={"newStatus": "ACTIVE"})

    def test_each_fault_has_its_name(self):
        for case in (self.that_all_is_well, self.an_inactive_certificate, self.no_policy, self.another_client_id,
                     self.no_subscription, self.no_publication, self.no_reception, self.a_thing_that_is_not_attached,
                     self.without_a_cloud_nobody_else_is_asked, self.a_board_that_is_not_registered, self.without_an_account_https_tells_a_status,
                     self.a_certificate_that_is_not_there):
            with self.subTest(case.__name__):
                case()
            if case != self.a_certificate_that_is_not_there:
                self.repair()

    def that_all_is_well(self):
        job, verdict = self.check()
        self.assertEqual((job["state"], verdict["code"]), ("succeeded", "works"), job)
        self.assertNotIn("cloud", verdict["evidence"])

    def an_inactive_certificate(self):
        self.cloud.operate("UpdateCertificate", {"certificateId": self.number}, query={"newStatus": "INACTIVE"})
        cloud = self.assert_verdict("certificate_inactive", "INACTIVE")
        self.assertEqual(cloud["certificate"], "INACTIVE")
        self.assertNotEqual(cloud["https"].get("status"), 200)

    def no_policy(self):
        self.replace_policy()
        cloud = self.assert_verdict("no_policy_attached")
        self.assertEqual((cloud["policies"], cloud["https"]["status"]), ("", 403))

    def another_client_id(self):
        self.replace_policy(Connect="client/sensor-*")
        cloud = self.assert_verdict("policy_denies_connect", "client/sensor-*")
        self.assertEqual((cloud["authorization"]["iot:Connect"], cloud["https"]["status"]), ("not allowed", 200))

    def no_subscription(self):
        self.replace_policy(Subscribe="topic/*")  # the classic: topic/ instead of topicfilter/
        self.assert_verdict("policy_denies_subscribe", "topic/*")

    def no_publication(self):
        self.replace_policy(Publish="topic/other")
        self.assert_verdict("policy_denies_publish", "topic/other")

    def no_reception(self):
        self.replace_policy(Receive="topic/other")
        self.assert_verdict("policy_denies_receive", "topic/other")

    def a_thing_that_is_not_attached(self):
        self.replace_policy(Connect=f"client/{THING}")
        self.cloud.operate("DetachThingPrincipal", {"thingName": self.thing}, headers={"x-amzn-principal": self.arn})
        self.assert_verdict("thing_not_attached", self.thing)

    def a_certificate_that_is_not_there(self):
        self.replace_policy()
        self.cloud.operate("DetachThingPrincipal", {"thingName": self.thing}, headers={"x-amzn-principal": self.arn})
        self.cloud.operate("UpdateCertificate", {"certificateId": self.number}, query={"newStatus": "INACTIVE"})
        self.cloud.operate("DeleteCertificate", {"certificateId": self.number})
        self.assert_verdict("certificate_unknown")

    def without_a_cloud_nobody_else_is_asked(self):
        self.replace_policy(Connect="client/sensor-*")
        mark = self.cloud.mark()
        mqtt = {"host": "localhost", "port": self.broker.port, "client_id": self.thing, "topic": self.thing + "/check"}
        job, verdict = self.check(cloud=None, mqtt=mqtt)
        self.assertEqual(verdict["code"], "connect_denied", job)
        self.assertNotIn("cloud", verdict["evidence"])
        self.assertEqual(self.cloud.calls(mark), [])

    def a_board_that_is_not_registered(self):
        self.gate.put("/v1/clouds/other", self.cloud.settings()).expect(201)
        job = self.gate.wait_job(self.gate.create_job({
            "kind": "check", "slot": self.bench.slot(self.board), "cloud": "other", "wifi": self.order()["wifi"]}))
        self.assertEqual((job["error"]["code"], job["error"]["step"]), ("thing_unknown", "cloud"), job)

    def without_an_account_https_tells_a_status(self):
        self.replace_policy(Connect="client/sensor-*")
        data = {"root_ca": self.cloud.ca_pem, "mqtt_port": self.broker.port, "https_port": self.cloud.https_publish_port}
        body = {"provider": "aws", "region": self.cloud.region, "keys": {"from": "none"}, "data": {**data, "endpoint": "localhost"}}
        self.gate.put("/v1/clouds/nokeys", body).expect(201)
        mqtt = {"host": "localhost", "port": self.broker.port, "client_id": self.thing, "topic": self.thing + "/check"}
        cloud = self.assert_verdict("connect_denied", "over HTTPS the same certificate publishes", cloud="nokeys", mqtt=mqtt)
        self.assertEqual(set(cloud), {"https"})


class Forbidden(CloudCase):
    def test_keys_that_may_not_ask_leave_what_they_may(self):
        self.provision()
        self.deny(["iot:TestAuthorization", "iot:GetPolicy"])
        number = self.assert_registered()
        self.cloud.operate("UpdateCertificate", {"certificateId": number}, query={"newStatus": "INACTIVE"})
        job = self.gate.wait_job(self.gate.create_job({
            "kind": "check", "slot": self.board.name, "cloud": "prod", "wifi": self.order()["wifi"],
            "time": {"server": "127.0.0.1"}}))
        self.assertEqual(job["error"]["code"], "certificate_inactive", job)
        self.assertIn("aws_permission", job["result"]["verdict"]["evidence"]["cloud"]["not_asked"])


if __name__ == "__main__":
    unittest.main()
