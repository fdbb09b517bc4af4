"""Boards whose fuses are burnt: what registers and GET_SECURITY_INFO say, what secure download mode
leaves, and what starts."""
import random
import struct
import unittest
import zlib

from espboard import Board, CHIPS, LATER, MAGIC

BEGIN, DATA, DEFL_BEGIN = 0x02, 0x03, 0x10
SYNC, PARAMS, ATTACH, SECURITY_INFO, BAUD = 0x08, 0x0B, 0x0D, 0x14, 0x0F
OK, FORMAT, REFUSED = b"\x00\x00", b"\x01\x05", b"\x01\x06"
QUIET = 0.3
# Secure boot (register, bit) and flash encryption (register, mask of the count).
LATER_FUSES = {"esp32s2": 0x3F41A000, "esp32s3": 0x60007000, "esp32c3": 0x60008800,
               "esp32c6": 0x600B0800, "esp32h2": 0x600B0800}
FUSES = {name: ((base + 0x38, 1 << 20), (base + 0x34, 7 << 18))
         for name, base in LATER_FUSES.items()}
FUSES.update({
    "esp32": ((0x3FF5A018, 1 << 5), (0x3FF5A000, 0x7F << 20)),
    "esp32c2": ((0x60008830, 1 << 21), (0x60008830, 7 << 7)),
    "esp32c5": ((0x600B4838, 1 << 25), (0x600B4834, 7 << 16)),
    "esp32c61": ((0x600B4834, 1 << 26), (0x600B4830, 7 << 23)),
})


def words(*values):
    return struct.pack("<%dI" % len(values), *values)


class Fuses(unittest.TestCase):
    def read(self, name, *options):
        with Board("--boot", "download", "--chip", name, *options) as board:
            loader = board.loader()
            boot, count = ((loader.read_reg(at) & mask) // (mask & -mask)
                           for at, mask in FUSES[name])
            info = loader.command(SECURITY_INFO).payload
            return boot, count, info

    def test_registers_and_security_info(self):
        flags = {"boot": 1, "encryption": 0, "boot,encryption": 1}
        for name in CHIPS:
            for state, flag in flags.items():
                with self.subTest(chip=name, state=state):
                    boot, count, info = self.read(name, "--secure", state)
                    self.assertEqual("boot" in state, boot == 1)
                    self.assertEqual("encryption" in state, count == 1)
                    if name == "esp32":
                        continue
                    purposes = [4 if "encryption" in state else 0, 0, 9 if "boot" in state else 0]
                    self.assertEqual(words(flag) + bytes([count, *purposes, 0, 0, 0, 12]),
                                     info[:12])

    def test_a_new_chip_has_none_burnt(self):
        for name in CHIPS:
            with self.subTest(chip=name):
                self.assertEqual((0, 0), self.read(name)[:2])


class SecureDownload(unittest.TestCase):
    def start(self, name, states="download"):
        board = self.enterContext(Board("--boot", "download", "--chip", name, "--secure", states))
        return board, board.loader()

    def test_its_flag_is_told(self):
        for name in LATER:
            with self.subTest(chip=name):
                _, loader = self.start(name, "boot,encryption,download")
                info = loader.command(SECURITY_INFO).payload
                self.assertEqual((5, 1), struct.unpack_from("<IB", info))

    def test_raw_writing_is_left(self):
        image = bytes(random.Random(1).choices(b"0123456789abcdef\n", k=1024))
        for name in LATER:
            with self.subTest(chip=name):
                board, loader = self.start(name)
                self.assertEqual(REFUSED, loader.begin(BEGIN, 4096, 1, 1024, 0x200000).status)
                loader.attach()
                self.assertEqual(0, loader.begin(BEGIN, 4096, 1, 1024, 0x200000).status[0])
                self.assertEqual(0, loader.data(DATA, 0, image).status[0])
                self.assertEqual(image, board.flash()[0x200000:0x200400])
                loader.command(BAUD, words(460800, 0))
                loader.text_until(b"\xc0\xc0")
                loader.port.set_baud(460800)
                loader.buffer = b""
                self.assertEqual(0, loader.parameters().status[0])

    def test_all_else_is_refused_as_an_unknown_command(self):
        for name in LATER:
            with self.subTest(chip=name):
                _, loader = self.start(name)
                loader.attach()
                for op, body in ((0x0A, words(MAGIC)), (0x09, words(MAGIC, 0, 0, 0)),
                                 (0x05, words(4, 1, 4, CHIPS[name].ram)), (0x06, words(1, 0)),
                                 (0x07, words(4, 0, 0, 0) + b"1234"), (0x0E, words(0, 64)),
                                 (DEFL_BEGIN, words(4096, 1, 1024, 0, 0)),
                                 (0x11, words(8, 0, 0, 0) + zlib.compress(b"")), (0x12, words(1)),
                                 (0x13, words(0, 4, 0, 0)), (0xD0, b"")):
                    reply = loader.command(op, body)
                    self.assertEqual((PARAMS, b"", FORMAT), (reply.op, reply.payload, reply.status))
                self.assertTrue(loader.sync())


class Encryption(unittest.TestCase):
    """What starts, by the lines, after a write at the bootloader's place."""
    IMAGE = b"\xe9\x03\x02\x20" + bytes(range(252))

    def boot_text(self, name, encrypt, *options):
        with Board("--boot", "download", "--chip", name, *options) as board:
            loader = board.loader()
            at = CHIPS[name].bootloader
            loader.begin(BEGIN, 4096, 1, 1024, at, encrypt=encrypt)
            self.assertEqual(OK, loader.data(DATA, 0, self.IMAGE).status)
            stored = board.flash()[at:at + len(self.IMAGE)]
            self.assertEqual(not encrypt, stored == self.IMAGE)
            loader.port.close()
            return board.modem_client("hard", "text:0.2")[1]

    def test_plain_text_does_not_start_on_an_encrypted_chip(self):
        for name in CHIPS:
            with self.subTest(chip=name):
                text = self.boot_text(name, 0, "--secure", "encryption")
                self.assertIn(b"invalid header: 0x", text)
                self.assertNotIn(b"0x200203e9", text)

    def test_it_starts_on_a_plain_one_and_encrypted_on_an_encrypted_one(self):
        for name, encrypt, options in (("esp32", 0, ()), ("esp32c3", 0, ()),
                                       ("esp32c3", 1, ("--secure", "encryption"))):
            with self.subTest(chip=name, encrypt=encrypt):
                text = self.boot_text(name, encrypt, *options)
                self.assertIn(b"(SPI_FAST_FLASH_BOOT)\r\n", text)
                self.assertNotIn(b"invalid header", text)

    def test_stock_firmware_is_plain(self):
        with Board("--secure", "encryption", firmware="2.4") as board:
            self.assertIn(b"invalid header", board.open().read_until(b"invalid header"))
            self.assertEqual(b"", board.open(board.at).read_all(QUIET))


class NoDownload(unittest.TestCase):
    def test_an_esp32_starts_its_firmware_whatever_the_strap_says(self):
        with Board("--secure", "no-download", firmware="2.4") as board:
            _, text, answers = board.modem_client("tight", "text:0.3", "sync")
            self.assertIn(b"(SPI_FAST_FLASH_BOOT)", text)
            self.assertNotIn(b"DOWNLOAD", text)
            self.assertEqual(b"0", answers)
            at = board.open(board.at)
            at.write(b"AT\r\n")
            self.assertIn(b"\r\nOK\r\n", at.read_until(b"OK\r\n"))

    def test_the_later_chips_say_why_and_start_again(self):
        for name in LATER:
            with self.subTest(chip=name), Board("--boot", "download", "--chip", name, "--secure",
                                                "no-download") as board:
                port = board.open()
                first = port.read_until(b"disabled\r\n")
                self.assertIn(b"DOWNLOAD", first)
                self.assertTrue(first.endswith(b"\r\nDownload boot modes disabled\r\n"), first)
                if name == "esp32c3":
                    again = port.read_until(b"disabled\r\n")
                    self.assertIn(b"rst:0x3 (RTC_SW_SYS_RST),boot:0x4 (DOWNLOAD", again)


if __name__ == "__main__":
    unittest.main()
