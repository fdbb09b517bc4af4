"""Somebody else's flasher, unmodified, against the simulated board: it tells each chip by its name,
uploads its stub, writes three images and verifies them, and the flash file holds exactly these."""
import json
import os
import random
import subprocess
import unittest

import espboard
import npm
from espboard import Board

IMAGES = ((0x37000, 1232), (0x39000, 1688), (0x3B000, 100000))
USED = random.Random(4).randbytes(4 << 20)
MAC = "24:0a:c4:12:34:57"


class EsptoolJs(unittest.TestCase):
    """What it must call each chip, by its own tables."""
    CHIPS = {
        "esp32": "ESP32-D0WD-V3 (revision 3)",
        "esp32s2": "ESP32-S2 (revision v1.0)",
        "esp32s3": "ESP32-S3 (QFN56) (revision v0.2)",
        "esp32c2": "ESP32-C2 (revision 1)",
        "esp32c3": "ESP32-C3 (QFN32) (revision v0.3)",
        "esp32c5": "ESP32-C5 (revision v1.0)",
        "esp32c6": "ESP32-C6 (revision 1)",
        "esp32c61": "ESP32-C61 (revision v1.0)",
        "esp32h2": "ESP32-H2 (revision v0.1)",
    }

    @classmethod
    def setUpClass(cls):
        npm.install()

    def write(self, chip, *options, pace="off", board=()):
        r = random.Random(5)
        images = [(at, bytes(r.choices(b"0123456789abcdef\n", k=n))) for at, n in IMAGES]
        with Board("--chip", chip, "--mac", MAC, "--pace", pace, *board, flash=USED) as board:
            arguments = []
            for at, image in images:
                path = os.path.join(board.folder, f"{at:x}.bin")
                with open(path, "wb") as f:
                    f.write(image)
                arguments += [hex(at), path]
            env = dict(board.environment, PTYMODEM=os.path.join(espboard.BIN_DIR, "ptymodem.so"))
            run = subprocess.run(["node", os.path.join(npm.FLOW, "esptool_js.mjs"), "--modules", npm.FOLDER,
                                  "--port", board.download, *options, *arguments], env=env,
                                 timeout=120, capture_output=True, text=True)
            self.assertEqual(0, run.returncode, run.stderr[-3000:])
            expected = bytearray(USED)
            for at, image in images:
                end = at + -(-len(image) // 4096) * 4096
                expected[at:end] = image + b"\xff" * (end - at - len(image))
            self.assertTrue(expected == board.flash(), "the flash file holds something else")
            self.assertEqual(len(images), run.stderr.count("Hash of data verified"))
            self.assertNotIn("WARNING", run.stderr)
            result = json.loads(run.stdout)
            self.assertEqual((self.CHIPS[chip], MAC, 0x1640C8),
                             (result["chip"], result["mac"], result["flash_id"]))

    def test_compressed_at_a_higher_speed(self):
        for chip in self.CHIPS:
            with self.subTest(chip=chip):
                self.write(chip, "--baud", "921600", pace="wire" if chip == "esp32" else "off")

    def test_over_the_chips_own_usb(self):
        """It does not open a port again that has gone, as a page cannot without its user: the board keeps it."""
        for chip in ("esp32c3", "esp32c5", "esp32c6", "esp32c61", "esp32h2", "esp32s3"):
            with self.subTest(chip=chip):
                self.write(chip, "--jtag", board=("--usb-jtag", "--usb-gap", "0"))

    def test_uncompressed(self):
        for chip in self.CHIPS:
            with self.subTest(chip=chip):
                self.write(chip, "--raw")


if __name__ == "__main__":
    unittest.main()
