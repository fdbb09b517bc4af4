"""What a user may throw in: good files in bad shape are taken and cleaned, bad ones are refused by name."""
import unittest

import harness


class Credentials(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bench = harness.Bench(boards=0, broker=False)
        cls.bench.__enter__()
        cls.gate, cls.pki = cls.bench.gate, cls.bench.pki

    @classmethod
    def tearDownClass(cls):
        cls.bench.__exit__(None, None, None)

    def post(self, *files, path="/v1/credentials"):
        return self.gate.post(path, files=[(f"f{i}", f"file{i}.txt", data) for i, data in enumerate(files)])

    def refused(self, code, *files, status=422):
        """Refused so, by storing and by validating alike."""
        problem = self.post(*files).problem(status, code)
        self.assertTrue(problem["hint"], problem)
        judged = self.post(*files, path="/v1/credentials/validate").expect(200).json
        self.assertFalse(judged["valid"])
        self.assertIn(code, [c["code"] for c in judged["checks"] if c["verdict"] == "fail"])
        return problem

    def accepted(self, *files):
        made = self.post(*files).expect(201).json
        self.assertNotIn("PRIVATE", str(made))
        image = self.gate.post("/v1/images", {"credential": made["id"]}).expect(201).json
        for one in image["images"]:
            body = self.gate.get(one["url"]).expect(200).body
            content = body[12:12 + int.from_bytes(body[10:12], "little")]
            self.assertTrue(content.startswith(b"-----BEGIN "), content[:40])
            self.assertTrue(content.endswith(b"-----\n"), content[-40:])
            self.assertNotIn(b"\r", content)
        return made

    # ---- accepted and normalised ----

    def test_der(self):
        pki = self.pki
        cert, key = pki.der(pki.device)
        root, _ = pki.der(pki.ca)
        self.assertIn("DER", self.accepted(key, root, cert)["changes"])

    def test_crlf(self):
        one = self.pki.device
        self.accepted(*(x.replace(b"\n", b"\r\n") for x in (one.cert, one.key, self.pki.ca.cert)))

    def test_no_final_newline(self):
        one = self.pki.device
        self.accepted(*(x.rstrip(b"\n") for x in (one.cert, one.key, self.pki.ca.cert)))

    def test_bag_attributes(self):
        one = self.pki.device
        bag = b"Bag Attributes\n    localKeyID: 01 02\nsubject=CN = device\n"
        self.accepted(bag + one.cert, bag + one.key, self.pki.ca.cert)

    def test_all_in_one_file(self):
        one = self.pki.device
        self.accepted(self.pki.ca.cert + one.key + one.cert)

    def test_as_json(self):
        one = self.pki.ec_device
        body = {"certificate": one.cert.decode(), "private_key": one.key.decode(), "root_ca": self.pki.ca.cert.decode()}
        self.gate.post("/v1/credentials", body).expect(201)

    def test_an_unrelated_ca_when_it_is_asked_for(self):
        one = self.pki.foreign_device
        files = [("a", "a", x) for x in (one.cert, one.key, self.pki.ca.cert)]
        self.gate.post("/v1/credentials?allow=chain_to_root", files=files).expect(201)

    # ---- refused ----

    def test_neither_certificate_nor_key(self):
        one = self.pki.device
        self.refused("not_pki", one.cert, one.key, self.pki.ca.cert, b"hello, world\n")

    def test_the_key_of_another_certificate(self):
        self.refused("key_mismatch", self.pki.device.cert, self.pki.ec_device.key, self.pki.ca.cert)

    def test_expired(self):
        one = self.pki.expired_device
        self.refused("cert_expired", one.cert, one.key, self.pki.ca.cert)

    def test_not_yet_valid(self):
        one = self.pki.early_device
        self.refused("cert_not_yet_valid", one.cert, one.key, self.pki.ca.cert)

    def test_a_ca_that_signed_nothing(self):
        one = self.pki.device
        self.refused("chain_broken", one.cert, one.key, self.pki.other_ca.cert)

    def test_an_encrypted_key(self):
        one = self.pki.device
        self.refused("encrypted_key", one.cert, self.pki.encrypted_key(one), self.pki.ca.cert)

    def test_an_item_of_70_000_bytes(self):
        reply = self.gate.post("/v1/images/atpki", files=[("cert", "x", b"x" * 70000)])
        reply.problem(422, "item_too_large")

    def test_a_missing_key(self):
        self.refused("missing_key", self.pki.device.cert, self.pki.ca.cert)

    def test_an_empty_file(self):
        one = self.pki.device
        self.refused("empty_file", one.cert, one.key, self.pki.ca.cert, b"")

    def test_an_empty_upload(self):
        self.assertGreaterEqual(self.gate.post("/v1/credentials", files=[]).status, 400)
        self.gate.post("/v1/credentials", b"", headers={"Content-Type": "application/json"}).problem(400, "empty_body")

    def test_no_answer_holds_a_key(self):
        made = self.accepted(self.pki.device.cert, self.pki.device.key, self.pki.ca.cert)
        everything = b"".join(self.gate.get(p).body for p in ("/v1/credentials", f"/v1/credentials/{made['id']}"))
        for line in self.pki.device.secrets():
            self.assertNotIn(line.encode(), everything)


if __name__ == "__main__":
    unittest.main()
