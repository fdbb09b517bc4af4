"""espboard as a program: its command line, its links, its transcript, how it ends."""
import json
import os
import select
import signal
import subprocess
import tempfile
import unittest

import espboard
import test_replay
from espboard import Board


def run(*args, env=None):
    return subprocess.run([os.path.join(espboard.BIN_DIR, "espboard"), *args], timeout=30,
                          capture_output=True, text=True, env=env)


class CommandLine(unittest.TestCase):
    def test_help_names_every_option(self):
        done = run("--help")
        self.assertEqual(0, done.returncode)
        for option in ("chip", "firmware", "flash", "flash-size", "download", "at", "boot", "mac",
                       "crystal", "secure", "pace", "wifi", "fault", "transcript", "usb-jtag",
                       "usb-gap", "watchdog", "control"):
            self.assertIn(f"--{option} ", done.stdout)

    def test_what_is_wrong_is_said_and_nothing_is_made(self):
        with tempfile.TemporaryDirectory() as folder:
            flash, link = os.path.join(folder, "f"), os.path.join(folder, "d")
            good = ("--flash", flash, "--download", link)
            for args, words in (
                    ((), "--flash and --download are needed"),
                    (("--flash", flash), "--flash and --download are needed"),
                    ((*good, "--chip", "esp99"), "--chip esp99: esp32"),
                    ((*good, "--firmware", "1.1"), "on an esp32: none, 4.1, 3.4, 2.4, 2.0"),
                    ((*good, "--module", "MINI-9"), "--module MINI-9: not one of this chip"),
                    ((*good, "--firmware", "2.4", "--chip", "esp32c6"), "on an esp32c6: none, 4.1\n"),
                    ((*good, "--chip", "esp32s2", "--firmware", "2.4"), "on an esp32s2: none, 3.4, 2.2, 2.1"),
                    ((*good, "--pace", "fast"), "off, wire or full"),
                    ((*good, "--boot", "usb"), "download or flash"),
                    ((*good, "--mac", "24:0a:c4"), "24:0a:c4:12:34:56"),
                    ((*good, "--flash-size", "3MB"), "2MB, 4MB, 8MB or 16MB"),
                    ((*good, "--flash-size", "4"), "2MB, 4MB, 8MB or 16MB"),
                    ((*good, "--crystal", "26"), "--crystal 26: this chip is not sold with it"),
                    ((*good, "--crystal", "quartz"), "megahertz"),
                    ((*good, "--crystal", "296"), "megahertz"),
                    ((*good, "--secure", "locked"), "boot, encryption, download or no-download"),
                    ((*good, "--secure", "boot,"), "boot, encryption, download or no-download"),
                    ((*good, "--secure", "download"), "esp32: this chip has no secure download"),
                    ((*good, "--mac", "24:0a:c4:12:34:56:78"), "24:0a:c4:12:34:56"),
                    ((*good, "--wifi", "x" * 33), "SSID[:PASSWORD]"),
                    ((*good, "--wifi", ":secret"), "SSID[:PASSWORD]"),
                    ((*good, "--fault", "drop-byte:at"), "not understood"),
                    ((*good, "--fault", "drop-byte:at:0"), "not understood"),
                    ((*good, "--fault", "drop-byte:at:5:6"), "not understood"),
                    ((*good, "--fault", "wrong-boot@twice"), "not understood"),
                    ((*good, "--fault", "explode"), "not understood"),
                    ((*good, "--fault", "drop-byte:uart0:5"), "not understood"),
                    ((*good, "--fault", "drop-every:at:0"), "not understood"),
                    ((*good, "--fault", "noise-above"), "not understood"),
                    ((*good, "--fault", "deaf-above:at"), "not understood"),
                    ((*good, "--fault", "worn"), "not understood"),
                    ((*good, "--fault", "worn:0x"), "not understood"),
                    ((*good, "--fault", "flash-dead:1"), "not understood"),
                    ((*good, "--fault", "garbage:console"), "not understood"),
                    ((*good, "--fault", "silent:"), "not understood"),
                    ((*good, "--fault", "late-reply:soon"), "not understood"),
                    ((*good, *["--wifi", "x"] * 9), "at most 8"),
                    ((*good, "--wifi", "x:" + "p" * 65), "SSID[:PASSWORD]"),
                    ((*good, "--mac", "24:0a:c4:12:34:5g"), "24:0a:c4:12:34:56"),
                    ((*good, "--usb-jtag"), "--usb-jtag esp32: this chip has no USB-Serial/JTAG"),
                    ((*good, "--usb-gap", "soon"), "--usb-gap soon: milliseconds"),
                    ((*good, "--watchdog", "-1"), "--watchdog -1: milliseconds"),
                    (("--flash",), "requires an argument"),
                    ((*good, "surplus"), "what is surplus?"),
                    ((*good, "--colour"), "colour")):
                with self.subTest(args=args[4:]):
                    done = run(*args)
                    self.assertEqual(2, done.returncode)
                    self.assertIn(words, done.stderr)
                    self.assertEqual([], os.listdir(folder))

    def test_a_flash_file_of_an_odd_size_is_refused(self):
        with tempfile.NamedTemporaryFile() as flash:
            flash.write(b"x" * 5000)
            flash.flush()
            done = run("--flash", flash.name, "--download", flash.name + ".link")
            self.assertEqual(1, done.returncode)
            self.assertIn("1, 2, 4, 8 or 16 MiB", done.stderr)

    def test_a_link_never_replaces_a_file(self):
        with tempfile.TemporaryDirectory() as folder:
            precious = os.path.join(folder, "precious")
            open(precious, "w", encoding="utf-8").close()
            done = run("--flash", os.path.join(folder, "f"), "--download", precious)
            self.assertEqual(1, done.returncode)
            self.assertIn("File exists", done.stderr)
            self.assertTrue(os.path.isfile(precious))

    def test_a_link_into_a_folder_that_is_not_there_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            done = run("--flash", os.path.join(folder, "f"), "--download", folder + "/no/link")
            self.assertEqual(1, done.returncode)
            self.assertIn("/no/link: No such file or directory", done.stderr)

    def test_two_boards_cannot_have_the_same_link(self):
        with Board() as board:
            for option in ("--download", "--at"):
                with self.subTest(option):
                    other = ["--download", board.download + "2", "--at", board.at + "2"]
                    other[other.index(option) + 1] = board.at
                    done = run("--flash", board.flash_path + "2", *other, env=board.environment)
                    self.assertEqual(1, done.returncode)
                    self.assertIn("in use by another board", done.stderr)
            self.assertEqual(["ttyAT", "ttyDOWNLOAD"],
                             sorted(n for n in os.listdir(board.folder) if n.startswith("tty")))
            self.assertIn(b"invalid header", board.open().read_until(b"header"))

    def test_the_link_of_a_board_that_was_killed_is_free(self):
        killed = Board()
        try:
            killed.start()
            killed.process.kill()
            killed.process.wait()
            killed.process.stdout.close()
            killed.start()
            self.assertIn(b"rst:0x1", killed.open().read_until(b"BOOT)"))
        finally:
            killed.stop()

    def test_two_boards_cannot_share_a_flash_chip(self):
        with Board() as board:
            done = run("--flash", board.flash_path, "--download", board.download + "2")
            self.assertEqual(1, done.returncode)
            self.assertIn("in use by another board", done.stderr)


class Life(unittest.TestCase):
    def test_sigint_ends_it_like_sigterm(self):
        with Board() as board:
            board.process.send_signal(signal.SIGINT)
            self.assertEqual(0, board.process.wait(espboard.PATIENCE))
            self.assertFalse(os.path.lexists(board.download))

    def test_the_clients_see_a_hang_up_when_it_ends(self):
        with Board() as board:
            port = board.open()
            board.process.send_signal(signal.SIGTERM)
            board.process.wait(espboard.PATIENCE)
            poll = select.poll()
            poll.register(port.fd, 0)
            events = poll.poll(espboard.PATIENCE * 1000)
            self.assertTrue(events and events[0][1] & select.POLLHUP)

    def test_a_stale_link_is_replaced(self):
        board = Board()
        os.symlink("/nowhere", board.download)
        with board:
            self.assertTrue(os.path.realpath(board.download).startswith("/dev/pts/"))

    def test_an_empty_chip_complains_and_its_watchdog_restarts_it(self):
        with Board() as board:
            text = board.open().read_until(b"RTCWDT")
            self.assertIn(b"invalid header: 0xffffffff\r\n", text)
            self.assertNotIn(b"waiting for download", text)

    def test_without_an_at_link_the_firmware_runs_all_the_same(self):
        with Board(firmware="2.4", at=False) as board:
            self.assertIn(b"rst:0x1", board.open().read_until(b"entry"))

    def test_the_same_link_puts_at_commands_on_uart0(self):
        board = Board(firmware="2.4", at=False)
        board.command += ["--at", board.download]
        with board:
            port = board.open()
            port.read_until(b"ready\r\n")
            port.write(b"AT\r\n")
            self.assertIn(b"\r\nOK\r\n", port.read_until(b"OK\r\n"))

    def test_the_firmware_restarts_when_it_asks_for_it(self):
        with Board(firmware="2.4") as board:
            at = board.open(board.at)
            at.read_until(b"ready\r\n")
            at.write(b"AT+RST\r\n")
            at.read_until(b"OK\r\n")
            self.assertIn(b"ready\r\n", at.read_until(b"ready\r\n"))
            self.assertIn(b"rst:0xc (SW_CPU_RESET)", board.open().read_until(b"SW_CPU_RESET)"))

    def test_the_loader_can_hand_over_to_the_firmware(self):
        with Board("--boot", "download", firmware="2.4") as board:
            loader = board.loader()
            loader.command(0x04, (1).to_bytes(4, "little"))
            at = board.open(board.at)
            self.assertIn(b"ready\r\n", at.read_until(b"ready\r\n"))

    def test_the_mac_is_in_the_efuses(self):
        with Board("--boot", "download", "--mac", "AA:bb:cc:01:02:03") as board:
            loader = board.loader()
            self.assertEqual(0xCC010203, loader.read_reg(0x3FF5A004))
            self.assertEqual(0xAABB, loader.read_reg(0x3FF5A008) & 0xFFFF)

    def test_the_transcript_is_whole(self):
        with Board("--boot", "download") as board:
            loader = board.loader()
            board.process.send_signal(signal.SIGTERM)
            board.process.wait(espboard.PATIENCE)
            with open(board.transcript, encoding="utf-8") as f:
                lines = [json.loads(line) for line in f]
            self.assertIn("meta", lines[0])
            host = b"".join(bytes.fromhex(x["hex"]) for x in lines[1:] if x.get("dir") == "host")
            sent = b"".join(bytes.fromhex(x["hex"]) for x in lines[1:] if x.get("dir") == "board")
            self.assertEqual(espboard.slip(b"\0\x08\x24\0\0\0\0\0" + espboard.SYNC_BODY), host)
            self.assertTrue(sent.startswith(b"ets Jul 29 2019"))
            self.assertEqual(8, sent.count(bytes.fromhex("c00108040007071220")))
            self.assertEqual({"download"}, {x["port"] for x in lines[1:]})
            self.assertEqual(b"", loader.buffer)

    def test_the_transcript_can_be_replayed_as_a_recording(self):
        with Board("--boot", "download") as board:
            loader = board.loader()
            loader.attach()
            for baud in (921600, 115200):
                loader.command(0x0F, baud.to_bytes(4, "little") + bytes(4))
                loader.frame(0.1)
                loader.port.set_baud(baud)
                loader.buffer = b""
                loader.md5(0, 4096)
            board.process.send_signal(signal.SIGTERM)
            board.process.wait(espboard.PATIENCE)
            recording = test_replay.spans(board.transcript)
            self.assertEqual([921600, 115200], [speed for _, _, speed in recording if speed])
            with Board("--boot", "download") as other:
                port = other.open()
                for host, expected, speed in recording:
                    if speed:
                        port.set_baud(speed)
                    port.write(host)
                    self.assertEqual(expected.hex(), port.read(len(expected)).hex())


if __name__ == "__main__":
    unittest.main()
