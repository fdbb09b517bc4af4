"""/metrics, read by Prometheus' own parsers, against what was done and what the board saw."""
import http.client
import unittest

from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client import parser as text_parser

import harness
from child import PATIENCE

OPEN = "application/openmetrics-text; version=1.0.0"


class Metrics(harness.BenchCase):
    bench_options = {"broker": False}

    def families(self, accept=OPEN):
        reply = self.gate.get("/metrics", headers={"Accept": accept} if accept else {}).expect(200)
        self.kind = reply.headers.get_content_type()
        text = reply.body.decode()
        parse = openmetrics_parser.text_string_to_metric_families if "openmetrics" in self.kind \
            else text_parser.text_string_to_metric_families
        return {f.name: f for f in parse(text)}

    def value(self, name, families=None, **labels):
        """The sum of the figures that have these labels."""
        for family in (families or self.families()).values():
            found = [s.value for s in family.samples if s.name == name and labels.items() <= s.labels.items()]
            if found:
                return sum(found)
        return 0

    def test_both_formats(self):
        self.bench.run("identify", self.bench.boards[0])
        new = self.families(OPEN)
        self.assertEqual(self.kind, "application/openmetrics-text")
        for accept in (None, "*/*", "text/plain", OPEN + ";q=0.3,text/plain;q=0.4", OPEN + ";q=0"):
            old = self.families(accept)
            self.assertEqual(self.kind, "text/plain", accept)
        self.assertEqual({n for n, f in new.items() if f.type != "info"}, {n for n in old if n != "espgate_build_info"})
        # What Prometheus itself sends.
        self.families("application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;"
                      "q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2")
        self.assertEqual(self.kind, "application/openmetrics-text")
        version = self.gate.get("/healthz").json["version"]
        self.assertEqual(self.value("espgate_build_info", new, version=version), 1)

    def test_jobs_steps_and_bytes(self):
        board = self.bench.boards[0]
        done = [self.bench.run("identify", board), self.bench.run("reset", board)]
        failed = self.bench.run("at", board, lines=["AT+NOSUCHTHING"], state="failed")
        got = self.families()
        self.assertEqual(self.value("espgate_jobs_total", got), 3)
        self.assertEqual(self.value("espgate_jobs_total", got, kind="identify", state="succeeded"), 1)
        self.assertEqual(self.value("espgate_jobs_total", got, kind="at", state="failed"), 1)
        self.assertEqual(self.value("espgate_slot_jobs_total", got, slot=board.name, state="succeeded"), 2)
        self.assertEqual(self.value("espgate_slot_jobs_total", got, slot=board.name, state="failed"), 1)
        self.assertEqual(self.value("espgate_job_failures_total", got, step=failed["error"]["step"],
                                    code=failed["error"]["code"]), 1)
        steps = [s for job in [*done, failed] for s in job["steps"] if s["state"] != "skipped"]
        self.assertEqual(self.value("espgate_job_step_duration_seconds_count", got), len(steps))
        for name in {s["name"] for s in steps}:
            mine = [s for s in steps if s["name"] == name]
            self.assertEqual(self.value("espgate_job_step_duration_seconds_count", got, step=name), len(mine))
            self.assertAlmostEqual(self.value("espgate_job_step_duration_seconds_sum", got, step=name),
                                   sum(s["ms"] for s in mine) / 1000)
        self.assertEqual(self.value("espgate_jobs_alive", got), 0)
        self.assertEqual(self.value("espgate_slot_busy", got, slot=board.name), 0)
        self.assertGreater(self.value("espgate_store_commits_total", got), 0)

    def test_a_waiting_job_is_seen(self):
        board = self.bench.boards[0]
        slot = self.bench.slot(board)
        self.gate.post(f"/v1/slots/{slot}/pause").expect(200)
        jobs = [self.gate.create_job({"kind": "reset", "slot": slot}) for _ in range(3)]
        got = self.families()
        self.assertEqual(self.value("espgate_slot_queue_length", got, slot=slot), 3)
        self.assertEqual(self.value("espgate_jobs_alive", got, kind="reset", state="queued"), 3)
        self.assertEqual(self.value("espgate_slot_held", got, slot=slot), 1)
        self.gate.post(f"/v1/jobs/{jobs[0]}/cancel").expect(200)
        self.gate.post(f"/v1/slots/{slot}/resume").expect(200)
        for job in jobs[1:]:
            self.gate.wait_job(job)
        got = self.families()
        self.assertEqual(self.value("espgate_slot_queue_length", got, slot=slot), 0)
        self.assertEqual(self.value("espgate_jobs_total", got, kind="reset", state="cancelled"), 1)
        self.assertEqual(self.value("espgate_jobs_total", got, kind="reset", state="succeeded"), 2)

    def test_bytes_and_retries(self):
        board = self.bench.boards[0]
        board.fault("bad-md5:4@once")
        self.bench.run("write", board, method="rom")
        got = self.families()
        seen = {"host": 0, "board": 0}
        for entry in board.transcript():
            if "hex" in entry:
                seen[entry["dir"]] += len(entry["hex"]) // 2
        self.assertEqual(self.value("espgate_serial_bytes_total", got, direction="out"), seen["host"])
        # Not all that it says is heard: what comes while its port is being opened, say.
        heard = self.value("espgate_serial_bytes_total", got, direction="in")
        self.assertTrue(0 < heard <= seen["board"], (heard, seen))
        self.assertGreater(self.value("espgate_flash_retries_total", got), 0)

    def test_requests_and_bounds(self):
        for i in range(5):
            self.gate.get("/healthz").expect(200)
            self.gate.get(f"/no/such/{i}").expect(404)
            self.gate.get(f"/v1/jobs/job_{i}").expect(404)
        self.gate.post("/v1/jobs", b"{", headers={"Content-Type": "application/json"}).expect(400)
        self.gate.request("HEAD", "/healthz").expect(200)
        got = self.families()
        name = "espgate_http_requests_total"
        self.assertEqual(self.value(name, got, method="GET", route="/healthz", status="200"), 6)
        self.assertEqual(self.value(name, got, method="GET", route="/v1/jobs/{id}", status="404"), 5)
        self.assertEqual(self.value(name, got, route="", status="404"), 5)
        self.assertEqual(self.value(name, got, method="POST", route="/v1/jobs", status="400"), 1)
        self.assertEqual(self.value("espgate_http_request_duration_seconds_count", got, route="/healthz"), 6)
        routes = {s.labels["route"] for s in got["espgate_http_requests"].samples}
        self.assertEqual(routes, {"/healthz", "", "/v1/jobs/{id}", "/v1/jobs"})

    def test_an_open_stream_is_seen(self):
        before = self.value("espgate_event_streams")
        stream = http.client.HTTPConnection("127.0.0.1", self.gate.port, timeout=PATIENCE)
        token = self.gate.token
        stream.request("GET", "/v1/events", headers={"Authorization": f"Bearer {token}"})
        self.assertEqual(stream.getresponse().status, 200)
        self.assertEqual(self.value("espgate_event_streams"), before + 1)
        stream.close()

    def test_the_process(self):
        got = self.families()
        with open(f"/proc/{self.gate.child.pid}/statm", encoding="ascii") as f:
            pages = int(f.read().split()[1])
        self.assertAlmostEqual(self.value("process_resident_memory_bytes", got) / (pages * 4096), 1, delta=0.2)
        self.assertGreater(self.value("process_open_fds", got), 5)
        self.assertGreater(self.value("process_cpu_seconds_total", got), 0)
        with open("/proc/stat", encoding="ascii") as f:
            booted = next(int(line.split()[1]) for line in f if line.startswith("btime"))
        started = self.value("process_start_time_seconds", got)
        self.assertGreater(started, booted)
        self.gate.stop()
        self.gate.start()
        self.assertGreater(self.value("process_start_time_seconds"), started)


if __name__ == "__main__":
    unittest.main()
