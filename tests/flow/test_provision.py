"""The main job, end to end: what the user sees, what lies in the board's flash, what the broker saw."""
import json
import unittest

import harness

PARTITIONS = {"mqtt_cert": 0x37000, "mqtt_key": 0x39000, "mqtt_ca": 0x3B000}
SIZE = 0x2000
WAITS = True  # for the times of boards: run.py
CHECKS = ["wifi", "time", "network", "tls", "connect", "subscribe", "publish", "received", "host_check"]
WRITES = ["identify", "layout", "images", "write", "verify", "reset"]


def steps(job):
    return [s["name"] for s in job["steps"]]


class Provision(harness.BenchCase):
    def images(self, credential):
        made = self.gate.post("/v1/images", {"credential": credential}).expect(201).json
        return {i["partition"]: self.gate.get(i["url"]).expect(200).body for i in made["images"]}

    def assert_on_board(self, board, credential, before):
        """Each image in its partition, erased flash behind it, and nothing else touched."""
        after = board.flash_bytes(0, len(before))
        expected = bytearray(before)
        for name, image in self.images(credential).items():
            at = PARTITIONS[name]
            expected[at:at + SIZE] = image + b"\xff" * (SIZE - len(image))
        wrong = [hex(i) for i in range(0, len(before), 4096) if after[i:i + 4096] != expected[i:i + 4096]]
        self.assertEqual(wrong, [], "sectors that differ from what they should hold")

    def provision(self, method, **more):
        board = self.bench.boards[0]
        before = board.flash_bytes(0, 4 << 20)
        credential = self.bench.upload(more.pop("identity", None))
        job = self.bench.run("provision", board, method=method, credential=credential, **more)
        self.assert_on_board(board, credential, before)
        return job, credential

    def assert_whole(self, job, credential, method):
        board = self.bench.boards[0]
        self.assertEqual(steps(job), WRITES + CHECKS + ["record"])
        self.assertEqual({s["state"] for s in job["steps"]}, {"succeeded"})
        self.assertIsNone(job["error"])
        result = job["result"]
        self.assertEqual(result["board"]["mac"], board.mac)
        self.assertEqual(result["layout"]["kind"], "partitions")
        self.assertTrue(result["mqtt"]["echoed"])
        self.assertIn("echo", result["host_check"]["stages_ms"])
        self.bench.broker.child.wait_line(rf"Received PUBLISH from espgate-{board.mac.replace(':', '')}")
        record = self.gate.get(f"/v1/devices/{board.mac}").expect(200).json
        self.assertEqual(record["credential"], credential)
        self.assertEqual((record["history"][0]["job"], record["history"][0]["method"],
                          record["history"][0]["outcome"]), (job["id"], method, "succeeded"))

    def test_through_the_rom_loader(self):
        job, credential = self.provision("rom")
        self.assert_whole(job, credential, "rom")
        self.assertIn("stock", job["result"]["layout"]["source"])
        # Once a block was sent it was not sent again, and no END was: the ROM would leave its loader.
        write = job["result"]["write"]
        images = sum(i["size"] for i in job["result"]["images"])
        self.assertEqual(write["retries"], 0)
        self.assertLessEqual(write["bytes_out"], images + 4560 - 4120)
        self.assertLessEqual(write["bytes_in"], 400)

    def test_through_at_commands(self):
        job, credential = self.provision("at")
        self.assert_whole(job, credential, "at")
        self.assertEqual(job["result"]["layout"]["source"], "AT+SYSFLASH?")
        self.assertEqual(job["result"]["firmware"]["bin_version"], "2.4.0")

    def test_with_an_elliptic_key(self):
        job, credential = self.provision("rom", identity=self.bench.pki.ec_device)
        self.assert_whole(job, credential, "rom")

    def test_another_credential_takes_the_place_of_the_first(self):
        self.provision("rom", check="none", identity=self.bench.pki.device)
        job, credential = self.provision("rom", identity=self.bench.pki.ec_device)
        self.assert_whole(job, credential, "rom")

    def test_what_is_on_the_board_is_not_written_again(self):
        _, credential = self.provision("rom", check="none")
        before = self.bench.boards[0].flash_bytes(0, 4 << 20)
        job = self.bench.run("provision", self.bench.boards[0], method="rom", credential=credential)
        self.assertTrue(job["result"]["write"]["identical"])
        self.assertLessEqual(job["result"]["write"]["bytes_out"], 250)
        self.assertEqual(self.bench.boards[0].flash_bytes(0, 4 << 20), before)

    def test_what_was_changed_behind_our_back_is_written_again(self):
        _, credential = self.provision("rom", check="none")
        board = self.bench.boards[0]
        board.stop()
        with open(board.flash, "r+b") as f:
            f.seek(PARTITIONS["mqtt_key"] + 100)
            f.write(b"\x00\x00")
        board.start()
        job = self.bench.run("provision", board, method="rom", credential=credential)
        self.assertFalse(job["result"]["write"]["identical"])

    def test_the_transcript_holds_every_byte_but_the_secrets(self):
        job, _ = self.provision("rom")
        log = self.gate.get(f"/v1/jobs/{job['id']}/log").expect(200)
        self.assertEqual(log.headers.get_content_type(), "application/x-ndjson")
        lines = [json.loads(line) for line in log.body.splitlines()]
        sent = b"".join(bytes.fromhex(x["hex"]) for x in lines if "hex" in x)
        self.assertIn(b"AT+MQTTCONN", sent)
        self.assertIn(b"BEGIN CERTIFICATE", sent)
        self.assertNotIn(b"PRIVATE KEY", sent)
        self.assertNotIn(harness.PASSWORD.encode(), sent)
        self.assertTrue(any("secret" in x for x in lines))

    def test_by_at_the_key_stays_out_of_the_transcript_too(self):
        job, _ = self.provision("at")
        log = self.gate.get(f"/v1/jobs/{job['id']}/log").expect(200)
        sent = b"".join(bytes.fromhex(json.loads(x).get("hex", "")) for x in log.body.splitlines())
        self.assertIn(b"AT+SYSFLASH", sent)
        self.assertNotIn(b"PRIVATE KEY", sent)
        for line in self.bench.pki.device.secrets():
            self.assertNotIn(line.encode(), sent)

    def test_the_bench_wifi_does_not_stay_on_the_board(self):
        self.provision("rom")
        job = self.bench.run("at", self.bench.boards[0], lines=["AT+CWJAP?"])
        self.assertEqual(job["result"]["lines"][0]["answer"], [])


class OtherJobs(harness.BenchCase):
    def test_identify_tells_who_is_there(self):
        job = self.bench.run("identify", self.bench.boards[0])
        board = job["result"]["board"]
        self.assertEqual((board["chip"], board["mac"], board["flash_bytes"]),
                         ("esp32", self.bench.boards[0].mac, 4 << 20))
        self.assertEqual(job["result"]["layout"]["kind"], "partitions")
        self.assertEqual(job["result"]["firmware"]["module"], "WROOM-32")

    def test_reset_at_and_check(self):
        board = self.bench.boards[0]
        self.bench.run("reset", board)
        job = self.bench.run("at", board, lines=["AT", "AT+GMR"])
        self.assertTrue(all(x["ok"] for x in job["result"]["lines"]))
        self.assertIn("AT version:2.4", job["result"]["lines"][1]["answer"][0])
        job = self.bench.run("check", board, level="wifi")
        self.assertEqual(steps(job), ["identify", "wifi", "record"])

    def test_a_password_in_an_at_line_is_shown_nowhere(self):
        secret = "hunter2-of-the-bench"
        self.bench.secrets.add(secret)
        join = f'AT+CWJAP="{harness.SSID}","{secret}"'
        for lines in ([join], ["ATE1", "AT+CWMODE=1", join]):
            job = self.bench.run("at", self.bench.boards[0], state="failed", lines=lines)
            self.assertIn("AT+CWJAP was refused", job["error"]["detail"])
            log = self.gate.get(f"/v1/jobs/{job['id']}/log").expect(200)
            sent = b"".join(bytes.fromhex(json.loads(x).get("hex", "")) for x in log.body.splitlines())
            self.assertNotIn(secret.encode(), sent)
            self.assertNotIn(secret, json.dumps(job))
        job = self.bench.run("at", self.bench.boards[0], lines=["AT+CWMODE=1",
                                                               f'AT+CWJAP="{harness.SSID}","{harness.PASSWORD}"'])
        self.assertNotIn(harness.PASSWORD, json.dumps(job))

    def test_write_then_check(self):
        board = self.bench.boards[0]
        credential = self.bench.upload()
        job = self.bench.run("write", board, credential=credential)
        self.assertEqual(steps(job), WRITES + ["record"])
        job = self.bench.run("check", board, level="publish", credential=credential)
        self.assertEqual(steps(job), ["identify"] + CHECKS + ["record"])

    def test_a_running_job_tells_what_is_ahead(self):
        self.bench.clock.silent = True
        job = self.gate.create_job(self.bench.command("provision", self.bench.slot(self.bench.boards[0]), method="rom",
                                                      credential=self.bench.upload()))
        self.until_step(job, "time")
        for got in (self.gate.job(job), self.gate.get("/v1/jobs?state=running").expect(200).json["items"][0]):
            self.assertEqual((steps(got), got["steps_ahead"]), (WRITES + CHECKS[:2], CHECKS[2:] + ["record"]))
            self.assertEqual(got["progress"], {"done": 0, "total": 0, "unit": None})  # what was written is another step's
        self.gate.post(f"/v1/jobs/{job}/cancel").expect(202)
        ended = self.gate.wait_job(job)
        self.assertNotIn("steps_ahead", ended)
        self.assertGreater(ended["progress"]["done"], 0)

    def test_a_port_without_a_slot_is_a_slot_of_its_own_name(self):
        board = self.bench.boards[0]
        name = board.download.rsplit("/", 1)[1]
        body = {"kind": "provision", "slot": name, "credential": self.bench.upload(), "method": "rom", "check": "none"}
        job = self.gate.wait_job(self.gate.create_job(body))
        self.assertEqual(job["state"], "succeeded", job)

    def test_retry_does_the_same_again(self):
        first = self.bench.run("write", self.bench.boards[0])
        reply = self.gate.post(f"/v1/jobs/{first['id']}/retry").expect(202)
        again = self.gate.wait_job(reply.json["id"])
        self.assertEqual((again["state"], again["retry_of"]), ("succeeded", first["id"]))


class OtherChips(harness.BenchCase):
    bench_options = {"boards": [{"chip": chip} for chip in ("esp32s2", "esp32c3", "esp32c2")]}

    def test_by_either_way(self):
        for board in self.bench.boards:
            for method in ("rom", "at"):
                with self.subTest(board.options["chip"], method=method):
                    job = self.bench.run("provision", board, method=method)
                    kept = ["backup"] if "backups" in job["result"] else []
                    self.assertEqual(steps(job), WRITES[:3] + kept + WRITES[3:] + CHECKS + ["record"])
                    self.assertEqual(kept, ["backup"] if method == "rom" else [])  # each has its mfg_nvs
                    self.assertTrue(job["result"]["mqtt"]["echoed"])


class OneUart(harness.BenchCase):
    bench_options = {"boards": []}

    def test_a_board_with_both_on_one_port(self):
        board = self.bench.add_board()
        # The same terminal is given for both: as a module whose factory parameters put AT on UART0.
        board.stop()
        board.at = board.download
        board.start()
        job = self.bench.run("provision", board, method="rom")
        self.assertEqual(steps(job), WRITES + CHECKS + ["record"])


if __name__ == "__main__":
    unittest.main()
