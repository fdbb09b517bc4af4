"""What a slot tells of the board and the job that were last in it, right after a start too, and what finds a device."""
import csv
import io
import time
import unittest
import urllib.parse

import harness
from child import PATIENCE

CONCURRENT = True


class Seen(harness.BenchCase):
    bench_options = {"boards": 2, "broker": False}

    def one(self, name):
        """A slot, which is the same in the list: read again if the slot went on between the two."""
        path, end = f"/v1/slots/{name}", time.monotonic() + PATIENCE
        got = None
        while got != (again := self.gate.get(path).expect(200).json):
            self.assertLess(time.monotonic(), end, "the slot does not come to rest")
            got = again
            listed = [s for s in self.gate.get("/v1/slots").expect(200).json["items"] if s["name"] == name]
        self.assertEqual(listed, [got])
        return got

    def restart(self):
        self.gate.kill9()
        self.gate.start()

    def test_a_slot_tells_its_board_and_its_last_job_after_a_start_too(self):
        board = self.bench.boards[0]
        slot = self.bench.slot(board)
        before = self.one(slot)
        self.assertEqual((before["board"], before["last_job"]), (None, None))
        job = self.bench.run("identify", board, method="rom")
        for _ in range(2):
            got = self.one(slot)
            seen = got["board"]
            self.assertEqual((seen["mac"], seen["chip"], seen["title"]), (board.mac, "esp32", "ESP32"))
            self.assertEqual(seen["firmware"], job["result"]["firmware"]["at_version"])
            self.assertEqual((seen["layout"], seen["job"]), ("partitions", job["id"]))
            self.assertTrue(job["started_at"] <= seen["seen_at"] <= job["finished_at"], seen)
            self.assertEqual(got["last_job"], {"id": job["id"], "kind": "identify", "state": "succeeded",
                                               "finished_at": job["finished_at"], "error": None})
            self.restart()

    def test_a_board_that_was_met_by_at_tells_the_same(self):
        board = self.bench.boards[0]
        job = self.bench.run("identify", board, method="at")
        seen = self.one(self.bench.slot(board))["board"]
        self.assertEqual((seen["mac"], seen["title"], seen["job"]), (board.mac, "ESP32", job["id"]))
        self.assertEqual(seen["firmware"], job["result"]["firmware"]["at_version"])

    def test_a_board_is_told_while_its_job_still_runs(self):
        board = self.bench.boards[0]
        slot = self.bench.slot(board)
        before = self.bench.run("identify", self.bench.boards[1], method="rom")["id"]
        self.bench.clock.silent = True
        job = self.gate.create_job(self.bench.command("check", slot, level="time", mqtt=None))
        self.until_step(job, "time")
        got = self.one(slot)
        self.assertEqual((got["state"], got["job"], got["last_job"]), ("busy", job, None))
        self.assertEqual((got["board"]["mac"], got["board"]["job"]), (board.mac, job))
        self.assertEqual(self.one(self.bench.boards[1].name)["board"]["job"], before)
        self.gate.post(f"/v1/jobs/{job}/cancel").expect(200, 202)
        self.gate.wait_job(job)

    def test_a_port_that_nobody_named_is_a_slot_like_another(self):
        board = self.bench.boards[0]
        slot = f"{board.name}-download"
        job = self.gate.wait_job(self.gate.create_job({"kind": "identify", "slot": slot, "method": "rom"}))
        self.restart()
        got = self.one(slot)
        self.assertTrue(got["implicit"])
        self.assertEqual((got["board"]["mac"], got["last_job"]["id"]), (board.mac, job["id"]))
        # What was learned here is known where the board comes next.
        self.bench.run("identify", board, method="at")
        self.bench.run("read", board, partition="mqtt_ca")
        seen = self.one(self.bench.slot(board))["board"]
        self.assertEqual((seen["layout"], bool(seen["firmware"])), ("partitions", True))

    def test_a_failed_job_is_told_with_its_fix_and_leaves_the_board(self):
        board = self.bench.boards[0]
        found = self.bench.run("identify", board, method="rom")["id"]
        board.unplug()
        job = self.gate.wait_job(self.gate.create_job({"kind": "identify", "slot": board.name, "timeout": 20}))
        got = self.one(board.name)
        self.assertEqual(got["last_job"]["state"], "failed")
        self.assertEqual(got["last_job"]["error"], job["error"])
        self.assertTrue(got["last_job"]["error"]["hint"])
        self.assertEqual(got["board"]["job"], found)

    def test_what_only_looks_does_not_hide_what_failed(self):
        board = self.bench.boards[0]
        failed = self.bench.run("check", board, "failed", level="wifi", wifi={"ssid": "nowhere"})
        for kind, more in (("at", {"lines": ["AT"]}), ("reset", {}), ("read", {"partition": "mqtt_ca"})):
            self.bench.run(kind, board, **more)
            self.assertEqual(self.one(board.name)["last_job"]["id"], failed["id"], kind)
        self.restart()
        last = self.one(board.name)["last_job"]
        self.assertEqual((last["kind"], last["state"], last["error"]), ("check", "failed", failed["error"]))
        for kind, more in (("check", {"level": "wifi"}), ("at", {"lines": ["AT"]})):
            job = self.bench.run(kind, board, **more)
            self.assertEqual(self.one(board.name)["last_job"]["id"], job["id"], kind)

    def test_settings_are_what_an_etag_is_of(self):
        board = self.bench.boards[0]
        path = f"/v1/slots/{self.bench.slot(board)}"
        etag = self.gate.get(path).expect(200).headers["ETag"]
        job = self.bench.run("identify", board, method="rom")["id"]
        self.assertEqual(self.gate.get(path).expect(200).headers["ETag"], etag)
        settings = {"download_port": board.download, "at_port": board.at, "at_baud": 115200}
        put = self.gate.put(path, settings, headers={"If-Match": etag}).expect(200)
        self.assertEqual((put.json["board"]["mac"], put.json["last_job"]["id"]), (board.mac, job))
        for act in ("pause", "resume"):
            answer = self.gate.post(f"{path}/{act}").expect(200).json
            self.assertEqual((answer["board"]["mac"], answer["last_job"]["id"]), (board.mac, job))

    def test_a_job_that_was_cut_off_is_the_last_one_not_our_own_reset(self):
        board = self.bench.boards[0]
        slot = self.bench.slot(board)
        board.fault("silent")
        job = self.gate.create_job({"kind": "identify", "slot": slot, "method": "at"})
        self.until_step(job, "identify")
        self.restart()
        last = self.one(slot)["last_job"]
        self.assertEqual((last["id"], last["state"], last["error"]["code"]), (job, "interrupted", "interrupted"))
        board.clear_faults()
        resets = self.gate.get(f"/v1/jobs?slot={slot}&kind=reset").expect(200).json["items"]
        for reset in resets:
            self.gate.wait_job(reset["id"])
        self.assertEqual(len(resets), 1)
        self.assertEqual(self.one(slot)["last_job"]["id"], job)


class Search(harness.BenchCase):
    bench_options = {"boards": 2, "broker": False}

    def setUp(self):
        super().setUp()
        one, other = self.bench.boards
        self.bench.run("write", one, method="rom")
        self.bench.run("identify", other, method="rom")

    def found(self, text, **more):
        query = urllib.parse.urlencode({"q": text, **more})
        return [d["mac"] for d in self.gate.get(f"/v1/devices?{query}").expect(200).json["items"]]

    def test_a_device_is_found_by_all_that_names_it(self):
        one, other = [board.mac for board in self.bench.boards]
        device = self.gate.get(f"/v1/devices/{one}").expect(200).json
        self.assertEqual((device["slot"], device["outcome"]), ("board1", "succeeded"))
        self.assertTrue(device["common_name"])
        for text in (one, one.upper(), one.replace(":", ""), one.replace(":", "-"), device["credential"],
                     device["fingerprint_sha256"][:12].upper(), device["common_name"][1:].upper(), "BOARD1"):
            self.assertEqual(self.found(text), [one], text)
        for text in ("", "ESP32", one[:8], one[3:8].replace(":", "")):
            self.assertEqual(self.found(text), [other, one], text)
        for text in ("%", "_", "\\", "'", "*", "cred_0", "\u4e2d\u6587"):
            self.assertEqual(self.found(text), [], text)

    def test_pages_of_a_search_are_searches(self):
        one, other = [board.mac for board in self.bench.boards]
        first = self.gate.get("/v1/devices?q=esp32&limit=1").expect(200)
        self.assertEqual([d["mac"] for d in first.json["items"]], [other])
        self.assertEqual(self.found("esp32", limit=1, cursor=first.json["next"]), [one])
        page = self.gate.get("/v1/devices?q=esp32&limit=1", headers={"Accept": "text/csv"}).expect(200)
        following = page.headers["Link"].split(">")[0].lstrip("<")
        page = self.gate.get(following, headers={"Accept": "text/csv"}).expect(200)
        rows = list(csv.DictReader(io.StringIO(page.body.decode(), newline="")))
        device = self.gate.get(f"/v1/devices/{one}").expect(200).json
        self.assertEqual([row["mac"] for row in rows], [one])
        for name in ("common_name", "slot", "outcome", "credential"):
            self.assertEqual(rows[0][name], device[name])


if __name__ == "__main__":
    unittest.main()
