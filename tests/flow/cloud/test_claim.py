"""Fleet provisioning by claim: with a claim's certificate and no keys at all, and with keys that may do nothing but make
claims."""
import itertools
import json
import unittest

from child import PATIENCE
from cloud_case import CloudCase

WAITS = True  # for answers that do not come


class ClaimCase(CloudCase):
    def setUp(self):
        super().setUp()
        self.template("bench", self.policy("unit"))

    def without_keys(self):
        """The id of the claim's certificate, which is all that there is."""
        data = {"root_ca": self.cloud.ca_pem, "mqtt_port": self.broker.port, "endpoint": "localhost"}
        body = self.cloud.settings(keys={"from": "none"}, data=data)
        self.gate.put("/v1/clouds/prod", body).expect(200, 201)
        self.claims = self.certificate(self.policy("claims", Connect="client/espgate-*", Publish="topic/$aws/*",
                                                   Receive="topic/$aws/*", Subscribe="topicfilter/$aws/*"))
        self.bench.secrets.update(self.claims[2].splitlines()[1:-1])
        files = [("x", "x", part.encode()) for part in (*self.claims[1:], self.cloud.ca_pem)]
        return self.gate.post("/v1/credentials?allow=chain_to_root", files=files).expect(201).json["id"]

    def with_few_keys(self):
        user = self.cloud.user(name="bench", allow=["iot:CreateProvisioningClaim", "iot:DescribeEndpoint"])
        self.put_cloud(keys={"from": "request", "access_key_id": user["access_key_id"],
                             "secret_access_key": user["secret_access_key"]})

    def wanted(self, serial, **claim):
        return {"name": "prod", "thing": f"unit-{serial}", "certificate": "claim", "key": "P-256",
                "claim": {"template": "bench", "parameters": {"Serial": serial}, **claim}}

    def claimed(self, made, serial):
        """What was made is what the template says."""
        self.assertEqual((made["state"], made["thing"]), ("active", f"unit-{serial}"), json.dumps(made))
        kept = self.cloud.certificates()[made["certificate"]["id"]]
        self.assertEqual((kept["status"], kept["things"], kept["policies"]), ("ACTIVE", [f"unit-{serial}"], ["unit"]))

    def register(self, serial="7", **claim):
        """The registration, when it has come to its end."""
        return self.settled(self.gate.post("/v1/registrations", {"cloud": self.wanted(serial, **claim)}).expect(201, 202).json)

    def settled(self, one):
        """Where no answer comes, three times fifteen seconds are waited for one."""
        return self.cloud.settled(self.gate, one["id"], "active", "undone", "left", seconds=4 * PATIENCE)

    def failed(self, one, code, state="undone"):
        self.assertEqual((one["state"], one["error"]["code"]), (state, code), json.dumps(one))


class Board(ClaimCase):
    def test_a_board_of_a_bench_without_keys(self):
        job = self.provision(cloud=self.wanted("{mac}", credential=self.without_keys()))
        self.claimed(job["result"]["registration"], self.thing.removeprefix("esp32-"))
        self.assertIn("received", [s["name"] for s in job["steps"]])

    def test_a_board_of_a_bench_that_may_make_claims(self):
        self.with_few_keys()
        job = self.provision(cloud=self.wanted("{mac}"))
        self.claimed(job["result"]["registration"], self.thing.removeprefix("esp32-"))
        self.assertIn("CreateProvisioningClaim", self.cloud.calls())


class Failing(ClaimCase):
    def test_what_aws_rejects_is_told_in_its_words(self):
        claim = self.without_keys()
        self.cloud.operate("DeleteProvisioningTemplate", {"templateName": "bench"})
        one = self.register(credential=claim)
        self.failed(one, "claim_rejected")
        self.assertIn("template", one["error"]["device"])
        self.assertEqual(self.cloud.things(), {})

    def test_a_claim_that_may_not_is_refused(self):
        claim = self.without_keys()
        self.cloud.operate("DetachPolicy", {"policyName": "claims"}, {"target": self.claims[0]})
        self.failed(self.register(credential=claim), "claim_refused")

    def test_answers_that_are_none(self):
        claim = self.without_keys()
        for order in ("answer <html>", "answer-long 70000", "answer {}"):
            self.broker.tell(order)
            self.failed(self.register(credential=claim), "aws_bad_answer")
        self.assertEqual(self.cloud.things(), {})
        self.claimed(self.register(credential=claim), "7")

    def test_what_nobody_here_may_take_away_is_told(self):
        self.with_few_keys()
        one = self.register()
        self.claimed(one, "7")
        self.gate.delete(f"/v1/registrations/{one['id']}").expect(202)
        one = self.cloud.settled(self.gate, one["id"], "undone", "left")
        self.assertEqual((one["state"], [(each["kind"], each["certain"]) for each in one["left"]]),
                         ("left", [("thing", False), ("certificate", True)]), json.dumps(one))


class NoCertificate(ClaimCase):
    def test_what_was_not_answered_vanishes_by_itself(self):
        claim = self.without_keys()
        self.cloud.fault("FleetCreateCertificateFromCsr", "mute")
        self.failed(self.register(credential=claim), "aws_outcome_unknown")


class NoThing(ClaimCase):
    def test_what_may_have_been_done_is_told(self):
        claim = self.without_keys()
        self.cloud.fault("FleetRegisterThing", "mute")
        one = self.register(credential=claim)
        self.failed(one, "aws_outcome_unknown", "left")
        self.assertEqual([(each["kind"], each["certain"]) for each in one["left"]],
                         [("thing", False), ("certificate", False)])


class Unheard(ClaimCase):
    def test_what_was_done_without_an_answer_is_taken_away(self):
        self.cloud.fault("FleetRegisterThing", "mute", when="after")
        self.failed(self.register(), "aws_outcome_unknown")
        state = self.cloud.state()
        self.assertEqual((state["things"], state["certificates"]), ({}, {}))


class Killed(ClaimCase):
    def kill_at(self, serial, operation, when):
        """Power goes when the cloud has this question; what became of the registration behind the next start."""
        self.cloud.fault(operation, "hold", when=when)
        mark = self.cloud.mark()
        one = self.gate.post("/v1/registrations", {"cloud": self.wanted(serial)}).expect(201, 202).json
        self.cloud.wait_event("done" if when == "after" else "arrived", operation, since=mark)
        self.gate.kill9()
        self.cloud.clear_faults()
        self.gate.start()
        return self.settled(one)

    def test_a_thing_has_one_certificate(self):
        expected = set()
        for serial, (operation, when) in enumerate(itertools.product(
                ("FleetCreateCertificateFromCsr", "FleetRegisterThing"), ("before", "after"))):
            one = self.kill_at(str(serial), operation, when)
            self.claimed(one, str(serial))
            expected.add(one["certificate"]["id"])
            # What nobody has claimed goes by itself.
            kept = {number for number, made in self.cloud.certificates().items() if not made["unclaimed"]}
            self.assertEqual(kept, expected)


if __name__ == "__main__":
    unittest.main()
