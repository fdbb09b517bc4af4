"""What can be done to a board while it runs, by lines on its standard input."""
import os
import subprocess
import tempfile
import unittest

import espboard
from espboard import Board, Loader

FLASH_BEGIN, FLASH_DATA = 0x02, 0x03
BLOCK = bytes(range(256)) * 4


def write_block(loader):
    loader.begin(FLASH_BEGIN, len(BLOCK), 1, len(BLOCK), 0x10000)
    return loader.data(FLASH_DATA, 0, BLOCK).status


class Ports(unittest.TestCase):
    def test_an_unplugged_port_is_gone_and_the_board_runs_on(self):
        with Board(firmware="2.4") as board:
            port, at = board.open(), board.open(board.at)
            at.read_until(b"ready\r\n")
            board.unplug("download")
            self.assertTrue(port.is_gone())
            self.assertFalse(os.path.lexists(board.download))
            at.write(b"AT\r\n")
            self.assertIn(b"\r\nOK\r\n", at.read_until(b"OK\r\n"))

    def test_a_port_that_was_plugged_in_again_is_another_terminal(self):
        for held in (True, False):
            with self.subTest(held=held), Board("--boot", "download") as board:
                before = os.path.realpath(board.download)
                if held:
                    board.open()
                board.unplug()
                board.plug()
                self.assertNotEqual(before, os.path.realpath(board.download))
                self.assertTrue(Loader(board.open()).sync())

    def test_the_modem_lines_work_on_the_port_that_came_back(self):
        with Board() as board:
            board.unplug()
            board.plug()
            text, answers = board.modem_client("tight", "text:0.3", "sync")[1:]
            self.assertIn(b"waiting for download", text)
            self.assertEqual(b"8", answers)

    def test_pulling_the_adapter_lets_go_of_reset(self):
        with Board() as board:
            board.modem_client("lines:0,1")
            board.unplug()
            board.plug()
            self.assertIn(b"invalid header", board.open().read_until(b"invalid header"))

    def start_firmware_unread(self):
        """What the AT port says when the loader's answers pile up and the port then goes. What the
        host has written may not have reached the board by then."""
        with Board("--boot", "download", firmware="2.4") as board:
            loader, at = board.loader(), board.open(board.at)
            sync, run = b"\0\x08\0\0\0\0\0\0", b"\0\x04\x04\0\0\0\0\0\x01\0\0\0"
            loader.port.write(espboard.slip(sync) * 300 + espboard.slip(run))
            board.unplug()
            return at.read_until(b"ready\r\n", 2.0)

    def test_answers_that_nobody_reads_and_then_nobody_can_hold_nothing_up(self):
        tries = 6
        self.assertTrue(any(b"ready" in self.start_firmware_unread() for _ in range(tries)))

    def test_twice_is_as_good_as_once(self):
        with Board() as board:
            for command in ("unplug at", "unplug at", "plug at", "plug at", "plug download"):
                self.assertEqual("ok", board.tell(command))

    def test_a_port_that_hung_up_by_a_fault_can_be_plugged_in(self):
        with Board("--boot", "download", "--fault", "hangup:download:20@once") as board:
            port = board.open()
            port.write(bytes(20))
            self.assertTrue(port.is_gone())
            board.plug()
            self.assertTrue(Loader(board.open()).sync())

    def test_its_line_file_goes_with_it(self):
        with Board() as board:
            board.unplug("at")
            self.assertEqual(1, len(os.listdir(board.environment["PTYMODEM_DIR"])))
            board.plug("at")
            self.assertEqual(2, len(os.listdir(board.environment["PTYMODEM_DIR"])))


class Power(unittest.TestCase):
    def test_without_power_it_is_silent_and_starts_anew_with_it(self):
        with Board("--boot", "download") as board:
            loader = board.loader()
            board.control("power off")
            self.assertFalse(loader.sync(0.3))
            board.control("power on")
            self.assertIn(b"rst:0x1 (POWERON_RESET)", loader.text_until(b"))\r\n"))
            self.assertTrue(loader.sync())

    def test_no_line_starts_a_board_without_power(self):
        with Board() as board:
            board.control("power off")
            self.assertEqual([b"", b"0"], board.modem_client("tight", "text:0.3", "sync")[1:])

    def test_power_that_is_there_is_no_reset(self):
        with Board("--boot", "download") as board:
            loader = board.loader()
            board.control("power on")
            self.assertTrue(loader.sync())


class Faults(unittest.TestCase):
    def test_a_fault_can_come_and_go(self):
        with Board("--boot", "download") as board:
            loader = board.loader()
            self.assertEqual(b"\0\0", write_block(loader))
            board.fault("bad-md5")
            self.assertNotEqual("d41d8cd98f00b204e9800998ecf8427e", loader.md5(0, 0))
            board.clear_faults()
            self.assertEqual("d41d8cd98f00b204e9800998ecf8427e", loader.md5(0, 0))

    def test_those_of_the_command_line_go_too(self):
        with Board("--boot", "download", "--fault", "tx-dead") as board:
            board.clear_faults()
            self.assertTrue(board.loader().sync())

    def test_what_is_not_understood_is_said(self):
        with Board() as board:
            for line, words in (("fault explode", "not understood"), ("fault", "not understood"), ("", "unplug, plug"),
                                ("unplug usb", "download and at"), ("plug", "download and at"), ("power", "power on"),
                                ("dance", "unplug, plug"), ("x" * 300, "too long")):
                with self.subTest(line):
                    self.assertRegex(board.tell(line), f"^error .*{words}")
                    if len(line) > 256:
                        self.assertRegex(board.process.stdout.readline(), "^error")  # to the rest of it
            self.assertEqual("ok", board.tell("nofault"))


class Input(unittest.TestCase):
    def test_its_end_is_not_the_boards(self):
        with Board("--boot", "download") as board:
            board.process.stdin.close()
            self.assertTrue(board.loader().sync())

    def test_a_board_that_nobody_controls_does_not_look_at_it(self):
        board = Board()
        board.command.remove("--control")
        with board:
            board.process.stdin.write("power off\n")
            board.process.stdin.flush()
            self.assertIn(b"invalid header", board.open().read_until(b"invalid header"))

    def test_an_input_that_never_changes_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([os.path.join(espboard.BIN_DIR, "espboard"), "--flash", f"{folder}/f", "--download",
                                   f"{folder}/d", "--control"], stdin=subprocess.DEVNULL, capture_output=True,
                                  text=True, timeout=30, check=False)
            self.assertEqual(1, done.returncode)
            self.assertIn("--control: standard input: Operation not permitted", done.stderr)
            self.assertEqual(["f"], os.listdir(folder))


if __name__ == "__main__":
    unittest.main()
