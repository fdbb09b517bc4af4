"""The line itself: speeds that match and do not, bytes at their real pace, times of the chip."""
import time
import unittest

import espboard
from espboard import Board, Loader

BITS = 10  # a byte on the wire


def timed(action):
    before = time.monotonic()
    action()
    return time.monotonic() - before


class Speed(unittest.TestCase):
    def change_baud(self, loader, baud):
        loader.command(0x0F, baud.to_bytes(4, "little") + bytes(4))
        loader.frame(0.05)
        loader.buffer = b""

    def test_the_loader_takes_over_the_speed_of_the_first_sync(self):
        with Board("--boot", "download") as board:
            port = board.open()
            port.read_until(b"))\r\n")
            port.set_baud(57600)
            self.assertTrue(Loader(port).sync())

    def test_a_speed_that_autobaud_cannot_find_gets_no_sensible_answer(self):
        with Board("--boot", "download") as board:
            port = board.open()
            port.read_until(b"))\r\n")
            port.set_baud(921600)
            self.assertFalse(Loader(port, noisy=True).sync(0.3))

    def test_after_a_change_of_speed_only_the_new_one_works(self):
        with Board("--boot", "download") as board:
            loader = board.loader()
            self.change_baud(loader, 921600)
            loader.request(0x0A, espboard.MAGIC.to_bytes(4, "little"))
            self.assertNotIn(espboard.ESP32.to_bytes(4, "little"), loader.port.read_all(0.2))
            loader.port.set_baud(921600)
            loader.port.write(b"\xc0")  # ends whatever the noise had begun
            loader.port.read_all(0.05)
            self.assertEqual(espboard.ESP32, loader.read_reg(espboard.MAGIC))

    def test_a_host_may_write_at_once_after_it_changed_its_speed(self):
        with Board("--boot", "download") as board:
            loader = board.loader()
            for baud in (921600, 460800, 115200) * 100:
                loader.command(0x0F, baud.to_bytes(4, "little") + bytes(4))
                loader.text_until(b"\xc0\xc0")
                loader.port.set_baud(baud)
                reply = loader.command(0x0A, espboard.MAGIC.to_bytes(4, "little"), seconds=2)
                self.assertIsNotNone(reply, "the board did not see the new speed")

    def test_two_per_cent_off_is_close_enough_and_four_is_not(self):
        for baud, good in ((117500, True), (119900, False)):
            with self.subTest(baud=baud), Board("--boot", "download") as board:
                loader = board.loader()
                loader.port.set_baud(baud)
                loader.noisy = not good
                self.assertEqual(good, loader.sync(0.3))

    def test_the_boot_text_is_noise_at_another_speed(self):
        with Board(firmware="2.4") as board:
            console, at = board.open(), board.open(board.at)
            at.read_until(b"ready\r\n")
            self.assertIn(b"rst:0x1", console.read_all())
            console.set_baud(74880)
            at.write(b"AT+RST\r\n")
            at.read_until(b"ready\r\n")
            noise = console.read_all()
            self.assertGreater(len(noise), 500)
            self.assertNotIn(b"rst:", noise)


class Pace(unittest.TestCase):
    """A paced board is never early, and on a machine that is not overloaded not late either: of a
    few tries the best one must be within the tolerance."""
    TRIES = 30

    def within(self, seconds, tolerance, action):
        taken = []
        while len(taken) < self.TRIES and (not taken or min(taken) > seconds * (1 + tolerance)):
            taken.append(timed(action))
        self.assertGreaterEqual(min(taken), seconds * 0.99)
        self.assertLessEqual(min(taken), seconds * (1 + tolerance))

    def test_bytes_take_their_time_both_ways(self):
        with Board("--boot", "download", "--pace", "wire") as board:
            loader = board.loader()
            there = 4 * 46 * BITS / 115200  # four SYNCs, then 32 answers of 14 bytes
            back = 32 * 14 * BITS / 115200

            def syncs():
                loader.port.write(espboard.slip(b"\0\x08\x24\0\0\0\0\0" + espboard.SYNC_BODY) * 4)
                self.assertEqual(32 * 14, len(loader.port.read(32 * 14)))
            # Answers to the first SYNC leave while the others arrive.
            self.within(there / 4 + back, 0.03, syncs)

    def test_a_large_block_takes_wire_time(self):
        with Board("--boot", "download", "--pace", "wire") as board:
            loader = board.loader()
            body = bytes(0x1800)
            loader.begin(0x05, len(body), 1, len(body), 0x3FFB0000)
            wire = (2 + 8 + 16 + len(body) + 14) * BITS / 115200

            def write():
                loader.begin(0x05, len(body), 1, len(body), 0x3FFB0000)
                loader.data(0x07, 0, body)
            begin = (26 + 14) * BITS / 115200
            self.within(wire + begin, 0.02, write)

    def test_erasing_and_programming_take_time_on_a_fully_paced_board(self):
        with Board("--boot", "download", "--pace", "full") as board:
            loader = board.loader()
            erase = timed(lambda: loader.begin(0x02, 0x2000, 1, 1024, 0))
            self.assertGreaterEqual(erase, 2 * 0.045)
            write = timed(lambda: loader.data(0x03, 0, bytes(range(256)) * 4))
            self.assertGreaterEqual(write, 4 * 0.0005 + 1050 * BITS / 115200)

    def test_an_unpaced_board_answers_at_once(self):
        with Board("--boot", "download") as board:
            loader = board.loader()
            self.assertLess(min(timed(loader.sync) for _ in range(self.TRIES)),
                            46 * BITS / 115200)


class Closing(unittest.TestCase):
    def test_a_port_may_be_closed_in_the_middle_of_an_answer_and_opened_again(self):
        for pace in ("off", "wire"):
            with self.subTest(pace=pace), Board("--boot", "download", "--pace", pace) as board:
                loader = board.loader()
                for _ in range(3):
                    loader.port.write(Queues.READ * 3 + Queues.READ[:5])  # and half a command
                    loader.port.read(7)
                    loader.port.close()
                    loader = Loader(board.open(), noisy=True)
                    loader.port.write(b"\xc0\xc0")
                    loader.port.read_all(0.2)
                    self.assertTrue(loader.sync())


class Queues(unittest.TestCase):
    READ = espboard.slip(b"\0\x0e\x08\0\0\0\0\0" + bytes(4) + b"\x40\0\0\0")
    ANSWER = 2 + 8 + 64 + 4

    def test_nothing_is_lost_when_the_host_reads_late(self):
        with Board("--boot", "download") as board:
            loader = board.loader()
            loader.port.write(self.READ * 1000)
            self.assertEqual(1000 * self.ANSWER, len(loader.port.read(1000 * self.ANSWER)))

    def test_nothing_is_lost_when_the_host_writes_faster_than_the_wire(self):
        with Board("--boot", "download", "--pace", "wire") as board:
            loader = board.loader()
            loader.command(0x0F, (3000000).to_bytes(4, "little") + bytes(4))
            loader.frame(0.05)
            loader.port.set_baud(3000000)
            loader.buffer = b""
            loader.port.write(b"\x5a" * 60000 + self.READ)
            self.assertEqual(self.ANSWER, len(loader.port.read(self.ANSWER)))


if __name__ == "__main__":
    unittest.main()
