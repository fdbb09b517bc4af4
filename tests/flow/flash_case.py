"""What tests of whole firmwares share. Every job that has ended is held against the contract."""
import functools
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "contract"))

import firmware_files
from contract import Contract
from fault_case import FaultCase

MB = 1 << 20
SECTOR = 4096
SMALL = 192 * 1024
PARTITIONS = {"mqtt_cert": 0x37000, "mqtt_key": 0x39000, "mqtt_ca": 0x3B000}
CREDENTIAL_SIZE = 0x2000


contract = functools.lru_cache(Contract)


@functools.lru_cache
def esp_at(name="esp32-v2.4", seed=0):
    """Small, so that a test writes it in no time, and made once."""
    return firmware_files.esp_at(name, SMALL, seed)


RELEASES = {"esp32": "esp32-v2.4", "esp32s2": "esp32s2-v2.2", "esp32c2": "esp32c2-v4.1", "esp32c3": "esp32c3-v2.4",
            "esp32c5": "esp32c5-v5.0", "esp32c6": "esp32c6-v4.1", "esp32c61": "esp32c61-v5.0"}


@functools.lru_cache
def built_for(chip, seed=0):
    """An ESP-AT for any chip; there is no release for some, so that they get the C6's, built for them."""
    if chip in RELEASES:
        return esp_at(RELEASES[chip], seed)
    _, *rest = firmware_files.RELEASES[RELEASES["esp32c6"]]
    return firmware_files.built(chip, *rest, SMALL, seed)


def app(seed=0):
    return esp_at(seed=seed).parts["esp-at.bin"][1]


def steps(job):
    return [s["name"] for s in job["steps"]]


def blank(n=4 * MB):
    return b"\xff" * n


def put(flash, offset, data, room=None):
    """@p flash with @p data in it: whole sectors, or the whole of its room."""
    room = room or -(-len(data) // SECTOR) * SECTOR
    out = bytearray(flash)
    out[offset:offset + room] = data + b"\xff" * (room - len(data))
    return bytes(out)


class FlashCase(FaultCase):
    """A board whose flash is as `content` says, and uploads."""

    content = None  # None: what the board is made with
    bench_options = {"boards": [{"firmware": "2.4"}], "broker": False}

    def setUp(self):
        super().setUp()
        self.board = self.bench.boards[0]
        self.gate.observers.append(self.judge)
        if self.content is not None:
            self.set_flash(self.content)

    def judge(self, method, path, _, reply):
        if method == "GET" and "?wait=" in path and reply.json.get("finished_at"):
            self.assertEqual(contract().judge(method, path, reply)[0], [], reply.body)

    def flash_file(self):
        return self.board.flash_bytes(0, 4 * MB)

    def set_flash(self, data, **changes):
        """Solder another flash on, with `data` in it."""
        self.board.stop()
        with open(self.board.flash, "r+b") as f:
            f.write(data)
        self.board.start(**changes)

    def upload(self, data, name="file.bin"):
        headers = {"Content-Type": "application/octet-stream"}
        return self.gate.post(f"/v1/firmware?name={name}", data, headers=headers).expect(200, 201).json["id"]

    def factory(self, firmware=None):
        return self.upload((firmware or esp_at()).factory(), "factory.bin")

    def flash(self, state="succeeded", **order):
        return self.bench.run("flash", self.board, state, **order)

    def images(self, *items, **order):
        return self.flash(images=list(items), **order)

    def assert_flash(self, expected):
        now = self.flash_file()
        wrong = [hex(i) for i in range(0, len(expected), SECTOR) if now[i:i + SECTOR] != expected[i:i + SECTOR]]
        self.assertEqual(wrong, [], "sectors that differ from what they should hold")

    def sent_bytes(self, job):
        """What the transcript of a job shows."""
        log = self.gate.get(f"/v1/jobs/{job['id']}/log").expect(200)
        return b"".join(bytes.fromhex(json.loads(x).get("hex", "")) for x in log.body.splitlines())
