"""What is wrong with an account, on the way of a registration: each has a stable code, says what AWS said and what to do,
and leaves the account as it was."""
import json
import unittest

from registration_case import RegistrationCase


class CloudFaults(RegistrationCase):
    def keys(self, **user):
        """Of another user than the usual one; who may do everything unless that is said."""
        made = self.cloud.user(**user)
        self.bench.secrets.update(filter(None, [made["secret_access_key"], made["session_token"]]))
        names = ("access_key_id", "secret_access_key", *(["session_token"] if made["session_token"] else []))
        return {"from": "request", **{name: made[name] for name in names}}

    def accounts(self):
        """(what is wrong, its code, a part of what AWS says; settings)."""
        usual = self.cloud.settings()["keys"]
        yield "region", "aws_region", "Credential should be scoped to a valid region", {"region": "eu-west-1"}
        yield "secret", "aws_secret", "InvalidSignature", {"keys": {**usual, "secret_access_key": "of-another-key" + 26 * "x"}}
        yield "key", "aws_key_unknown", "security token", {"keys": {**usual, "access_key_id": "AKIANOBODYKNOWSTHIS1"}}
        yield "session", "aws_token_expired", "ExpiredToken", {"keys": self.keys(session_token=True, expires_in_s=-1)}
        yield "permission", "aws_permission", "AccessDenied", {"keys": self.keys(deny=["iot:AttachPolicy"])}

    def assert_refused(self, what, code, said):
        before = self.cloud.state()
        got = self.fails(code, f"bench-{what}")
        self.assertIn(said, got["error"]["device"])
        self.assertTrue(got["error"]["hint"], got)
        after = self.cloud.state()
        for kind in ("things", "certificates", "policies"):
            self.assertEqual(after[kind], before[kind])

    def test_an_account_that_is_not_set_up_well(self):
        for what, code, said, settings in self.accounts():
            with self.subTest(what):
                self.put_cloud(**settings)
                self.assert_refused(what, code, said)

    def test_an_account_that_is_full(self):
        self.cloud.configure(certificate_quota=0)
        self.assert_refused("quota", "aws_quota", "LimitExceeded")

    def test_a_clock_that_is_ten_minutes_off_is_corrected(self):
        for offset in (600, -600):
            with self.subTest(offset):
                self.cloud.clock(offset)
                self.register(f"clock{offset}")

    def test_names_that_no_thing_may_have(self):
        for name in ("a thing", "thing/1", "thing:1", "ä", "x" * 129, "", "{nothing}"):
            with self.subTest(name):
                reply = self.gate.post("/v1/registrations", {"cloud": {"name": "prod", "thing": name}})
                self.assertIn('"/cloud', json.dumps(reply.problem(400, "bad_body")))
        self.assertEqual(self.cloud.calls(), [])


if __name__ == "__main__":
    unittest.main()
