"""A request with an Idempotency-Key is done once, however often it is sent, and answered as the first time."""
import concurrent.futures
import contextlib
import os
import sqlite3
import unittest

import harness

CONCURRENT = True  # also run under TSan

DAY_MS = 24 * 3600 * 1000


class Idempotency(harness.BenchCase):
    bench_options = {"boards": 1, "broker": False}

    def setUp(self):
        super().setUp()
        # Nobody touches the board: jobs stay as they are.
        self.slot = self.bench.slot(self.bench.boards[0])
        self.gate.post(f"/v1/slots/{self.slot}/pause").expect(200)
        self.order = {"kind": "identify", "slot": self.slot}

    def ask(self, path, key, body=None, **kwargs):
        return self.gate.post(path, body, headers={"Idempotency-Key": key, **kwargs.pop("headers", {})}, **kwargs)

    def assert_same(self, again, first):
        self.assertEqual((again.status, again.body, again.headers["Location"], again.headers["Content-Type"]),
                         (first.status, first.body, first.headers["Location"], first.headers["Content-Type"]), str(again))
        self.assertEqual((first.headers["Idempotent-Replayed"], again.headers["Idempotent-Replayed"]), (None, "true"))

    def count(self, path):
        return len(self.gate.get(path).expect(200).json["items"])

    def test_a_job_is_made_once(self):
        first = self.ask("/v1/jobs", "k1", self.order).expect(202)
        self.assert_same(self.ask("/v1/jobs", "k1", self.order), first)
        self.assertEqual(self.count("/v1/jobs"), 1)
        self.assertNotEqual(self.ask("/v1/jobs", "k2", self.order).expect(202).json["id"], first.json["id"])
        self.assertNotEqual(self.gate.create_job(self.order), first.json["id"])
        self.assertEqual(self.count("/v1/jobs"), 3)

    def test_also_over_a_kill_and_when_the_job_has_ended(self):
        first = self.ask("/v1/jobs", "k", self.order).expect(202)
        self.gate.kill9()
        self.gate.start()
        self.assert_same(self.ask("/v1/jobs", "k", self.order), first)
        self.gate.post(f"/v1/jobs/{first.json['id']}/cancel").expect(200)
        self.assert_same(self.ask("/v1/jobs", "k", self.order), first)
        waited = self.ask("/v1/jobs", "k", self.order, headers={"Prefer": "wait=60"}).expect(200)
        self.assertEqual((waited.json["id"], waited.json["state"]), (first.json["id"], "cancelled"))
        retried = self.ask(f"/v1/jobs/{first.json['id']}/retry", "k2").expect(202)
        self.assert_same(self.ask(f"/v1/jobs/{first.json['id']}/retry", "k2"), retried)
        self.assertEqual(self.count("/v1/jobs"), 2)

    def test_another_request_with_the_key_is_refused(self):
        job = self.ask("/v1/jobs", "k", self.order).expect(202).json["id"]
        for path, body in (("/v1/jobs", {**self.order, "kind": "reset"}), ("/v1/authorities", {"name": "line"}),
                           (f"/v1/jobs/{job}/retry", None)):
            self.ask(path, "k", body).problem(422, "idempotency_key_reused")
        self.ask("/v1/authorities", "k2", {"name": "line"}).expect(201)
        self.ask("/v1/jobs", "k2", self.order).problem(422, "idempotency_key_reused")
        self.assertEqual((self.count("/v1/jobs"), self.count("/v1/authorities")), (1, 1))

    def test_of_many_at_once_one_makes_it(self):
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            replies = list(pool.map(lambda _: self.ask("/v1/jobs", "k", self.order), range(64)))
        for reply in replies:
            if reply.status != 202:
                reply.problem(409, "request_in_progress")
        self.assertEqual(len({r.json["id"] for r in replies if r.status == 202}), 1)
        self.assertEqual(self.count("/v1/jobs"), 1)

    def test_a_refused_request_leaves_its_key_free(self):
        self.ask("/v1/jobs", "k", {**self.order, "slot": "nowhere"}).problem(404, "slot_not_found")
        self.ask("/v1/jobs", "k", self.order).expect(202)
        for key in ("", "a b", "x" * 256, "\x7f"):
            self.ask("/v1/jobs", key, self.order).problem(400, "bad_idempotency_key")
        self.ask("/v1/jobs", "x" * 255, self.order).expect(202)

    def test_forms_files_and_what_is_told_once(self):
        one = self.bench.pki.device
        self.bench.secrets.update(one.secrets())
        files = [("a", "ca.pem", self.bench.pki.ca.cert), ("b", "key.pem", one.key), ("c", "cert.pem", one.cert)]
        first = self.ask("/v1/credentials", "form", files=files).expect(201)
        self.assert_same(self.ask("/v1/credentials", "form", files=files), first)  # with another boundary
        self.ask("/v1/credentials", "form", files=files[::-1]).problem(422, "idempotency_key_reused")
        data = os.urandom(5000)
        first = self.ask("/v1/firmware", "file", files=[("f", "a.bin", data)]).expect(201)
        self.assert_same(self.ask("/v1/firmware", "file", files=[("f", "a.bin", data)]), first)
        self.ask("/v1/firmware", "file", files=[("f", "a.bin", data[1:])]).problem(422, "idempotency_key_reused")
        self.ask("/v1/firmware?name=x", "file", files=[("f", "a.bin", data)]).problem(422, "idempotency_key_reused")
        ca = self.ask("/v1/authorities", "ca", {"name": "line"}).expect(201)
        self.assert_same(self.ask("/v1/authorities", "ca", {"name": "line"}), ca)
        self.gate.kill9()
        self.gate.start()
        self.assert_same(self.ask("/v1/authorities", "ca", {"name": "line"}), ca)
        self.assertEqual([self.count(f"/v1/{what}") for what in ("credentials", "firmware", "authorities")], [1, 1, 1])

    def test_after_a_day_a_key_is_forgotten(self):
        job = self.ask("/v1/jobs", "k", self.order).expect(202).json["id"]
        ca = self.ask("/v1/authorities", "ca", {"name": "line"}).expect(201).json["id"]
        for age_ms, same in ((DAY_MS - 120_000, True), (120_000, False)):
            self.gate.stop()
            with contextlib.closing(sqlite3.connect(os.path.join(self.bench.folder, "data", "espgate.db"))) as db, db:
                db.execute("UPDATE job SET created_ms = created_ms - ?", (age_ms,))
                db.execute("UPDATE idempotency SET created_ms = created_ms - ?", (age_ms,))
            self.gate.start()
            self.assertEqual(self.ask("/v1/jobs", "k", self.order).expect(202).json["id"] == job, same)
        self.ask("/v1/authorities", "ca", {"name": "line"}).problem(409, "authority_exists")
        self.ask("/v1/authorities", "ca", {"name": "other"}).expect(201)
        self.gate.delete(f"/v1/authorities/{ca}").expect(204)


if __name__ == "__main__":
    unittest.main()
