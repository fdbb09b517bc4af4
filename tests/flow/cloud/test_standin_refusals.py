"""What the stand-in for AWS refuses and what goes wrong with it, as AWS's own SDK reads it."""
import unittest

from aws_sdk import AwsSdk
from standin_case import StandinCase


class Refusals(StandinCase):
    """What the signing front end says, as the SDK reads it."""

    def setUp(self):
        super().setUp()
        self.program = AwsSdk(self.cloud, maxAttempts=1)
        self.addCleanup(self.program.stop)

    def sdk(self, user=None, **config):
        return self.program.another(user, **config)

    def refused(self, name, status, pattern, user=None, service="iot", command="ListThings", **config):
        error = self.sdk(user, **config).fails(command, service=service)
        self.assertEqual((error["name"], error["status"]), (name, status), error)
        self.assertRegex(error["message"], pattern)

    def test_a_wrong_secret(self):
        user = {"access_key_id": self.cloud.access_key_id, "secret_access_key": "wrong"}
        self.refused("InvalidSignatureException", 403, "signature we calculated does not match", user)
        self.refused("SignatureDoesNotMatch", 403, "signature we calculated", user, "sts", "GetCallerIdentity")

    def test_an_unknown_key(self):
        user = {"access_key_id": "AKIANOBODY", "secret_access_key": "wrong"}
        self.refused("UnrecognizedClientException", 403, "security token included in the request is invalid", user)
        self.refused("InvalidClientTokenId", 403, "security token", user, "sts", "GetCallerIdentity")

    def test_sessions(self):
        user = self.cloud.user(session_token=True, expires_in_s=3600)
        self.assertEqual(self.sdk(user).ok("ListThings")["things"], [])
        self.refused("UnrecognizedClientException", 403, "invalid", {**user, "session_token": None})
        self.refused("UnrecognizedClientException", 403, "invalid", {**user, "session_token": "other"})
        self.refused("ExpiredTokenException", 403, "expired", self.cloud.user(session_token=True, expires_in_s=0))
        got = self.sdk(user).ok("AssumeRole", service="sts", RoleArn="arn:aws:iam::123456789012:role/bench",
                                RoleSessionName="x")["Credentials"]
        session = {"access_key_id": got["AccessKeyId"], "secret_access_key": got["SecretAccessKey"],
                   "session_token": got["SessionToken"]}
        self.assertEqual(self.sdk(session).ok("ListThings")["things"], [])

    def test_another_region(self):
        self.refused("InvalidSignatureException", 403, "valid region, not 'eu-west-1'", region="eu-west-1")

    def test_a_missing_permission(self):
        user = self.cloud.user(name="poor", deny=["iot:ListThings"])
        self.refused("AccessDeniedException", 403, "user/poor is not authorized to perform: iot:ListThings", user)
        self.assertEqual(self.sdk(user).ok("ListCertificates")["certificates"], [])
        only = self.cloud.user(allow=["iot:List*"])
        self.refused("AccessDeniedException", 403, "iot:GetRegistrationCode", only, command="GetRegistrationCode")

    def test_the_sdk_finds_out_that_its_clock_is_wrong(self):
        self.cloud.clock(600)
        self.refused("InvalidSignatureException", 403, r"^Signature expired: \d{8}T\d{6}Z is now earlier than")
        mark = self.cloud.mark()
        self.assertEqual(self.sdk(maxAttempts=3).ok("ListThings")["things"], [])
        self.assertEqual([e["error"] for e in self.cloud.journal(mark) if e["event"] == "answered"],
                         ["InvalidSignatureException", ""])
        self.cloud.clock(-600)
        self.refused("InvalidSignatureException", 403, "^Signature not yet current: ")

    def test_the_sdk_reads_every_shape_of_an_error(self):
        sdk = self.sdk()
        for shape in ("header", "type", "code"):
            self.cloud.fault("ListThings", "error", error="ServiceUnavailableException", status=503, shape=shape)
            error = sdk.fails("ListThings")
            self.assertEqual((error["name"], error["status"], error["typed"]),
                             ("ServiceUnavailableException", 503, True), shape)
        self.cloud.fault("ListThings", "error", status=500, shape="none")
        self.assertEqual(sdk.fails("ListThings")["status"], 500)

    def test_faults_of_the_token_service_are_its_own(self):
        self.cloud.fault("GetCallerIdentity", "throttle")
        self.refused("Throttling", 400, "Rate exceeded", service="sts", command="GetCallerIdentity")

    def test_the_sdk_gets_over_passing_faults(self):
        sdk = self.sdk(maxAttempts=3)
        for spec in ({"do": "throttle"}, {"do": "error", "status": 503}, {"do": "reset"}, {"do": "cut"},
                     {"do": "error", "status": 500, "when": "after"}):
            mark = self.cloud.mark()
            self.cloud.fault("ListThings", **spec)
            self.assertEqual(sdk.ok("ListThings")["things"], [], spec)
            self.assertEqual(self.cloud.calls(mark), ["ListThings"] * 2, spec)

    def test_rates(self):
        self.cloud.configure(rate_percent=10)
        sdk = self.sdk()
        answers = [sdk.call("GetEffectivePolicies", principal="x").get("error", {}).get("name") for _ in range(30)]
        self.assertIn("ThrottlingException", answers)
        self.assertEqual(set(answers), {"ThrottlingException", "InvalidRequestException"})
        self.assertEqual(self.cloud.counts()["throttled"], answers.count("ThrottlingException"))


if __name__ == "__main__":
    unittest.main()
