"""The audit: who tried what is there before the answer, hangs together, and can be checked by anybody; and a backup
made while the service runs."""
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import unittest

import harness

BROKEN = 3


def canonical_hash(entry):
    """RFC 8785, for what an entry holds."""
    text = json.dumps({k: v for k, v in entry.items() if k != "hash"}, sort_keys=True, separators=(",", ":"),
                      ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


class Audit(harness.BenchCase):
    bench_options = {"boards": 1, "broker": False}

    def setUp(self):
        super().setUp()
        self.data = os.path.join(self.bench.folder, "data")

    def entries(self, query=""):
        """Oldest first."""
        out, path = [], "/v1/audit?limit=3" + query
        while path:
            page = self.gate.get(path).expect(200).json
            out += page["items"]
            path = page["next"] and f"/v1/audit?limit=3{query}&cursor={page['next']}"
        return out[::-1]

    def espgate(self, *args):
        env = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
        return subprocess.run([os.path.join(harness.BIN, "espgate"), "--data", self.data, *args], env=env,
                              capture_output=True, text=True, timeout=harness.JOB_S, check=False)

    def verify(self, status=0):
        done = self.espgate("--verify-audit")
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_a_job_from_its_order_to_its_end(self):
        board = self.bench.boards[0]
        job = self.bench.run("write", board, method="rom")
        order, = self.entries(f"&job={job['id']}&action=createJob")
        self.assertEqual((order["outcome"], order["slot"], order["detail"]), ("done", board.name, {"status": 202}))
        self.assertTrue(order["request"].startswith("req_"))
        end, = self.entries(f"&mac={board.mac.upper()}")
        self.assertEqual((end["action"], end["outcome"], end["job"]), ("job.end", "succeeded", job["id"]))
        self.assertEqual(end["detail"]["credential"], job["credential"])
        self.assertEqual(end["detail"]["images"], job["result"]["images"])
        self.assertEqual((order["actor"], end["actor"]), (order["actor"], order["actor"]))

    def test_the_chain_can_be_checked_by_anybody(self):
        self.bench.run("reset", self.bench.boards[0])
        entries = self.entries()
        self.assertEqual([e["sequence"] for e in entries], list(range(1, len(entries) + 1)))
        previous = ""
        for entry in entries:
            self.assertEqual((entry["previous"], entry["hash"]), (previous, canonical_hash(entry)))
            previous = entry["hash"]
        self.assertIn("audit intact", self.verify())

    def test_attempts_that_failed_and_reads_of_what_holds_keys(self):
        self.gate.post("/v1/jobs", {"kind": "nonsense"}).expect(400)
        self.gate.post("/v1/jobs", b"x" * 100, headers={"Content-Type": "text/plain"}).expect(415)
        self.gate.delete("/v1/slots/nowhere").expect(404)
        self.gate.get("/v1/images/img_1").expect(404)
        self.gate.get("/v1/jobs").expect(200)
        self.gate.get("/v1/jobs/job_1").expect(404)
        self.gate.get("/v1/webhooks").expect(200)
        self.gate.get("/v1/jobs/job_1/data").expect(404)
        self.gate.get("/v1/tokens?limit=0").expect(400)
        self.gate.request("HEAD", "/v1/tokens/tok_1").expect(404)
        self.gate.stop()  # what was refused early is written right behind its answer
        self.gate.start()
        said = {(e["action"], e["outcome"], e["target"], e["detail"].get("code")) for e in self.entries()}
        self.assertEqual({a for a in said if a[0] != "listAudit"}, {
            ("createJob", "failed", "", "bad_body"), ("createJob", "failed", "", "bad_media_type"),
            ("deleteSlot", "failed", "nowhere", "slot_not_found"), ("getImages", "failed", "img_1", "image_not_found"),
            ("getJobData", "failed", "job_1", "job_not_found"), ("listTokens", "failed", "", "bad_query"),
            ("getToken", "failed", "tok_1", "token_not_found")})
        self.assertTrue(self.entries("&action=listAudit"))

    def test_an_entry_is_on_the_disk_before_the_answer(self):
        for i in range(5):
            self.gate.put(f"/v1/slots/s{i}", {"download_port": f"/dev/none{i}"}).expect(201)
            self.gate.kill9()
            self.gate.start()
            self.assertEqual(len(self.entries(f"&action=putSlot&slot=s{i}&outcome=done")), 1)
        self.verify()

    def test_a_changed_entry_is_found(self):
        self.gate.put("/v1/slots/s", {"download_port": "/dev/none"}).expect(201)
        self.gate.stop()
        with sqlite3.connect(os.path.join(self.data, "espgate.db")) as db:
            db.execute("DROP TRIGGER audit_is_fixed")
            db.execute("UPDATE audit SET actor = 'nobody' WHERE seq = 1")
        db.close()
        self.assertIn("entry 1 was changed", self.verify(BROKEN))
        self.gate.start()
        self.gate.delete("/v1/slots/s").expect(204)
        self.assertIn("entry 1 was changed", self.verify(BROKEN))

    def test_a_backup_made_while_it_runs_is_whole(self):
        file = os.path.join(self.bench.folder, "copy.db")
        job = self.bench.run("write", self.bench.boards[0], method="rom")
        done = self.espgate("--backup", file)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("vault.key", done.stdout)
        self.assertEqual(self.espgate("--backup", file).returncode, 1)
        self.gate.delete("/v1/slots/board1").expect(204)
        self.gate.stop()
        os.replace(file, os.path.join(self.data, "espgate.db"))
        for left in ("-wal", "-shm"):
            path = os.path.join(self.data, "espgate.db" + left)
            if os.path.exists(path):
                os.unlink(path)
        shutil.rmtree(os.path.join(self.data, "firmware"))
        self.gate.start()
        self.gate.get("/v1/slots/board1").expect(200)
        self.assertEqual(self.gate.job(job["id"])["state"], "succeeded")
        self.bench.run("write", self.bench.boards[0], method="rom", credential=job["credential"])  # its key opens
        self.verify()

    def test_wrong_filters_are_refused(self):
        for query in ("mac=x", "outcome=good", "cursor=abc", "actor=", "job=" + "x" * 100, "limit=0"):
            self.gate.get("/v1/audit?" + query).problem(400, "bad_query")


if __name__ == "__main__":
    unittest.main()
