"""A drop of files of many boards: what each is told to be, and which become a credential."""
import io
import json
import unittest
import zipfile

import harness


class Inspect(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bench = harness.Bench(boards=0, broker=False)
        cls.bench.__enter__()
        cls.gate, cls.pki = cls.bench.gate, cls.bench.pki
        cls.bench.secrets.update(cls.pki.device.secrets())

    @classmethod
    def tearDownClass(cls):
        cls.bench.__exit__(None, None, None)

    def drop(self, *files, password=None, query=""):
        """files: (name, bytes)"""
        parts = [("file", name, data) for name, data in files]
        if password:
            parts.insert(0, ("password", None, password.encode()))
        return self.gate.post("/v1/credentials/inspect" + query, files=parts)

    def usual(self):
        one = self.pki.device
        return ("board.crt", one.cert), ("board.key", one.key), ("root.pem", self.pki.ca.cert)

    def zip_of(self, **files):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as z:
            for name, data in files.items():
                z.writestr(name, data)
        return file.getvalue()

    def test_a_set_says_what_validation_and_storing_say(self):
        told = self.drop(*self.usual(), ("cat.jpg", b"\xff\xd8" * 500)).expect(200).json
        parts = [("f", name, data) for name, data in self.usual()]
        judged = self.gate.post("/v1/credentials/validate", files=parts).expect(200).json
        [one] = told["sets"]
        self.assertEqual((one["valid"], one["checks"], one["credential"]),
                         (True, judged["checks"], judged["credential"]))
        self.assertEqual((one["files"], told["unused"], told["checks"], one["earlier"]), ([0, 1, 2], [3], [], None))
        made = self.gate.post("/v1/credentials", files=parts).expect(201)
        self.addCleanup(lambda: self.gate.delete(made.headers["Location"]).expect(204))
        again = self.drop(*self.usual()).expect(200).json
        self.assertEqual(again["sets"][0]["earlier"], made.json["id"])

    def test_nothing_is_stored_and_no_key_is_told(self):
        reply = self.drop(*self.usual()).expect(200)
        self.assertNotIn(b"PRIVATE", reply.body)
        self.assertEqual(self.gate.get("/v1/credentials").expect(200).json["items"], [])

    def test_a_zip_of_many_boards(self):
        one, other, root = self.pki.device, self.pki.ec_device, self.pki.ca.cert
        told = self.drop(("line 3.zip", self.zip_of(**{
            "a/240ac4000001.crt": one.cert, "a/240ac4000001.key": one.key, "b/240ac4000002.crt": other.cert,
            "b/240ac4000002.key": other.key, "ca/root.pem": root, "readme.txt": b"as agreed\n"}))).expect(200).json
        self.assertEqual([(s["mac"], s["valid"]) for s in told["sets"]],
                         [("24:0a:c4:00:00:01", True), ("24:0a:c4:00:00:02", True)])
        self.assertEqual([told["files"][i]["name"] for i in told["unused"]], ["line 3.zip/readme.txt"])
        self.assertEqual({f["part"] for f in told["files"]}, {0})

    def test_a_password_opens_what_is_closed(self):
        one = self.pki.device
        files = [self.usual()[0], ("board.key", self.pki.encrypted_key(one)), self.usual()[2]]
        [shut] = self.drop(*files).expect(200).json["sets"]
        self.assertEqual([c["code"] for c in shut["checks"] if c["verdict"] == "fail"], ["encrypted_key"])
        self.assertTrue(self.drop(*files, password="secret").expect(200).json["sets"][0]["valid"])
        p12 = self.pki.pkcs12(one, password="secret")
        told = self.drop(("a.p12", p12), password="secret").expect(200).json
        self.assertTrue(told["sets"][0]["valid"])
        told = self.drop(("a.p12", p12)).expect(200).json
        self.assertEqual((told["sets"], told["files"][0]["contents"][0]["kind"]), ([], "pkcs12"))
        self.assertIn("encrypted_key", [c["code"] for c in told["checks"]])

    def one_of(self, files, fingerprint, query="", **headers):
        parts = [("file", name, data) for name, data in files]
        reply = self.gate.post(f"/v1/credentials?certificate={fingerprint}{query}", files=parts, headers=headers)
        if reply.status == 201 and "Idempotent-Replayed" not in reply.headers:
            self.addCleanup(lambda: self.gate.delete(reply.headers["Location"]).expect(204))
        return reply

    def two_in_one_file(self):
        one, other = self.pki.device, self.pki.ec_device
        self.bench.secrets.update(other.secrets())
        return b"".join((one.cert, other.cert, other.key, one.key, self.pki.ca.cert))

    def test_one_of_many_is_stored_as_inspection_judged_it(self):
        both = self.two_in_one_file()
        packed = self.zip_of(**{"line/all.pem": both, "readme.txt": b"as agreed\n"})
        for files in ([("line.pem", both)], [("line.zip", packed), ("cat.jpg", b"\xff\xd8" * 500)]):
            told = self.drop(*files).expect(200).json["sets"]
            self.assertEqual([s["valid"] for s in told], [True, True])
            for one in told:
                made = self.one_of(files, one["fingerprint_sha256"]).expect(201)
                self.assertNotIn(b"PRIVATE", made.body)
                described = {name: made.json[name] for name in one["credential"]}
                self.assertEqual((described, made.json["checks"]), (one["credential"], one["checks"]))
                again = self.one_of(files, one["fingerprint_sha256"]).problem(409, "credential_exists")
                self.assertEqual(again["earlier"], made.json["id"])
            self.assertEqual([s["earlier"] is not None for s in self.drop(*files).json["sets"]], [True, True])
            self.doCleanups()

    def test_one_of_a_pkcs12_and_its_password(self):
        files = [("line.p12", self.pki.pkcs12(self.pki.device, password="secret")), ("root.pem", self.pki.ca.cert)]
        [one] = self.drop(*files, password="secret").expect(200).json["sets"]
        problem = self.one_of(files, one["fingerprint_sha256"]).problem(422, "certificate_not_found")
        self.assertIn("password", problem["hint"])
        path = f"/v1/credentials?certificate={one['fingerprint_sha256']}"
        parts = [("password", None, b"secret")] + [("f", name, data) for name, data in files]
        made = self.gate.post(path, files=parts).expect(201)
        self.gate.delete(made.headers["Location"]).expect(204)

    def test_one_of_many_that_is_not_there_or_no_good_is_refused(self):
        stranger = self.pki.foreign_device
        self.bench.secrets.update(stranger.secrets())
        files = [("a", stranger.cert + stranger.key), ("b", self.two_in_one_file())]
        foreign = self.drop(*files).json["sets"][0]
        problem = self.one_of(files, foreign["fingerprint_sha256"]).problem(422, "chain_broken")
        self.assertEqual(problem["checks"], foreign["checks"])
        self.one_of(files, foreign["fingerprint_sha256"], "&allow=chain_to_root").expect(201)
        problem = self.one_of(files, "0" * 64).problem(422, "certificate_not_found")
        self.assertIn("3 device certificates", problem["detail"])
        self.assertNotIn("checks", problem)
        self.one_of([("cat.jpg", b"\xff\xd8")], "0" * 64).problem(422, "certificate_not_found")
        self.one_of(files, foreign["fingerprint_sha256"].upper()).problem(400, "bad_query")

    def test_one_of_many_is_stored_once_under_its_key(self):
        files = [("line.pem", self.two_in_one_file())]
        first, second = (s["fingerprint_sha256"] for s in self.drop(*files).json["sets"])
        made = self.one_of(files, first, **{"Idempotency-Key": "one-of-many"}).expect(201)
        again = self.one_of(files, first, **{"Idempotency-Key": "one-of-many"}).expect(201)
        self.assertEqual((again.json["id"], again.headers["Idempotent-Replayed"]), (made.json["id"], "true"))
        self.one_of(files, second, **{"Idempotency-Key": "one-of-many"}).problem(422, "idempotency_key_reused")

    def test_one_of_many_may_come_in_as_much_as_inspection_takes(self):
        files = [*self.usual(), ("film.mov", bytes(7 * 1024 * 1024))]
        [one] = self.drop(*files).expect(200).json["sets"]
        self.one_of(files, one["fingerprint_sha256"]).expect(201)
        self.gate.post("/v1/credentials", files=[("f", *f) for f in files]).problem(413, "body_too_large")

    def test_what_is_allowed_warns(self):
        one = self.pki.foreign_device
        files = [("a", one.cert), ("b", one.key), ("c", self.pki.ca.cert)]
        self.assertFalse(self.drop(*files).expect(200).json["sets"][0]["valid"])
        self.assertTrue(self.drop(*files, query="?allow=chain_to_root").expect(200).json["sets"][0]["valid"])

    def test_names_with_markup_come_back_as_they_were(self):
        name = "<img src=x onerror=alert(1)>.crt"
        told = self.drop((name, self.pki.device.cert)).expect(200).json
        self.assertEqual(told["files"][0]["name"], name)

    def test_250_boards_with_three_files_each(self):
        """By copies of a few: that each set is its own is for the unit tests."""
        files = [(f"{i:03}-{name}", data) for i in range(250) for name, data in self.usual()]
        told = self.drop(*files).expect(200).json
        self.assertEqual((len(told["files"]), len(told["sets"]), told["unused"]), (750, 1, []))

    def test_too_much_is_refused_with_its_limit(self):
        problem = self.drop(("film.mov", bytes(20 * 1024 * 1024))).problem(413, "body_too_large")
        self.assertIn("8388608 bytes", problem["detail"])
        self.assertTrue(problem["hint"])
        problem = self.drop(*[(f"{i}.pem", b"x") for i in range(1025)]).problem(413, "too_many_files")
        self.assertIn("1024", problem["detail"])

    def test_a_picture_of_many_kilobytes_is_only_of_no_use(self):
        told = self.drop(*self.usual(), ("cat.jpg", bytes(range(256)) * 4096)).expect(200).json
        self.assertTrue(told["sets"][0]["valid"])
        self.assertIn("131072 at the most", json.dumps(told["files"][3]))


if __name__ == "__main__":
    unittest.main()
