"""The bad day: boards and ports that fail. Each failure names its cause, leaves the board running and the port free."""
import fcntl
import hashlib
import os
import struct
import subprocess
import unittest

import harness
from fault_case import FaultCase

CUSTOMIZE = 0x20000
WAITS = True  # for the times of boards: run.py


def partition_table(rows):
    """[(name, type, subtype, offset, size)] as bytes of flash, with the MD5 entry."""
    out = b"".join(struct.pack("<2sBBII16sI", b"\xaaP", t, st, offset, size, name.encode(), 0)
                   for name, t, st, offset, size in rows)
    out += b"\xeb\xeb" + b"\xff" * 14 + hashlib.md5(out).digest()
    return out + b"\xff" * (0xC00 - len(out))


class BoardFaults(FaultCase):
    def with_fault(self, fault, kind="write", **more):
        self.replug(fault=[fault])
        if kind == "write":
            more.setdefault("method", "rom")
        return self.bench.run(kind, self.bench.boards[0], **more)

    def test_a_silent_board(self):
        self.replug(fault=["silent"])
        self.fails("write", "board_silent", "identify", method="rom")
        self.replug(fault=[])
        self.works_again()

    def test_a_board_in_the_wrong_boot_mode(self):
        self.replug(fault=["wrong-boot"])
        error = self.fails("write", "board_wrong_boot_mode", "identify", method="rom")
        self.assertIn("boot:0x", error["device"])
        self.replug(fault=[])
        self.works_again()

    def test_a_board_that_hears_nothing(self):
        self.replug(fault=["tx-dead"])
        error = self.fails("write", "board_tx_dead", "identify", method="rom")
        self.assertIn("waiting for download", error["device"])

    def test_a_board_that_answers_garbage(self):
        self.replug(fault=["garbage"])
        self.fails("write", "board_garbage", "identify", method="rom")
        self.replug(fault=[])
        self.works_again()

    def test_garbage_on_the_at_port(self):
        self.replug(fault=["garbage:at"])
        job = self.bench.run("write", self.bench.boards[0], state="failed", method="at")
        self.assertIn(job["error"]["code"], ("at_garbage", "at_silent"))

    def test_a_silent_at_port(self):
        self.replug(fault=["silent:at"])
        self.fails("write", "at_silent", "identify", method="at")

    def test_a_lost_byte_starts_the_image_again(self):
        job = self.with_fault("drop-byte:download:2000@once")
        self.assertGreaterEqual(job["result"]["write"]["retries"], 1)

    def test_a_flipped_byte_starts_the_image_again(self):
        job = self.with_fault("flip-byte:download:2500@once")
        self.assertGreaterEqual(job["result"]["write"]["retries"], 1)

    def test_a_late_answer_is_waited_for(self):
        self.with_fault("late-reply:300")

    def test_a_wrong_md5_is_written_again(self):
        job = self.with_fault("bad-md5:2@once")
        self.assertEqual(job["state"], "succeeded")

    def test_a_flash_that_never_reads_back_right(self):
        self.replug(fault=["bad-md5"])
        job = self.bench.run("write", self.bench.boards[0], state="failed", method="rom")
        self.assertEqual(job["error"]["code"], "flash_verify", job["error"])

    def test_a_board_that_resets_in_the_middle(self):
        self.with_fault("reset-at:download:2000@once")

    def test_a_busy_board_is_waited_out(self):
        self.with_fault("busy:2", method="at")

    def test_the_cable_is_pulled_in_the_middle(self):
        self.replug(fault=["hangup:download:2000@once"])
        self.fails("write", "port_gone", "write", method="rom")
        self.replug(fault=[])
        self.works_again()

    def test_the_cable_is_pulled_in_an_at_write(self):
        self.replug(fault=["hangup:at:1500@once"])
        job = self.bench.run("write", self.bench.boards[0], state="failed", method="at")
        self.assertEqual(job["error"]["code"], "port_gone", job["error"])
        self.replug(fault=[])
        self.works_again()

    def test_a_port_that_is_not_there(self):
        self.bench.slot(self.bench.boards[0])
        self.bench.boards[0].unplug()
        body = self.bench.command("write", self.bench.boards[0].name, credential=self.bench.upload())
        job = self.gate.wait_job(self.gate.create_job(body))
        self.assertEqual((job["state"], job["error"]["code"]), ("failed", "port_not_found"))
        self.bench.boards[0].start()
        self.works_again()

    def test_a_port_that_another_program_has(self):
        fd = os.open(self.bench.boards[0].download, os.O_RDWR | os.O_NOCTTY)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            error = self.fails("write", "port_busy", "identify", method="rom")
            self.assertIn(str(os.getpid()), error["detail"])
        finally:
            os.close(fd)
        self.works_again()


class OtherContents(FaultCase):
    def set_flash(self, offset, data):
        board = self.bench.boards[0]
        board.stop()
        with open(board.flash, "r+b") as f:
            f.seek(offset)
            f.write(data)
        board.start()

    def test_a_board_without_firmware(self):
        self.set_flash(0, b"\xff" * (4 << 20))
        self.fails("write", "no_partition_table", "layout", method="rom")
        # Who is there can be told all the same.
        job = self.bench.run("identify", self.bench.boards[0])
        self.assertEqual(job["result"]["layout"]["kind"], "none")
        self.assertIsNone(job["result"]["firmware"])

    def test_a_board_with_other_firmware(self):
        self.set_flash(0x8000, partition_table([("nvs", 1, 2, 0x9000, 0x6000), ("factory", 0, 0, 0x10000, 0x100000)]))
        error = self.fails("write", "layout_no_at_customize", "layout", method="rom")
        self.assertIn("factory", error["detail"])

    def test_a_table_without_mqtt_cert(self):
        self.set_flash(CUSTOMIZE, partition_table([("client_cert", 0x40, 5, 0x2A000, 0x2000)]))
        for method, step in (("rom", "images"), ("at", "images")):
            with self.subTest(method):
                self.fails("write", "layout_not_writable", step, method=method)

    def test_a_table_of_its_own_is_read_and_used(self):
        rows = [("mqtt_cert", 0x40, 12, 0x50000, 0x2000), ("mqtt_key", 0x40, 13, 0x52000, 0x2000),
                ("mqtt_ca", 0x40, 14, 0x54000, 0x2000)]
        self.set_flash(CUSTOMIZE, partition_table(rows))
        job = self.bench.run("provision", self.bench.boards[0], method="rom")
        self.assertEqual(job["result"]["layout"]["source"], "at_customize at 0x20000, read in full")
        self.assertEqual(self.bench.boards[0].flash_bytes(0x50000, 2), b"\xf1\xf1")

    def test_a_damaged_table(self):
        table = bytearray(partition_table([("mqtt_cert", 0x40, 12, 0x37000, 0x2000)]))
        table[8] ^= 1
        self.set_flash(CUSTOMIZE, bytes(table))
        self.fails("write", "bad_table_md5", "layout", method="rom")


class Permission(harness.BenchCase):
    bench_options = {"gate": False, "broker": False}

    def test_a_port_that_may_not_be_opened(self):
        board = self.bench.boards[0]
        device = os.path.realpath(board.download)
        os.chmod(device, 0)
        prefix = []
        if os.geteuid() == 0:  # root may open everything: espgate runs as somebody else
            prefix = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--"]
            subprocess.run(["chmod", "-R", "a+rwX", self.bench.folder], check=True)
            subprocess.run(["chown", "-R", "65534", self.bench.folder], check=True)
            os.chown(device, 0, 0)
        self.bench.gate = gate = GateAs(self.bench.folder, self.bench.env, prefix)
        self.addCleanup(gate.stop)
        job = self.bench.run("write", board, state="failed", method="rom")
        self.assertEqual((job["error"]["code"], job["error"]["step"]), ("port_denied", "identify"))
        self.assertIn("dialout", job["error"]["hint"])


class GateAs(harness.Espgate):
    def __init__(self, folder, env, prefix):
        self.prefix = prefix
        super().__init__(folder, env)

    def start(self):
        self.argv = self.prefix + self.argv
        super().start()


if __name__ == "__main__":
    unittest.main()
