"""Every chip of the family: what public tools tell it by, and that writing works in its own form."""
import functools
import hashlib
import random
import struct
import unittest
import zlib

from espboard import Board, CHIPS, LATER, Loader, MAGIC

BEGIN, DATA, DEFL_BEGIN, DEFL_DATA = 0x02, 0x03, 0x10, 0x11
MEM_BEGIN, MEM_END, MEM_DATA = 0x05, 0x06, 0x07
WRITE_REG, CHANGE_BAUD, SECURITY_INFO = 0x09, 0x0F, 0x14
OK, FORMAT = b"\x00\x00", b"\x01\x05"
AT, CHIP, SECTOR, WINDOW, BLOCK = 0x100000, 4 << 20, 4096, 32768, 1024
USED = random.Random(8).randbytes(CHIP)
MAC = "02:00:5e:10:20:30"


def text(n):
    return bytes(random.Random(n).choices(b"0123456789abcdef\n", k=n))


def words(*values):
    return struct.pack("<%dI" % len(values), *values)


def on_each(names=CHIPS, flash=None):
    """The test runs with the name, a board and its loader, for each chip in turn."""
    def decorate(test):
        @functools.wraps(test)
        def run(self):
            for name in names:
                with self.subTest(chip=name), Board("--boot", "download", "--chip", name, "--mac",
                                                    MAC, flash=flash) as board:
                    test(self, name, board, board.loader())
        return run
    return decorate


class Detection(unittest.TestCase):
    @on_each()
    def test_the_word_in_the_rom_and_the_mac(self, name, board, loader):
        above = {"esp32": 0x0096, "esp32c2": 0x0050}
        above.update({chip: 0xFFFE for chip in ("esp32c5", "esp32c6", "esp32h2")})
        self.assertEqual(board.chip.magic, loader.read_reg(MAGIC))
        self.assertEqual(0x5E102030, loader.read_reg(board.chip.mac))
        high = loader.read_reg(board.chip.mac + 4)
        self.assertEqual(0x0200, high & 0xFFFF)
        self.assertEqual(above.get(name, 0), high >> 16)

    @on_each(LATER)
    def test_what_the_chip_says_of_its_security(self, name, board, loader):
        reply = loader.command(SECURITY_INFO)
        self.assertEqual((SECURITY_INFO, OK), (reply.op, reply.status))
        plain = bytes(11) + b"\x0c"  # no flag, no encryption, what seven keys are for
        if name == "esp32s2":
            self.assertEqual(plain, reply.payload)
        else:
            api = 3 if name == "esp32c3" else 0
            self.assertEqual(plain + words(board.chip.id, api), reply.payload)

    @on_each(["esp32"])
    def test_an_esp32_does_not_know_the_question(self, _name, _board, loader):
        loader.read_reg(MAGIC)
        reply = loader.command(SECURITY_INFO)
        self.assertEqual((0x0A, b"", FORMAT), (reply.op, reply.payload, reply.status))

    @on_each(LATER)
    def test_the_revision_is_that_of_a_chip_one_can_buy(self, name, board, loader):
        def field(word, shift, bits):
            return word >> shift & (1 << bits) - 1

        # Fields as public tools read them, from the words behind the MAC: (major, minor).
        read = {
            "esp32s2": lambda w: (field(w[3], 18, 2), field(w[3], 20, 1) * 8 + field(w[4], 4, 3)),
            "esp32s3": lambda w: (field(w[5], 24, 2), field(w[5], 23, 1) * 8 + field(w[3], 18, 3)),
            "esp32c2": lambda w: (field(w[1], 20, 2), field(w[1], 16, 4)),
            "esp32c3": lambda w: (field(w[5], 24, 2), field(w[5], 23, 1) * 8 + field(w[3], 18, 3)),
            "esp32c5": lambda w: (field(w[2], 4, 2), field(w[2], 0, 4)),
            "esp32c6": lambda w: (field(w[3], 22, 2), field(w[3], 18, 4)),
            "esp32c61": lambda w: (field(w[2], 4, 2), field(w[2], 0, 4)),
            "esp32h2": lambda w: (field(w[3], 21, 2), field(w[3], 18, 3)),
        }
        revisions = {"esp32s2": (1, 0), "esp32s3": (0, 2), "esp32c2": (1, 0), "esp32c3": (0, 3),
                     "esp32c5": (1, 0), "esp32c6": (0, 1), "esp32c61": (1, 0), "esp32h2": (0, 1)}
        fuses = [loader.read_reg(board.chip.mac + 4 * n) for n in range(6)]
        self.assertEqual(revisions[name], read[name](fuses))

    @on_each()
    def test_the_divider_gives_the_crystal_away(self, _name, board, loader):
        divider = loader.read_reg(board.chip.clkdiv) & 0xFFFFF
        self.assertAlmostEqual(board.chip.crystal, 115200 * divider / 1e6, delta=0.2)

    @on_each()
    def test_the_flash_controller_reads_the_id(self, _name, board, loader):
        base, usr2, w0 = board.chip.spi
        for address, value in ((base + usr2, 0x7000009F), (base, 1 << 18)):
            loader.command(WRITE_REG, words(address, value, 0xFFFFFFFF, 0))
        self.assertEqual(0, loader.read_reg(base) & 1 << 18)
        self.assertEqual(0x1640C8, loader.read_reg(base + w0))


class Crystal(unittest.TestCase):
    def test_a_c2_with_26_mhz_prints_slower_and_needs_to_be_asked_for_more(self):
        with Board("--boot", "download", "--chip", "esp32c2", "--crystal", "26") as board:
            port = board.open()
            self.assertNotIn(b"ESP-ROM", port.read_all(0.2))
            loader = Loader(port, words=5, noisy=True)
            self.assertTrue(loader.sync())
            divider = loader.read_reg(board.chip.clkdiv)
            self.assertAlmostEqual(26, 115200 * divider / 1e6, delta=0.2)
            for asked, right in ((460800, False), (460800 * 40 // 26, True)):
                loader.command(CHANGE_BAUD, words(asked, 0))
                loader.text_until(b"\xc0\xc0")
                port.set_baud(460800 if right else 460800 * 26 // 40)
                loader.buffer = b""
                self.assertEqual(board.chip.magic, loader.read_reg(MAGIC))
            self.assertAlmostEqual(26, 460800 * loader.read_reg(board.chip.clkdiv) / 1e6, delta=0.5)

    def test_its_boot_text_is_readable_at_74880(self):
        with Board("--chip", "esp32c2", "--crystal", "26") as board:
            port = board.open()
            port.set_baud(74880)
            self.assertIn(b"invalid header: 0xffffffff\r\n", port.read_until(b"RTCWDT"))

    def test_a_c2_does_not_find_slow_speeds(self):
        for chip, found in (("esp32c2", False), ("esp32c3", True)):
            with self.subTest(chip=chip), Board("--boot", "download", "--chip", chip) as board:
                port = board.open()
                port.read_until(b"download\r\n")
                port.set_baud(57600)
                self.assertEqual(found, Loader(port, noisy=True).sync(0.3))

    def test_a_c5_says_which_crystal_it_counts_on(self):
        for mhz in (48, 40):
            with Board("--boot", "download", "--chip", "esp32c5", "--crystal", str(mhz)) as board:
                loader = board.loader()
                self.assertEqual(mhz, loader.read_reg(0x60096110) >> 24)
                divider = loader.read_reg(board.chip.clkdiv)
                self.assertAlmostEqual(mhz, 115200 * divider / 1e6, delta=0.2)


class Memory(unittest.TestCase):
    @on_each()
    def test_where_a_stub_goes_is_ram(self, _name, board, loader):
        code = text(0x1800)
        loader.begin(MEM_BEGIN, len(code), 1, len(code), board.chip.ram)
        self.assertEqual(OK, loader.data(MEM_DATA, 0, code).status)
        self.assertEqual(OK, loader.command(MEM_END, words(1, 0)).status)
        self.assertEqual(code[-4:], words(loader.read_reg(board.chip.ram + len(code) - 4)))
        loader.command(WRITE_REG, words(MAGIC, 0, 0xFFFFFFFF, 0))
        self.assertEqual(board.chip.magic, loader.read_reg(MAGIC), "ROM can be written")

    @on_each()
    def test_loading_what_is_no_ram_kills_the_loader(self, _name, _board, loader):
        loader.begin(MEM_BEGIN, 16, 1, 16, MAGIC)
        loader.request(MEM_DATA, words(16, 0, 0, 0) + bytes(16), 0xEF)
        loader.noisy = True
        self.assertIsNone(loader.reply(0.2))
        self.assertFalse(loader.sync(0.1))


class Writing(unittest.TestCase):
    def expected(self, image):
        rest = -(-len(image) // SECTOR) * SECTOR
        return USED[:AT] + image + b"\xff" * (rest - len(image)) + USED[AT + rest:]

    @on_each(flash=USED)
    def test_begin_of_the_other_length_is_refused(self, _name, board, loader):
        for op in (BEGIN, DEFL_BEGIN):
            for n in (3, 4, 5, 6):
                body = words(SECTOR, 1, BLOCK, AT, 0, 0)[:4 * n]
                loader.read_reg(MAGIC)  # clears the error that the status keeps
                good = n == board.chip.words
                self.assertEqual(OK if good else FORMAT, loader.command(op, body).status)

    @on_each(flash=USED)
    def test_raw(self, _name, board, loader):
        image = text(5 * BLOCK + 12)
        loader.attach()
        loader.begin(BEGIN, len(image), 6, BLOCK, AT)
        for n in range(6):
            piece = image[n * BLOCK:(n + 1) * BLOCK]
            self.assertEqual(OK, loader.data(DATA, n, piece).status)
        self.assertTrue(self.expected(image) == board.flash())
        self.assertEqual(hashlib.md5(image).hexdigest(), loader.md5(AT, len(image)))

    @on_each(flash=USED)
    def test_whole_windows_deflated_without_an_end(self, _name, board, loader):
        image = text(2 * WINDOW)
        z = zlib.compressobj(9)
        stream = z.compress(image) + z.flush(zlib.Z_SYNC_FLUSH)
        pieces = [stream[i:i + BLOCK] for i in range(0, len(stream), BLOCK)]
        loader.attach()
        loader.begin(DEFL_BEGIN, len(image), len(pieces) + 1, BLOCK, AT)
        for n, piece in enumerate(pieces):
            self.assertEqual(OK, loader.data(DEFL_DATA, n, piece).status)
        self.assertTrue(self.expected(image) == board.flash())
        self.assertEqual(hashlib.md5(image).hexdigest(), loader.md5(AT, len(image)))

    @on_each(flash=USED)
    def test_only_the_esp32_destroys_what_stands_behind_an_ended_stream(self, name, board, loader):
        image = text(5000)
        stream = zlib.compress(image, 9)
        pieces = [stream[i:i + BLOCK] for i in range(0, len(stream), BLOCK)]
        loader.attach()
        loader.begin(DEFL_BEGIN, len(image), len(pieces), BLOCK, AT)
        for n, piece in enumerate(pieces):
            self.assertEqual(OK, loader.data(DEFL_DATA, n, piece).status)
        self.assertEqual(name != "esp32", self.expected(image) == board.flash())


class BootText(unittest.TestCase):
    def test_how_a_module_comes_up(self):
        loader = {
            "esp32": b"boot:0x3 (DOWNLOAD_BOOT(UART0/UART1/SDIO_REI_REO_V2))",
            "esp32s2": b"boot:0x0 (DOWNLOAD(USB/UART0/1/SPI))",
            "esp32s3": b"boot:0x0 (DOWNLOAD(USB/UART0))",
            "esp32c2": b"boot:0x4 (DOWNLOAD(UART0))",
            "esp32c3": b"boot:0x4 (DOWNLOAD(USB/UART0/1))",
            "esp32c5": b"boot:0x10 (DOWNLOAD(USB/UART0))",
            "esp32c6": b"boot:0x4 (DOWNLOAD(USB/UART0/SDIO_FEI_FEO))",
            "esp32c61": b"boot:0x4 (DOWNLOAD(USB/UART0))",
            "esp32h2": b"boot:0x4 (DOWNLOAD(USB/UART0))",
        }
        for name in CHIPS:
            with self.subTest(chip=name), Board("--chip", name) as board:
                steps = board.modem_client("tight", "text:0.2", "sync", "hard", "text:0.2")
                self.assertTrue(steps[1].endswith(loader[name] + b"\r\nwaiting for download\r\n"),
                                steps[1])
                self.assertIn(b"rst:0x1 (POWERON", steps[1])
                self.assertEqual(b"8", steps[2])
                self.assertIn(b"(SPI_FAST_FLASH_BOOT)\r\ninvalid header: 0xffffffff\r\n", steps[4])
                if name != "esp32":
                    self.assertIn(b"ESP-ROM:", steps[4])
                    self.assertIn(b"\r\nBuild:", steps[4])


if __name__ == "__main__":
    unittest.main()
