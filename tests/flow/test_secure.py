"""Boards whose fuses forbid what others allow: told by identify, and refused before the first byte."""
import unittest

from flash_case import FlashCase, built_for, steps


def boards(secure, *chips):
    """In their loader: nothing runs on them. Their flash holds what it would if they had no fuses."""
    return {"broker": False, "boards": [{"chip": c, "boot": "download", "secure": secure} for c in chips]}


class Fused(FlashCase):
    def each_board(self):
        for self.board in self.bench.boards:
            with self.subTest(self.board.options["chip"]):
                yield self.board.options["chip"]

    def run_on(self, kind, state="succeeded", **order):
        """Without a way out of the loader."""
        self.gate.put("/v1/slots/fused", {"download_port": self.board.download, "reset": "none"}).expect(200, 201)
        job = self.gate.wait_job(self.gate.create_job(self.bench.command(kind, "fused", **order)))
        self.assertEqual(job["state"], state, job)
        return job

    def security(self):
        return self.run_on("identify", method="rom")["result"]["board"]["security"]

    def refuses(self, kind, code, step, **order):
        before = self.flash_file()
        job = self.run_on(kind, "failed", **order)
        self.assertEqual((job["error"]["code"], job["error"]["step"]), (code, step), job["error"])
        self.assertTrue(job["error"]["hint"])
        self.assertEqual(self.flash_file(), before)

    def refuses_all_writing(self, chip, code):
        credential = self.bench.upload()
        self.refuses("flash", code, "plan", firmware=self.factory(built_for(chip)))
        self.refuses("flash", code, "plan", images=[{"firmware": self.upload(b"a"), "offset": "0x70000"}])
        self.refuses("erase", code, "place", offset="0x70000", size=4096)
        self.refuses("write", code, "layout", method="rom", credential=credential)
        self.refuses("provision", code, "layout", method="rom", credential=credential, check="none", wifi=None,
                     time=None, mqtt=None)


class SecureDownload(Fused):
    """An ESP32 has no such mode."""

    bench_options = boards("download", "esp32s2", "esp32c3")

    def test_identify_tells_what_can_be_told(self):
        for chip in self.each_board():
            job = self.run_on("identify", method="rom")
            board = job["result"]["board"]
            self.assertEqual((board["chip"], board["mac"]), (chip, None))
            self.assertEqual(board["security"],
                             {"secure_boot": False, "flash_encryption": False, "secure_download": True})
            self.assertNotIn("flash_id", board)
            self.assertEqual(job["result"]["layout"]["source"], "secure_download")
            self.assertNotIn("record", steps(job))

    def test_what_cannot_be_proved_is_written_only_when_that_is_allowed(self):
        for chip in self.each_board():
            firmware = built_for(chip)
            order = {"firmware": self.factory(firmware)}
            self.refuses("flash", "secure_download", "plan", **order)
            job = self.run_on("flash", allow_unverified=True, **order)
            self.assertEqual(steps(job), ["identify", "plan", "write", "reset"])
            self.assertFalse(job["result"]["write"]["verified"])
            self.assert_flash(firmware.factory())

    def test_another_chips_firmware_is_refused_all_the_same(self):
        for chip in self.each_board():
            other = "esp32c3" if chip == "esp32s2" else "esp32s2"
            self.refuses("flash", "wrong_chip", "plan", allow_unverified=True,
                         firmware=self.factory(built_for(other)))

    def test_the_rest_is_refused(self):
        for _ in self.each_board():
            credential = self.bench.upload()
            self.refuses("read", "secure_download", "place", offset=0, size=64)
            self.refuses("read", "secure_download", "place", partition="mqtt_ca")
            self.refuses("erase", "secure_download", "place", offset=0, size=4096)
            self.refuses("write", "secure_download", "layout", method="rom", credential=credential)


class Encrypted(Fused):
    bench_options = boards("encryption", "esp32", "esp32s2", "esp32c3")

    def test_nothing_is_written_in_plain(self):
        for chip in self.each_board():
            self.assertEqual(self.security(),
                             {"secure_boot": False, "flash_encryption": True, "secure_download": False})
            self.refuses_all_writing(chip, "flash_encrypted")


class SecureBoot(Fused):
    bench_options = boards("boot", "esp32", "esp32s2", "esp32c3")

    def test_nothing_unsigned_is_written(self):
        for chip in self.each_board():
            self.assertEqual(self.security(),
                             {"secure_boot": True, "flash_encryption": False, "secure_download": False})
            self.refuses_all_writing(chip, "secure_boot")

class Running(FlashCase):
    """Boards that run their firmware, and go on with it."""

    bench_options = {"broker": False, "boards": [{"secure": "boot", "chip": "esp32c3"},
                                                 {"secure": "no-download", "chip": "esp32"},
                                                 {"secure": "no-download", "chip": "esp32c3"}]}

    def refuses(self, board, kind, code, **order):
        job = self.bench.run(kind, board, "failed", **order)
        self.assertEqual(job["error"]["code"], code, job["error"])
        self.assertTrue(job["error"]["hint"])
        self.bench.run("at", board, lines=["AT"])

    def test_secure_boot(self):
        self.refuses(self.bench.boards[0], "erase", "secure_boot", offset="0x70000", size=4096)

    def test_a_loader_that_is_forbidden(self):
        """An ESP32 does not say so: it goes on to its firmware."""
        for board, code in zip(self.bench.boards[1:], ("board_wrong_boot_mode", "board_download_disabled")):
            with self.subTest(code):
                self.refuses(board, "identify", code, method="rom")


if __name__ == "__main__":
    unittest.main()
