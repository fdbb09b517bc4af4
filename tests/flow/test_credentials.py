"""What a user may throw in: good files in bad shape are taken and cleaned, bad ones are refused by name."""
import base64
import io
import json
import unittest
import zipfile

import bench_pki
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

    def forget_later(self, reply):
        """So that the next test may send the same; the credential that was made."""
        made = reply.expect(201).json
        self.addCleanup(lambda: self.gate.delete(reply.headers["Location"]).expect(204))
        return made

    def accepted(self, *files):
        made = self.forget_later(self.post(*files))
        self.assertNotIn("PRIVATE", str(made))
        image = self.gate.post("/v1/images", {"credential": made["id"]}).expect(201).json
        for one in image["images"]:
            body = self.gate.get(one["url"]).expect(200).body
            content = body[12:12 + int.from_bytes(body[10:12], "little")]
            self.assertTrue(content.startswith(b"-----BEGIN "), content[:40])
            self.assertTrue(content.endswith(b"-----\n"), content[-40:])
            self.assertNotIn(b"\r", content)
        return made

    def changes(self, made):
        for change in made["changes"]:
            self.assertTrue(change["detail"])
        return [change["code"] for change in made["changes"]]

    def with_password(self, password, *files):
        parts = [(f"f{i}", f"file{i}", data) for i, data in enumerate(files)]
        return self.gate.post("/v1/credentials", files=[*parts, ("password", None, password.encode())])

    # ---- accepted and normalised ----

    def test_der(self):
        pki = self.pki
        cert, key = pki.der(pki.device)
        root, _ = pki.der(pki.ca)
        self.assertEqual(self.changes(self.accepted(key, root, cert)), ["der"])

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
        self.forget_later(self.gate.post("/v1/credentials", body))

    def test_pkcs12(self):
        for options in ([], ["-legacy"], ["-keypbe", "NONE", "-certpbe", "NONE"]):
            with self.subTest(options):
                file = self.pki.pkcs12(self.pki.device, *options, password="a secret")
                reply = self.with_password("a secret", file)
                self.assertEqual(self.changes(reply.expect(201).json), ["pkcs12"])
                self.gate.delete(reply.headers["Location"]).expect(204)

    def test_pkcs12_without_password(self):
        self.assertEqual(self.changes(self.accepted(self.pki.pkcs12(self.pki.device))), ["pkcs12"])

    def test_pkcs12_in_json(self):
        body = {"pkcs12": base64.b64encode(self.pki.pkcs12(self.pki.device, password="p")).decode(), "password": "p"}
        self.assertEqual(self.changes(self.forget_later(self.gate.post("/v1/credentials", body))), ["pkcs12", "base64"])

    def test_pkcs7(self):
        one = self.pki.device
        chain = bench_pki.openssl("crl2pkcs7", "-nocrl", "-certfile", one.cert_path, "-certfile", self.pki.ca.cert_path)
        self.assertEqual(self.changes(self.accepted(chain, one.key)), ["pkcs7"])

    def test_an_encrypted_key_with_its_password(self):
        one = self.pki.device
        made = self.forget_later(self.with_password("secret", one.cert, self.pki.encrypted_key(one), self.pki.ca.cert))
        self.assertEqual(self.changes(made), ["decrypted"])

    def aws_zip(self):
        """As the console hands it out, and somebody packed it together with what lay beside."""
        one, file = self.pki.device, io.BytesIO()
        stem = "bench/2f1b5d2c9f0e4a7b8c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a4b"
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as z:
            z.writestr("bench/", b"")
            z.writestr(stem + "-certificate.pem.crt", one.cert)
            z.writestr(stem + "-public.pem.key", bench_pki.openssl("pkey", "-in", one.key_path, "-pubout"))
            z.writestr(stem + "-private.pem.key", one.key)
            z.writestr("bench/AmazonRootCA1.pem", self.pki.ca.cert)
            z.writestr("bench/AmazonRootCA3.pem", self.pki.other_ca.cert)
            z.writestr("bench/connect.sh", b"#!/bin/sh\n")
        return file.getvalue()

    def test_a_zip_as_aws_hands_it_out(self):
        made = self.accepted(self.aws_zip())
        self.assertEqual(self.changes(made), ["other_content"])
        self.assertIn("public_key", [c["code"] for c in made["checks"]])

    def aws_answer(self):
        one = self.pki.device
        return {"certificateArn": "arn:aws:iot:eu-central-1:123456789012:cert/2f1b", "certificateId": "2f1b",
                "certificatePem": one.cert.decode(), "keyPair": {"PrivateKey": one.key.decode()}}

    def test_json_as_aws_answers_it(self):
        self.assertEqual(self.accepted(json.dumps(self.aws_answer()).encode(), self.pki.ca.cert)["changes"], [])

    def test_that_json_as_the_body(self):
        body = {**self.aws_answer(), "root_ca": self.pki.ca.cert.decode()}
        self.assertEqual(self.forget_later(self.gate.post("/v1/credentials", body))["changes"], [])

    def test_a_chain_in_any_order(self):
        mid = self.pki.issue("sub CA", self.pki.ca, root=True)
        one = self.pki.issue("device of the sub CA", mid)
        roots = self.pki.other_ca.cert + self.pki.ca.cert
        made = self.accepted(mid.cert + roots, one.key, one.cert)
        self.assertEqual((made["chain_length"], made["common_name"]), (1, "device of the sub CA"))
        self.assertEqual(self.changes(made), ["chain_order"])

    def test_an_ec_key_is_warned_about(self):
        one = self.pki.ec_device
        made = self.accepted(one.cert, one.key, self.pki.ca.cert)
        judged = {c["name"]: c for c in made["checks"]}["key_type"]
        self.assertEqual((judged["verdict"], judged["code"]), ("warn", "ec_key"))
        self.assertIn("v3.0 to v3.2", judged["detail"])

    def test_an_unrelated_ca_when_it_is_asked_for(self):
        one = self.pki.foreign_device
        files = [("a", "a", x) for x in (one.cert, one.key, self.pki.ca.cert)]
        self.forget_later(self.gate.post("/v1/credentials?allow=chain_to_root", files=files))

    # ---- there already ----

    def test_the_same_again(self):
        one = self.pki.device
        made = self.accepted(one.cert, one.key, self.pki.ca.cert)
        for files in ((one.cert, one.key, self.pki.ca.cert), (self.pki.ca.cert + one.key + one.cert,)):
            problem = self.post(*files).problem(409, "credential_exists")
            self.assertEqual(problem["earlier"], made["id"])
            self.assertTrue(problem["hint"])
        self.post(*files, path="/v1/credentials?allow=duplicate_key").problem(409, "credential_exists")

    def test_a_renewed_certificate_keeps_the_key(self):
        one, root = self.pki.device, self.pki.ca.cert
        renewed = self.pki.issue("device", self.pki.ca, key_of=one)
        first = self.accepted(one.cert, one.key, root)
        problem = self.post(renewed.cert, renewed.key, root).problem(409, "key_in_use")
        self.assertEqual(problem["earlier"], first["id"])
        second = self.forget_later(self.post(renewed.cert, renewed.key, root, path="/v1/credentials?allow=duplicate_key"))
        self.assertEqual(second["key_sha256"], first["key_sha256"])
        self.assertNotEqual(second["fingerprint_sha256"], first["fingerprint_sha256"])

    def test_another_root_ca_for_the_same_certificate(self):
        one, root = self.pki.device, self.pki.ca.cert
        both = (one.cert, one.key, root, self.pki.other_ca.cert)
        self.accepted(one.cert, one.key, root)
        self.post(*both).problem(409, "credential_exists")
        self.forget_later(self.post(*both, path="/v1/credentials?allow=duplicate_key"))

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

    def test_the_wrong_password(self):
        one = self.pki.device
        for file in (self.pki.pkcs12(one, password="right"), self.pki.encrypted_key(one, "right")):
            self.refused("encrypted_key", file)
            problem = self.with_password("wrong password", file, one.cert).problem(422, "wrong_password")
            self.assertNotIn("wrong password", json.dumps(problem))

    def test_a_password_that_takes_too_long(self):
        file = self.pki.pkcs12(self.pki.device, "-iter", "2000001", password="p")
        self.with_password("p", file).problem(422, "password_too_slow")

    def test_a_zip_that_unpacks_to_too_much(self):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as z:
            for i in range(20):
                z.writestr(f"{i}.pem", b" " * 100_000)
        self.refused("zip_too_large", file.getvalue())

    def test_a_zip_that_was_cut(self):
        self.refused("zip_damaged", self.aws_zip()[:-30])

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
        made = self.accepted(self.aws_zip())
        everything = b"".join(self.gate.get(p).body for p in ("/v1/credentials", f"/v1/credentials/{made['id']}"))
        for line in self.pki.device.secrets():
            self.assertNotIn(line.encode(), everything)


if __name__ == "__main__":
    unittest.main()
