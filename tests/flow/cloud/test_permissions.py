"""The IAM policies that the guide gives: enough for what it says they are for."""
import json
import os
import re

import harness
from registration_case import RegistrationCase


def policies():
    """The documents of the guide, in their order, as lists of what they allow."""
    with open(os.path.join(harness.ROOT, "docker", "guide", "aws.md"), encoding="utf-8") as f:
        text = f.read()
    found = re.findall(r'^    (\{"Version":"2012-10-17".*?\]\}\]\})$', text, re.MULTILINE | re.DOTALL)
    return [json.loads(one)["Statement"][0]["Action"] for one in found]


class Permissions(RegistrationCase):
    def allow(self, actions):
        self.cloud.user(access_key_id=self.cloud.access_key_id, secret_access_key=self.cloud.secret_access_key, allow=actions)

    def test_the_policy_of_the_guide_is_enough(self):
        (allowed,) = policies()
        self.allow(allowed)
        told = self.gate.post("/v1/clouds/prod/test").expect(200).json
        denied = [c for c in told["checks"] if c["name"].startswith("iot:") and c["verdict"] != "pass"]
        self.assertEqual(denied, [])
        self.cloud.operate("CreateThingGroup", {"thingGroupName": "hall"}, {})
        for number, way in enumerate(({"groups": ["hall"]}, {"certificate": "aws"})):
            self.undo(self.register(f"pump-{number}", **way)["id"])
        self.assert_clean()

    def test_a_policy_that_others_use_stays(self):
        (allowed,) = policies()
        self.allow(allowed)
        made = self.register("pump")
        other = self.cloud.operate("CreateKeysAndCertificate", {}, query={"setAsActive": "true"})
        self.cloud.operate("AttachPolicy", {"policyName": made["policy"]}, {"target": other["certificateArn"]})
        got = self.undo(made["id"])
        self.assertEqual((got["state"], got["left"]), ("undone", []), got)
        self.assert_clean(policies=[made["policy"]], certificates=[other["certificateId"]])
