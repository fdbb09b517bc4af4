"""Ways out of trouble that do not lean on how one kind of board behaves: boards found in a bad state, slots that can
reset nothing, lost bytes, a "ready" that nobody heard. Afterwards the board is in order and the slot takes the next
job."""
import json
import os
import pty
import select
import struct
import termios
import threading
import tty
import unittest

import harness
from fault_case import FaultCase
from test_faults import CUSTOMIZE, partition_table

WAITS = True  # for the times of boards: run.py


class Between:
    """A pseudo-terminal before a board's AT port, or its other side, that passes everything on but one text of the
    board (drop; with instead, the first of them arrives so), or up to a text of the host, where it is gone (cut)."""

    def __init__(self, bench, board, drop=b"", instead=b"", cut=None, side="at"):
        self.drop, self.instead, self.cut = drop, instead, cut
        self.host, self.kept = pty.openpty()
        number = os.ttyname(self.kept).rsplit("/", 1)[1]
        with open(os.path.join(bench.env["PTYMODEM_DIR"], "pts-" + number), "wb") as f:
            f.write(struct.pack("<Ii", 0x4D444D32, os.getpid()) + bytes(32 + 256 * 24))  # modem.h: lines for the host
        self.board = os.open(getattr(board, side), os.O_RDWR | os.O_NOCTTY)
        for fd in (self.kept, self.board):
            tty.setraw(fd)
        self.link = os.path.join(bench.folder, "ports", board.name + "-between")
        os.symlink(os.ttyname(self.kept), self.link)
        self.end, self.wake = os.pipe()
        self.thread = threading.Thread(target=self._pump, daemon=True)
        self.thread.start()

    def _pump(self):
        held = b""
        while True:
            ready, _, _ = select.select([self.host, self.board, self.end], [], [])
            if self.end in ready:
                return
            if self.host in ready:
                said = os.read(self.host, 4096)
                if self.cut and self.cut in said:
                    os.close(self.kept)
                    os.close(self.host)
                    self.host = self.kept = None
                    return
                os.write(self.board, said)
            if self.board in ready:
                held += os.read(self.board, 4096)
                if self.drop and self.drop in held:
                    held = held.replace(self.drop, self.instead, 1 if self.instead else -1)
                    self.drop = b"" if self.instead else self.drop
                keep = next((n for n in range(len(self.drop) - 1, 0, -1) if held.endswith(self.drop[:n])), 0)
                os.write(self.host, held[:len(held) - keep])
                held = held[len(held) - keep:]

    def say(self, text):
        """To the host, as if the board had said it."""
        os.write(self.host, text)

    def close(self):
        os.write(self.wake, b".")
        self.thread.join(harness.PATIENCE)
        for fd in (self.host, self.kept, self.board, self.end, self.wake):
            if fd is not None:
                os.close(fd)


class Slots(FaultCase):
    """What a slot can and cannot do for its board."""

    def run_on(self, slot, kind, state="succeeded", **more):
        job = self.gate.wait_job(self.gate.create_job(self.bench.command(kind, slot, **more)))
        self.assertEqual(job["state"], state, json.dumps(job, indent=1))
        return job

    def said_to_at(self):
        return b"".join(bytes.fromhex(x["hex"]) for x in self.bench.boards[0].transcript()
                        if x.get("dir") == "host" and x.get("port") == "at")

    def test_without_a_reset_line_a_hanging_board_is_reset_by_at(self):
        board = self.bench.boards[0]
        self.replug(fault=["at-stall:MQTTSUB"])
        slot = self.bench.slot(board, reset="none")
        job = self.run_on(slot, "provision", "failed", method="at", credential=self.bench.upload())
        self.assertEqual((job["error"]["code"], job["error"]["step"]), ("unexplained", "subscribe"))
        self.run_on(slot, "at", lines=["AT"])

    def test_a_slot_that_cannot_reset_says_so_or_does_it_by_at(self):
        board = self.bench.boards[0]
        self.run_on(self.bench.slot(board, reset="none"), "reset")
        self.assertIn(b"AT+RST\r\n", self.said_to_at())
        self.gate.put("/v1/slots/bare", {"download_port": board.download, "reset": "none"}).expect(201)
        job = self.run_on("bare", "reset", "failed")
        self.assertEqual((job["error"]["code"], job["error"]["step"]), ("slot_reset_none", "reset"))
        self.assertIn("EN", job["error"]["hint"])

    def test_an_at_port_alone_is_enough(self):
        board = self.bench.boards[0]
        self.gate.put("/v1/slots/at-only", {"at_port": board.at}).expect(201)
        job = self.run_on("at-only", "provision", credential=self.bench.upload())
        self.assertEqual(job["result"]["write"]["method"], "at")
        self.run_on("at-only", "reset")

    def test_a_board_that_cannot_be_left_in_order_fails_the_job(self):
        between = Between(self.bench, self.bench.boards[0], cut=b"AT+CWQAP")
        self.addCleanup(between.close)
        self.gate.put("/v1/slots/at-only", {"at_port": between.link}).expect(201)
        job = self.run_on("at-only", "check", "failed", level="wifi")
        self.assertEqual((job["error"]["code"], job["error"]["step"]), ("port_gone", "leave"))

    def test_a_board_left_in_its_loader_is_reset_by_the_next_at_job(self):
        board = self.bench.boards[0]
        self.replug(boot="download")
        self.run_on(self.bench.slot(board), "at", lines=["AT"])

    def test_one_port_with_two_speeds(self):
        board = self.bench.boards[0]
        board.stop()
        board.at = board.download
        board.start()
        slot = self.bench.slot(board, download_baud=57600)
        job = self.run_on(slot, "identify")
        self.assertEqual(job["result"]["firmware"]["module"], "WROOM-32")
        self.run_on(slot, "provision", method="rom", credential=self.bench.upload())

    def test_a_ready_that_nobody_heard(self):
        board = self.bench.boards[0]
        between = Between(self.bench, board, drop=b"ready")
        self.addCleanup(between.close)
        self.gate.put("/v1/slots/deaf", {"download_port": board.download, "at_port": between.link}).expect(201)
        self.run_on("deaf", "provision", method="rom", check="wifi", credential=self.bench.upload())


class AtAlone(FaultCase):
    """Ended in the middle of an AT write, with nothing but AT to leave the board in order."""

    bench_options = {"boards": [{"pace": "full"}]}

    def start_write(self):
        self.gate.put("/v1/slots/at-only", {"at_port": self.bench.boards[0].at}).expect(201)
        job = self.gate.create_job({"kind": "write", "slot": "at-only", "credential": self.bench.upload()})
        while self.gate.job(job)["steps"][-1:] == [] or self.gate.job(job)["steps"][-1]["name"] != "write":
            self.assertIsNone(self.gate.job(job)["finished_at"])
        return job

    def assert_board_is_free(self):
        """Its first answer to AT is OK: it does not wait for bytes. Asked directly, for a job would free it."""
        fd = os.open(self.bench.boards[0].at, os.O_RDWR | os.O_NOCTTY)
        said = b""
        try:
            tty.setraw(fd)
            settings = termios.tcgetattr(fd)
            settings[4] = settings[5] = termios.B115200
            termios.tcsetattr(fd, termios.TCSANOW, settings)
            while b"OK\r\n" not in said:
                os.write(fd, b"AT\r\n")
                while select.select([fd], [], [], 1)[0]:
                    said += os.read(fd, 4096)
                self.assertNotIn(b"ERROR", said)
        finally:
            os.close(fd)

    def test_cancel(self):
        job = self.start_write()
        self.gate.post(f"/v1/jobs/{job}/cancel").expect(200, 202)
        self.assertEqual(self.gate.wait_job(job)["state"], "cancelled")
        self.assert_board_is_free()

    def test_a_clean_stop(self):
        job = self.start_write()
        self.gate.stop()
        self.assert_board_is_free()
        self.gate.start()
        self.assertEqual(self.gate.job(job)["state"], "interrupted")


class LostBytes(FaultCase):
    def write_by_at(self, *faults):
        self.replug(fault=list(faults))
        job = self.bench.run("write", self.bench.boards[0], method="at")
        self.assertGreaterEqual(job["result"]["write"]["retries"], 1)

    def test_a_byte_that_is_lost_in_an_at_write(self):
        self.write_by_at("drop-byte:at:1500@once")

    def test_a_byte_that_is_flipped_in_an_at_write(self):
        self.write_by_at("flip-byte:at:1500@once")

    def test_a_byte_that_is_lost_anywhere_in_an_at_write(self):
        for at in (300, 321, 340, 1700):
            with self.subTest(at):
                self.replug(fault=[f"drop-byte:at:{at}@once"])
                self.bench.run("write", self.bench.boards[0], method="at")


class Tables(FaultCase):
    def set_flash(self, size, *parts):
        board = self.bench.boards[0]
        board.stop()
        with open(board.flash, "r+b") as f:
            old = f.seek(0, 2)
            f.write(b"\xff" * (size - old))
            for offset, data in parts:
                f.seek(offset)
                f.write(data)
        board.start()

    PRIMARY = [("phy_init", 1, 1, 0xF000, 0x1000), ("otadata", 1, 0, 0x10000, 0x2000), ("nvs", 1, 2, 0x12000, 0xE000)]

    def mqtt(self, base, cert=0, key=0x2000, ca=0x4000, size=0x2000):
        return [("mqtt_cert", 0x40, 12, base + cert, size), ("mqtt_key", 0x40, 13, base + key, size),
                ("mqtt_ca", 0x40, 14, base + ca, size)]

    def test_another_place_without_md5_in_a_large_flash(self):
        place, base = 0x600000, 0x640000
        primary = partition_table(self.PRIMARY + [("at_customize", 0x40, 0, place, 0xE0000)])
        plain = primary.replace(primary[4 * 32:5 * 32], b"\xff" * 32)  # as the firmware's own build leaves it
        user = partition_table(self.mqtt(base))
        self.set_flash(8 << 20, (0x8000, plain), (place, user))
        job = self.bench.run("write", self.bench.boards[0], method="rom")
        self.assertEqual(job["result"]["layout"]["source"], "at_customize at 0x600000, read in full")
        self.assertEqual(self.bench.boards[0].flash_bytes(base, 2), b"\xf1\xf1")

    def test_partitions_that_overlap_are_not_written(self):
        self.set_flash(4 << 20, (CUSTOMIZE, partition_table(self.mqtt(0x50000, key=0x1000))))
        before = self.bench.boards[0].flash_bytes(0, 4 << 20)
        self.fails("write", "layout_damaged", "images", method="rom")
        self.assertEqual(self.bench.boards[0].flash_bytes(0, 4 << 20), before)

    def test_partitions_beyond_the_flash_are_not_written(self):
        self.set_flash(4 << 20, (CUSTOMIZE, partition_table(self.mqtt(0x3FE000))))
        self.fails("write", "layout_damaged", "layout", method="rom")


class Records(FaultCase):
    def outcome(self):
        return self.gate.get(f"/v1/devices/{self.bench.boards[0].mac}").expect(200).json["history"][0]["outcome"]

    def test_a_job_out_of_time_is_on_record_as_failed(self):
        self.bench.clock.silent = True
        self.fails("provision", "job_timeout", "time", method="rom", timeout=8)
        self.assertEqual(self.outcome(), "failed")


if __name__ == "__main__":
    unittest.main()
