"""Every fault that a board can be told to have, seen from the host."""
import os
import select
import struct
import subprocess
import time
import unittest
import zlib

import espboard
from espboard import Board, Loader

BLOCK = bytes(range(256)) * 4
FLASH_BEGIN, FLASH_DATA, FLASH_END = 0x02, 0x03, 0x04
DATA_AT = 0x10000


def write_block(loader):
    """The status of one FLASH_DATA after a BEGIN."""
    loader.begin(FLASH_BEGIN, len(BLOCK), 1, len(BLOCK), DATA_AT)
    return loader.data(FLASH_DATA, 0, BLOCK).status


class WireFaults(unittest.TestCase):
    def test_a_dropped_byte_breaks_the_checksum_of_its_block(self):
        with Board("--boot", "download", "--fault", "drop-byte:download:500") as board:
            loader = board.loader()
            self.assertEqual(b"\x01\x07", write_block(loader))

    def test_a_flipped_bit_breaks_the_checksum_of_its_block(self):
        with Board("--boot", "download", "--fault", "flip-byte:download:500") as board:
            loader = board.loader()
            self.assertEqual(b"\x01\x07", write_block(loader))
            self.assertEqual(b"\xff" * len(BLOCK), board.flash()[DATA_AT:DATA_AT + len(BLOCK)])

    def test_a_counted_fault_comes_again_after_a_reset(self):
        with Board("--boot", "download", "--fault", "flip-byte:download:500") as board:
            self.assertEqual([b"\x01\x07", b"\x01\x07"], self.twice(board))

    def test_once_means_once(self):
        with Board("--boot", "download", "--fault", "flip-byte:download:500@once") as board:
            self.assertEqual([b"\x01\x07", b"\x00\x00"], self.twice(board))

    def twice(self, board):
        loader = board.loader()
        first = write_block(loader)
        loader.command(FLASH_END, bytes(4))
        loader.text_until(b"UART0))\r\n")
        self.assertTrue(loader.sync())
        return [first, write_block(loader)]

    def test_a_fault_of_the_other_port_is_not_ours(self):
        with Board("--boot", "download", "--fault", "flip-byte:at:500") as board:
            self.assertEqual(b"\x00\x00", write_block(board.loader()))

    def test_hang_up_takes_the_port_away_and_leaves_the_other(self):
        with Board("--fault", "hangup:download:20", firmware="2.4") as board:
            port = board.open()
            at = board.open(board.at)
            at.read_until(b"ready\r\n")
            port.write(bytes(20))
            poll = select.poll()
            poll.register(port.fd, select.POLLHUP)
            events = poll.poll(espboard.PATIENCE * 1000)
            self.assertTrue(events and events[0][1] & select.POLLHUP)
            self.assertFalse(os.path.lexists(board.download))
            self.assertEqual(1, len(os.listdir(board.environment["PTYMODEM_DIR"])))
            at.write(b"AT\r\n")
            self.assertIn(b"\r\nOK\r\n", at.read_until(b"OK\r\n"))

    def test_the_shim_reports_a_port_that_has_gone(self):
        with Board("--boot", "download", "--fault", "hangup:download:20") as board:
            script = ("import serial,sys\n"
                      "p = serial.Serial(sys.argv[1]); p.write(bytes(20))\n"
                      "import select; q = select.poll(); q.register(p.fd, 0); q.poll(10000)\n"
                      "try:\n    p.rts = False; print('no error')\n"
                      "except OSError as e: print(e.errno)\n")
            done = subprocess.run([espboard.PYTHON, "-c", script, board.download], timeout=60,
                                  env=board.client_environment(), capture_output=True, text=True)
            self.assertEqual("5\n", done.stdout, done.stderr)


class SpeedFaults(unittest.TestCase):
    READ = espboard.slip(struct.pack("<BBHIII", 0, 0x0E, 8, 0, 0, 64))  # READ_FLASH_SLOW
    ANSWER = 2 + 8 + 64 + 4

    def change_baud(self, loader, baud):
        loader.command(0x0F, struct.pack("<II", baud, 0))
        loader.text_until(b"\xc0\xc0")
        loader.port.set_baud(baud)
        loader.buffer = b""

    def answers(self, loader, times):
        """How many of so many slow reads are answered as they should be. It waits until all are, or the board is
        silent for long: where answers get lost there is no other end."""
        good = struct.pack("<BBH", 1, 0x0E, 0x44)
        loader.port.write(self.READ * times)
        got, count, more = b"", 0, True
        while more and count < times:
            more = loader.port.read_some(1.0)
            got += more
            count = sum(a[:4] == good and a[8:] == b"\xff" * 64 + bytes(4) for a in got.split(b"\xc0"))
        return count

    def test_each_nth_byte_is_lost(self):
        with Board("--boot", "download", "--fault", "drop-every:download:1500") as board:
            loader = board.loader()
            statuses = [write_block(loader) for _ in range(2)]
            self.assertEqual([b"\x00\x00", b"\x01\x07"], statuses)
            loader.command(0x0A, struct.pack("<I", espboard.MAGIC))
            loader.port.write(b"\x5a" * 1500)  # between frames: nobody misses it
            self.assertEqual(b"\x01\x07", write_block(loader))

    def test_a_cable_that_does_not_bear_the_speed(self):
        with Board("--boot", "download", "--fault", "noise-above:460800") as board:
            loader = board.loader()
            self.assertEqual(300, self.answers(loader, 300))
            self.change_baud(loader, 460800)
            self.assertEqual(300, self.answers(loader, 300))
            self.change_baud(loader, 921600)
            self.assertTrue(50 < self.answers(loader, 300) < 280)

    def test_the_noise_is_the_same_each_time(self):
        runs = []
        for _ in range(2):
            with Board("--boot", "download", "--fault", "noise-above:460800") as board:
                loader = board.loader()
                self.change_baud(loader, 921600)
                loader.port.write(self.READ * 300)
                runs.append(loader.port.read(100 * self.ANSWER))
        self.assertEqual(runs[0], runs[1])

    def test_a_cable_that_carries_nothing_at_the_speed(self):
        with Board("--boot", "download", "--fault", "deaf-above:460800") as board:
            loader = board.loader()
            self.change_baud(loader, 460800)
            self.assertEqual(espboard.ESP32, loader.read_reg(espboard.MAGIC))
            self.change_baud(loader, 921600)
            self.assertFalse(loader.sync(0.2))


class FlashFaults(unittest.TestCase):
    DEFL_BEGIN, DEFL_DATA = 0x10, 0x11

    def start(self, *faults):
        options = [word for spec in faults for word in ("--fault", spec)]
        board = self.enterContext(Board("--boot", "download", "--chip", "esp32c3", *options,
                                        flash=b"\x5a" * (4 << 20)))
        return board, board.loader()

    def test_a_flash_chip_without_contact(self):
        _, loader = self.start("flash-dead")
        for address, value in ((0x60002020, 0x7000009F), (0x60002000, 1 << 18)):
            loader.command(0x09, struct.pack("<4I", address, value, 0xFFFFFFFF, 0))
        self.assertEqual(0, loader.read_reg(0x60002058))
        self.assertEqual(bytes(64), loader.command(0x0E, struct.pack("<II", 0, 64)).payload)
        loader.request(FLASH_BEGIN, struct.pack("<5I", 4096, 1, 1024, 0, 0))
        self.assertIsNone(loader.reply(0.2))
        self.assertFalse(loader.sync(0.1))

    def test_a_write_protected_chip_takes_everything_and_keeps_nothing(self):
        board, loader = self.start("write-protect")
        before = loader.md5(DATA_AT, 4096)
        self.assertEqual(b"\x00\x00", write_block(loader))
        stream = zlib.compress(BLOCK)
        self.assertEqual(b"\x00\x00",
                         loader.begin(self.DEFL_BEGIN, 1024, 1, 1024, DATA_AT).status)
        self.assertEqual(b"\x00\x00", loader.data(self.DEFL_DATA, 0, stream).status)
        self.assertEqual(before, loader.md5(DATA_AT, 4096))
        self.assertTrue(b"\x5a" * (4 << 20) == board.flash())

    def test_a_worn_cell_stays_0(self):
        board, loader = self.start("worn:0x10005", f"worn:{DATA_AT + 4096}")
        self.assertEqual(b"\x01\x08", write_block(loader))
        flash = board.flash()
        self.assertEqual(BLOCK[:5] + b"\x04" + BLOCK[6:], flash[DATA_AT:DATA_AT + 1024])
        loader.begin(self.DEFL_BEGIN, 8192, 1, 1024, DATA_AT)
        self.assertEqual(0, loader.data(self.DEFL_DATA, 0, zlib.compress(BLOCK)).status[0])
        flash = board.flash()
        self.assertEqual(BLOCK[:5] + b"\x04" + BLOCK[6:], flash[DATA_AT:DATA_AT + 1024])
        self.assertEqual(b"\xff\xfe\xff", flash[DATA_AT + 4095:DATA_AT + 4098])


class BoardFaults(unittest.TestCase):
    def test_the_board_resets_by_itself(self):
        with Board("--boot", "download", "--fault", "reset-at:download:500@once") as board:
            loader = board.loader()
            loader.begin(FLASH_BEGIN, len(BLOCK), 1, len(BLOCK), DATA_AT)
            loader.request(FLASH_DATA, struct.pack("<4I", len(BLOCK), 0, 0, 0) + BLOCK)
            self.assertIn(b"SPI_FAST_FLASH_BOOT", loader.text_until(b"BOOT)\r\n"))

    def test_late_replies_come_late_and_right(self):
        with Board("--boot", "download", "--fault", "late-reply:250") as board:
            loader = board.loader()
            before = time.monotonic()
            self.assertEqual(espboard.ESP32, loader.read_reg(espboard.MAGIC))
            self.assertGreaterEqual(time.monotonic() - before, 0.25)

    def test_every_md5_is_wrong(self):
        with Board("--boot", "download", "--fault", "bad-md5") as board:
            loader = board.loader()
            for _ in range(2):
                self.assertNotEqual("d41d8cd98f00b204e9800998ecf8427e", loader.md5(0, 0))

    def test_the_second_md5_is_wrong(self):
        with Board("--boot", "download", "--fault", "bad-md5:2") as board:
            loader = board.loader()
            right = [loader.md5(0, 0) == "d41d8cd98f00b204e9800998ecf8427e" for _ in range(3)]
            self.assertEqual([True, False, True], right)

    def test_garbage_is_all_that_a_board_sends(self):
        with Board("--boot", "download", "--fault", "garbage:download") as board:
            port = board.open()
            self.assertEqual(False, Loader(port, noisy=True).sync(0.5))
            self.assertNotIn(b"rst:", port.read_all())

    def test_garbage_on_one_port_leaves_the_other(self):
        with Board("--fault", "garbage:download", firmware="2.4") as board:
            self.assertIn(b"ready\r\n", board.open(board.at).read_until(b"ready\r\n"))

    def test_a_silent_board_says_nothing_on_any_port(self):
        with Board("--fault", "silent", firmware="2.4") as board:
            self.assertEqual(b"", board.open().read_all(0.3))
            self.assertEqual(b"", board.open(board.at).read_all(0.1))

    def test_a_silent_at_port_leaves_the_console(self):
        with Board("--fault", "silent:at", firmware="2.4") as board:
            self.assertIn(b"rst:0x1", board.open().read_until(b"entry"))
            self.assertEqual(b"", board.open(board.at).read_all(0.3))

    def test_wrong_boot_starts_the_firmware_whatever_the_strap_says(self):
        with Board("--fault", "wrong-boot") as board:
            text, answers = board.modem_client("tight", "text:0.3", "sync")[1:]
            self.assertIn(b"SPI_FAST_FLASH_BOOT", text)
            self.assertNotIn(b"waiting for download", text)
            self.assertEqual(b"0", answers)

    def test_tx_dead_prints_but_hears_nothing(self):
        with Board("--fault", "tx-dead") as board:
            text, answers = board.modem_client("tight", "text:0.3", "sync")[1:]
            self.assertIn(b"waiting for download", text)
            self.assertEqual(b"0", answers)

    def test_busy_refuses_the_next_commands(self):
        with Board("--fault", "busy:2", firmware="2.4") as board:
            at = board.open(board.at)
            at.read_until(b"ready\r\n")
            answers = []
            for _ in range(3):
                at.write(b"AT\r\n")
                answers.append(at.read_until(b"p...\r\n" if len(answers) < 2 else b"OK\r\n"))
            self.assertEqual([True, True, False], [b"busy p..." in a for a in answers])

    def test_a_stalled_command_never_ends(self):
        with Board("--fault", "at-stall:GMR", firmware="2.4") as board:
            at = board.open(board.at)
            at.read_until(b"ready\r\n")
            at.write(b"AT\r\n")
            at.read_until(b"OK\r\n")
            at.write(b"AT+GMR\r\n")
            self.assertNotIn(b"OK", at.read_all(0.3))


if __name__ == "__main__":
    unittest.main()
