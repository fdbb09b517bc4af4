"""Somebody else's flasher, unmodified, against the simulated board: it finds the chip, uploads its
stub, writes three images and verifies them, and the flash file holds exactly these."""
import json
import os
import random
import shutil
import subprocess
import unittest

import espboard
from espboard import Board

FLOW = os.path.join(espboard.ROOT, "tests/flow")
NPM = os.path.join(os.path.dirname(espboard.BIN_DIR), "npm")
IMAGES = ((0x37000, 1232), (0x39000, 1688), (0x3B000, 100000))
USED = random.Random(4).randbytes(4 << 20)


def install():
    """node_modules in the build folder, as the lock file says. tests/run.sh may have done it."""
    lock = os.path.join(FLOW, "package-lock.json")
    done = os.path.join(NPM, "node_modules/esptool-js/package.json")
    copy = os.path.join(NPM, "package-lock.json")
    if os.path.exists(done) and os.path.exists(copy):
        with open(lock, "rb") as a, open(copy, "rb") as b:
            if a.read() == b.read():
                return
    os.makedirs(NPM, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(os.path.join(FLOW, name), NPM)
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"],
                   cwd=NPM, check=True)


class EsptoolJs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        install()

    def write(self, *options, pace="off"):
        r = random.Random(5)
        images = [(at, bytes(r.choices(b"0123456789abcdef\n", k=n))) for at, n in IMAGES]
        with Board("--pace", pace, flash=USED) as board:
            arguments = []
            for at, image in images:
                path = os.path.join(board.folder, f"{at:x}.bin")
                with open(path, "wb") as f:
                    f.write(image)
                arguments += [hex(at), path]
            env = dict(board.environment, PTYMODEM=os.path.join(espboard.BIN_DIR, "ptymodem.so"))
            run = subprocess.run(["node", os.path.join(FLOW, "esptool_js.mjs"), "--modules", NPM,
                                  "--port", board.download, *options, *arguments], env=env,
                                 timeout=120, capture_output=True, text=True)
            self.assertEqual(0, run.returncode, run.stderr[-3000:])
            expected = bytearray(USED)
            for at, image in images:
                end = at + -(-len(image) // 4096) * 4096
                expected[at:end] = image + b"\xff" * (end - at - len(image))
            self.assertTrue(expected == board.flash(), "the flash file holds something else")
            self.assertEqual(len(images), run.stderr.count("Hash of data verified"))
            return json.loads(run.stdout)

    def test_compressed_at_a_higher_speed(self):
        result = self.write("--baud", "921600", pace="wire")
        self.assertEqual("24:0a:c4:12:34:56", result["mac"])
        self.assertEqual(0x1640C8, result["flash_id"])
        self.assertIn("ESP32", result["chip"])

    def test_uncompressed(self):
        self.write("--raw")


if __name__ == "__main__":
    unittest.main()
