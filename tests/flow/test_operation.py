"""What those see who run it: readiness with its reasons, and logs that programs read."""
import json
import os
import re
import unittest

import harness

CONCURRENT = True


class Operation(unittest.TestCase):
    def start(self, boards=0, **options):
        bench = harness.Bench(boards=boards, broker=False, **options)
        bench.__enter__()
        self.addCleanup(bench.__exit__, None, None, None)
        return bench

    def checks(self, gate, status):
        body = gate.get("/readyz").expect(status).json
        self.assertEqual([c["name"] for c in body["checks"]], ["store", "disk", "vault", "ports", "slots"])
        return {c["name"]: c for c in body["checks"]}

    def test_a_vault_key_that_is_gone_is_told_while_it_can_be_put_back(self):
        gate = self.start().gate
        self.assertTrue(all(c["ok"] and c["detail"] is None for c in self.checks(gate, 200).values()))
        path = os.path.join(gate.argv[gate.argv.index("--data") + 1], "vault.key")
        with open(path, "rb") as f:
            key = f.read()
        for damage in (lambda: os.unlink(path), lambda: self.write(path, bytes(32)), lambda: self.write(path, key[1:]),
                       lambda: os.chmod(path, 0o644)):
            damage()
            checks = self.checks(gate, 503)
            self.assertEqual([name for name, c in checks.items() if not c["ok"]], ["vault"])
            self.assertIn("vault", checks["vault"]["detail"])
            self.write(path, key)
            self.checks(gate, 200)

    def write(self, path, data):
        if os.path.exists(path):
            os.unlink(path)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as f:
            f.write(data)

    def test_held_slots_are_told_and_are_no_fault(self):
        bench = self.start(boards=1)
        slot = bench.slot(bench.boards[0])
        bench.gate.post(f"/v1/slots/{slot}/pause").expect(200)
        self.assertEqual(self.checks(bench.gate, 200)["slots"], {"name": "slots", "ok": True,
                                                                 "detail": "1 paused or draining"})
        bench.gate.post(f"/v1/slots/{slot}/resume").expect(200)
        self.assertIsNone(self.checks(bench.gate, 200)["slots"]["detail"])

    def test_each_line_of_the_log_is_an_object(self):
        bench = self.start(boards=1, gate_args=["--log-format", "json"])
        job = bench.run("identify", bench.boards[0])
        bench.gate.get("/no\"such", headers={"X-Request-Id": "me-1"}).expect(404)
        bench.gate.stop()
        lines = [json.loads(text) for stream, text in bench.gate.child.lines if stream == "err"]
        for line in lines:
            self.assertRegex(line["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
            self.assertIn(line["level"], ("error", "warn", "info", "debug"))
            self.assertTrue(line["thread"] and line["message"])
        mine = next(x for x in lines if x.get("request") == "me-1" and x["message"] == "request")
        self.assertEqual((mine["method"], mine["status"]), ("GET", 404))
        self.assertGreaterEqual(mine["ms"], 0)
        ended = next(x for x in lines if x["message"] == "job ended")
        self.assertEqual((ended["job"], ended["state"]), (job["id"], "succeeded"))

    def test_each_request_is_told_with_who_asked(self):
        gate = self.start().gate
        mark = gate.child.mark()
        gate.get("/v1/slots", headers={"X-Request-Id": "me-2"}).expect(200)
        line = gate.child.wait_line(r" request request=me-2 .*", since=mark)[0]
        self.assertRegex(line, r"method=GET route=/v1/slots status=200 ms=\d+ actor=\"admin\" token=tok_\w+ "
                               r"address=127\.0\.0\.1 end=sent")
        self.assertFalse(re.search(r"egt_", line))


if __name__ == "__main__":
    unittest.main()
