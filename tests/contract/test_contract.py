"""openapi.yaml and the server say the same: the same routes, every documented answer is met, each real answer fits
its schema, and so does each request that was taken."""
import os
import subprocess
import unittest

import contract
import firmware_files
import harness
from tour import Tour, json_of


CONCURRENT = True  # also run under TSan
WAITS = True  # for the times of boards: run.py


class RoutesTest(unittest.TestCase):
    def test_the_contract_has_exactly_the_routes_of_the_server(self):
        printed = subprocess.run([os.path.join(harness.BIN, "espgate"), "--routes"], capture_output=True, text=True,
                                 check=True).stdout
        self.assertEqual(set(printed.splitlines()), contract.Contract().routes())
        self.assertEqual(len(printed.splitlines()), len(set(printed.splitlines())))


class TourTest(unittest.TestCase):
    """The tour runs once; each test looks at all that was said on it."""

    @classmethod
    def setUpClass(cls):
        cls.judge = contract.Contract()
        cls.exchanges = []  # (method, path, request body, reply)
        with harness.Bench(boards=[{"firmware": "2.4"}, {"fault": ["silent"]}, {"firmware": "4.1"}], broker=False) as cls.bench:
            cls.bench.gate.observers.append(lambda *seen: cls.exchanges.append(seen))
            for step in Tour(cls.bench, cls.judge).steps():
                step()

    def test_every_answer_is_what_the_contract_says(self):
        for method, path, _, reply in self.exchanges:
            faults, _ = self.judge.judge(method, path, reply)
            with self.subTest(f"{method} {path} {reply.status}"):
                self.assertEqual(faults, [], str(reply))

    def test_every_documented_answer_was_met(self):
        met = {self.judge.judge(method, path, reply)[1] for method, path, _, reply in self.exchanges}
        self.assertEqual(self.judge.statuses() - met, set())

    def test_what_was_taken_fits_the_schema_and_what_was_refused_does_not(self):
        judged = 0
        for method, path, body, reply in self.exchanges:
            operation = self.judge.find(method, path)
            schema = operation and self.judge.request_schema(operation, "application/json")
            value = json_of(body) if schema else None
            if value is None or reply.status == 413:
                continue
            code = reply.json.get("code") if reply.status >= 400 else None
            if reply.status >= 400 and code not in ("bad_body",):
                continue
            faults = self.judge.faults(schema, value)
            judged += 1
            with self.subTest(f"{method} {path} {value}"):
                if reply.status < 400:
                    self.assertEqual(faults, [])
                else:
                    self.assertNotEqual(faults, [], "the server refused what the contract allows")
        self.assertGreater(judged, 10)

    def test_only_the_contract_and_the_dashboard_may_be_kept_by_caches(self):
        for method, path, _, reply in self.exchanges:
            expected = "no-store"
            if reply.status in (200, 304):
                if path == "/" or path.startswith("/openapi."):
                    expected = "no-cache"
                elif path.startswith("/ui/"):
                    expected = "public, max-age=31536000, immutable"
            self.assertEqual(reply.headers["Cache-Control"], expected, f"{method} {path}")

    def test_no_answer_holds_a_key(self):
        for method, path, _, reply in self.exchanges:
            if path.endswith(("mqtt_key.bin", "factory.bin")) and reply.status == 200:
                continue
            for secret in self.bench.pki.device.secrets():
                self.assertNotIn(secret.encode(), reply.body, f"{method} {path}")

    def test_the_log_of_a_job_is_lines_of_json(self):
        lines = 0
        for method, path, _, reply in self.exchanges:
            if path.endswith("/log") and reply.status == 200:
                for line in reply.body.decode().splitlines():
                    lines += 1
                    value = json_of(line)
                    self.assertEqual(self.judge.faults({"$ref": "#/components/schemas/LogLine"}, value), [], line)
        self.assertGreater(lines, 0)

    def test_the_data_of_an_event_is_an_event(self):
        told = 0
        for method, path, _, reply in self.exchanges:
            if path.split("?")[0].endswith("/events") and reply.status == 200:
                for line in reply.body.decode().splitlines():
                    if line.startswith("data: "):
                        told += 1
                        value = json_of(line.removeprefix("data: "))
                        self.assertEqual(self.judge.faults({"$ref": "#/components/schemas/Event"}, value), [], line)
        self.assertGreater(told, 4)

    def test_both_forms_of_the_contract_are_the_same(self):
        forms = {path: reply for _, path, _, reply in self.exchanges
                 if path.startswith("/openapi.") and reply.status == 200}
        self.assertEqual(contract.yaml.safe_load(forms["/openapi.yaml"].body), forms["/openapi.json"].json)
        self.assertEqual(forms["/openapi.json"].json, self.judge.doc)


class ResultsTest(unittest.TestCase):
    """What jobs of each kind find out is in the contract, to the last member; so is what is kept of it."""

    @classmethod
    def setUpClass(cls):
        cls.judge = contract.Contract()
        cls.bench = harness.Bench()
        cls.bench.__enter__()
        cls.addClassCleanup(cls.bench.__exit__, None, None, None)
        cls.credential = cls.bench.upload()

    def run_job(self, kind, **more):
        job = self.bench.run(kind, self.bench.boards[0], **more)
        self.assertEqual(self.judge.faults({"$ref": "#/components/schemas/Job"}, job), [], job)
        return job["result"]

    def assert_record(self):
        path = f"/v1/devices/{self.bench.boards[0].mac}"
        self.assertEqual(self.judge.judge("GET", path, self.bench.gate.get(path))[0], [])

    def test_identify(self):
        for method, parts in (("rom", {"board", "layout", "firmware"}), ("at", {"board", "layout", "firmware"})):
            self.assertEqual(set(self.run_job("identify", method=method)), parts)

    def test_provision_and_its_record(self):
        for method in ("rom", "at"):
            result = self.run_job("provision", method=method, credential=self.credential)
            self.assertLessEqual({"board", "layout", "images", "write", "wifi", "time", "mqtt", "host_check"}, set(result))
        self.assert_record()

    def test_write_and_check(self):
        self.run_job("write", credential=self.credential)
        result = self.run_job("check", level="connect", credential=self.credential)
        self.assertLessEqual({"wifi", "time", "mqtt", "host_check"}, set(result))

    def test_flash_read_and_erase(self):
        release = firmware_files.esp_at("esp32-v2.4", 64 * 1024).release()
        firmware = self.bench.gate.post("/v1/firmware", release, headers={"Content-Type": "application/zip"}).expect(201)
        for _ in range(2):  # the second time all of it is there
            result = self.run_job("flash", firmware=firmware.json["id"], credential=self.credential)
            self.assertEqual(set(result), {"board", "layout", "flash", "target", "images", "write", "boot", "firmware"})
        result = self.run_job("read", partition="mqtt_ca")
        self.assertEqual(set(result), {"board", "read"})
        path = result["read"]["url"]
        self.assertEqual(self.judge.judge("GET", path, self.bench.gate.get(path))[0], [])
        self.assertEqual(set(self.run_job("erase", partition="fatfs")), {"board", "erase"})
        self.run_job("flash", firmware=firmware.json["id"], flash_bytes=1 << 20, state="failed")
        self.assert_record()

    def test_at_and_reset(self):
        self.assertEqual(set(self.run_job("at", lines=["AT", "AT+GMR"])), {"lines"})
        self.run_job("at", lines=["AT+NOSUCH"], state="failed")
        self.run_job("reset")


if __name__ == "__main__":
    unittest.main()
