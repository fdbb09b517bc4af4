"""Fleet provisioning by claim: with a claim's certificate and no keys at all, and with keys that may do nothing but make
claims."""
import json
import unittest

from cloud_case import CloudCase


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


if __name__ == "__main__":
    unittest.main()
