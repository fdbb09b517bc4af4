"""Boards whose fuses forbid what others allow: told by identify, and refused before the first byte."""
import unittest

from flash_case import FlashCase, esp_at, steps


class Fused(FlashCase):
    def run_on(self, kind, state="succeeded", **order):
        """Without a way out of the loader: nothing runs on these boards."""
        self.gate.put("/v1/slots/fused", {"download_port": self.board.download, "reset": "none"}).expect(200, 201)
        job = self.gate.wait_job(self.gate.create_job({"kind": kind, "slot": "fused", **order}))
        self.assertEqual(job["state"], state, job)
        return job

    def refuses(self, kind, code, step, **order):
        before = self.flash_file()
        job = self.run_on(kind, "failed", **order)
        self.assertEqual((job["error"]["code"], job["error"]["step"]), (code, step), job["error"])
        self.assertTrue(job["error"]["hint"])
        self.assertEqual(self.flash_file(), before)


class SecureDownload(Fused):
    bench_options = {"boards": [{"chip": "esp32c3", "firmware": "none", "boot": "download", "secure": "download"}],
                     "broker": False}

    def test_identify_tells_what_can_be_told(self):
        job = self.run_on("identify", method="rom")
        board = job["result"]["board"]
        self.assertEqual((board["chip"], board["mac"]), ("esp32c3", None))
        self.assertEqual(board["security"],
                         {"secure_boot": False, "flash_encryption": False, "secure_download": True})
        self.assertNotIn("flash_id", board)
        self.assertEqual(job["result"]["layout"]["source"], "secure_download")
        self.assertNotIn("record", steps(job))

    def test_what_cannot_be_proved_is_written_only_when_that_is_allowed(self):
        firmware = esp_at("esp32c3-v2.4")
        order = {"firmware": self.factory(firmware)}
        self.refuses("flash", "secure_download", "plan", **order)
        job = self.run_on("flash", allow_unverified=True, **order)
        self.assertEqual(steps(job), ["identify", "plan", "write", "reset"])
        self.assertFalse(job["result"]["write"]["verified"])
        self.assert_flash(firmware.factory())

    def test_reading_and_erasing_are_refused(self):
        self.refuses("read", "secure_download", "read", offset=0, size=64)
        self.refuses("erase", "secure_download", "place", offset=0, size=4096)


class Encrypted(Fused):
    bench_options = {"boards": [{"firmware": "2.4", "boot": "download", "secure": "encryption"}], "broker": False}

    def test_nothing_is_written_in_plain(self):
        job = self.run_on("identify", method="rom")
        self.assertTrue(job["result"]["board"]["security"]["flash_encryption"])
        self.refuses("flash", "flash_encrypted", "plan", firmware=self.factory())
        self.refuses("flash", "flash_encrypted", "plan",
                     images=[{"firmware": self.upload(b"a"), "offset": "0x70000"}])
        self.refuses("erase", "flash_encrypted", "place", offset="0x70000", size=4096)
        self.refuses("write", "flash_encrypted", "layout", method="rom", credential=self.bench.upload())


class SecureBoot(Fused):
    bench_options = {"boards": [{"firmware": "2.4", "boot": "download", "secure": "boot"}], "broker": False}

    def test_nothing_unsigned_is_written(self):
        job = self.run_on("identify", method="rom")
        self.assertTrue(job["result"]["board"]["security"]["secure_boot"])
        self.refuses("flash", "secure_boot", "plan", firmware=self.factory())
        self.refuses("write", "secure_boot", "layout", method="rom", credential=self.bench.upload())


if __name__ == "__main__":
    unittest.main()
