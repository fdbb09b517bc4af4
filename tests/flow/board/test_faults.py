"""Every fault that a board can be told to have, seen from the host."""
import os
import select
import struct
import subprocess
import time
import unittest

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
