"""From power-on to "ready", or to the words with which ROM and bootloader say why not: what the flash holds decides. Each
chip's stock contents, and each way to leave them half-written."""
import collections
import hashlib
import os
import struct
import time
import types
import unittest

import firmware_files
from simboard import Board, DATA, PATIENCE

Stock = collections.namedtuple("Stock", "chip firmware version id bootloader app primary user user_at module gmr")
STOCK = (
    Stock("esp32", "2.0", "v2.0.0.0", 0, 0x1000, 0x100000, "5fda49ec", "aa8b7218", 0x20000, "WROOM-32", "2.0.0.0"),
    Stock("esp32", "2.4", "v2.4.0.0", 0, 0x1000, 0x100000, "5fda49ec", "aa8b7218", 0x20000, "WROOM-32", "ESP32 "),
    Stock("esp32", "3.4", "v3.4.0.0", 0, 0x1000, 0x100000, "5fda49ec", "ec67f82d", 0x20000, "WROOM-32", "ESP32 "),
    Stock("esp32", "4.1", "v4.1.0.0", 0, 0x1000, 0x100000, "5fda49ec", "ec67f82d", 0x20000, "WROOM-32", "v4.1.0.0"),
    Stock("esp32", "4.1", "v4.1.0.0", 0, 0x1000, 0x100000, "5fda49ec", "ec67f82d", 0x20000, "PICO-D4", "v4.1.0.0"),
    Stock("esp32s2", "2.1", "v2.1.0.0", 2, 0x1000, 0x100000, "5fda49ec", "bc2419ef", 0x20000, "MINI", "ESP32S2"),
    Stock("esp32s2", "2.2", "v2.2.0.0", 2, 0x1000, 0x100000, "5fda49ec", "bc2419ef", 0x20000, "MINI", "ESP32S2"),
    Stock("esp32s2", "3.4", "v3.4.0.0", 2, 0x1000, 0x100000, "5fda49ec", "ec67f82d", 0x20000, "MINI", "ESP32S2"),
    Stock("esp32c3", "2.4", "v2.4.0.0", 5, 0, 0x60000, "374c60f4", "0c77a925", 0x1E000, "MINI-1", "ESP32C3"),
    Stock("esp32c3", "3.2", "v3.2.0.0", 5, 0, 0x60000, "374c60f4", "d5f20a2b", 0x1E000, "MINI-1", "ESP32C3"),
    Stock("esp32c3", "4.1", "v4.1.0.0", 5, 0, 0x60000, "374c60f4", "d5f20a2b", 0x1E000, "MINI-1", "ESP32C3"),
    Stock("esp32c2", "3.0", "v3.0.0.0", 12, 0, 0x60000, "374c60f4", "1b0ff538", 0x1E000, "ESP32C2-4MB", "ESP32C2"),
    Stock("esp32c2", "3.0", "v3.0.0.0", 12, 0, 0xD0000, "4240c301", "f257765c", 0x1A000, "ESP32C2-2MB", "ESP32C2"),
    Stock("esp32c2", "3.4", "v3.4.0.0", 12, 0, 0x60000, "374c60f4", "d5f20a2b", 0x1E000, "ESP32C2-4MB", "ESP32C2"),
    Stock("esp32c2", "4.1", "v4.1.0.0", 12, 0, 0xD0000, "4240c301", "49a4fd81", 0x1A000, "ESP32C2-2MB", "ESP32C2"),
    Stock("esp32c6", "4.1", "v4.1.1.0", 13, 0, 0x60000, "374c60f4", "d5f20a2b", 0x1E000, "ESP32C6-4MB", "ESP32C6"),
    Stock("esp32c5", "5.0", "v5.0.0.0", 23, 0x2000, 0xA0000, "cb443930", "93295e61", 0x30000, "ESP32C5-4MB", "ESP32C5"),
    Stock("esp32c61", "5.0", "v5.0.0.0", 20, 0, 0xA0000, "cb443930", "93295e61", 0x30000, "ESP32C61-4MB", "ESP32C61"),
)


def stock_of(chip, firmware):
    return next(s for s in STOCK if (s.chip, s.firmware) == (chip, firmware))


ESP32, C3 = stock_of("esp32", "2.4"), stock_of("esp32c3", "2.4")
TABLE, TABLE_BYTES = 0x8000, 3072
NOT_BOOTABLE = b"boot: No bootable app partitions in the partition table\r\n"


def table_at(stock):
    return 0xC000 if stock.chip in ("esp32c5", "esp32c61") else TABLE


def credentials_of(stock):
    """What keeps them, in the second table."""
    return b'"mfg_nvs"' if stock.firmware > "3.0" else b'"mqtt_cert"'


def golden(name):
    with open(os.path.join(DATA, "partition_table", "out", name), "rb") as f:
        return f.read()


def image(data):
    """(chip id, bytes, whether checksum and SHA-256 are right) of the image at the start of data."""
    segments, chip = data[1], struct.unpack_from("<H", data, 12)[0]
    at, check = 24, 0xEF
    for _ in range(segments):
        (n,) = struct.unpack_from("<I", data, at + 4)
        for byte in data[at + 8:at + 8 + n]:
            check ^= byte
        at += 8 + n
    at = at // 16 * 16 + 16
    good = data[0] == 0xE9 and data[at - 1] == check and data[23] == 1
    return chip, at + 32, good and hashlib.sha256(data[:at]).digest() == data[at:at + 32]


class Boots(unittest.TestCase):
    maxDiff = None

    def start(self, stock, **options):
        board = Board(chip=stock.chip, firmware=stock.firmware, options=("--module", stock.module), **options)
        self.addCleanup(board.stop)
        return board

    def test_every_release_boots_from_what_its_flash_holds(self):
        for stock in STOCK:
            with self.subTest(stock.chip + " " + stock.firmware):
                board = self.start(stock)
                board.boot()
                gmr = board.command("AT+GMR").decode()
                self.assertIn(stock.gmr, gmr)
                self.assertIn(f"({stock.module})", gmr)
                self.assertIn(credentials_of(stock), board.command("AT+SYSFLASH?"))

    def test_stock_tables_are_those_of_the_release(self):
        for stock in STOCK:
            with self.subTest(stock.chip + " " + stock.firmware):
                board = self.start(stock)
                self.assertEqual(golden(f"primary_{stock.primary}.nomd5.bin"), board.flash_bytes(table_at(stock), TABLE_BYTES))
                self.assertEqual(golden(f"customize_{stock.user}.bin"),
                                 board.flash_bytes(stock.user_at, TABLE_BYTES))

    def test_stock_images_are_whole_and_say_whose_they_are(self):
        for stock in STOCK:
            with self.subTest(stock.chip + " " + stock.firmware):
                board = self.start(stock)
                for at in (stock.bootloader, stock.app):
                    chip, _, good = image(board.flash_bytes(at, 4096))
                    self.assertEqual((stock.id, True), (chip, good), hex(at))
                magic, version, project = struct.unpack("<I12x32s32s", board.flash_bytes(stock.app + 32, 80))
                self.assertEqual((0xABCD5432, stock.version, "esp-at"),
                                 (magic, version.rstrip(b"\0").decode(), project.rstrip(b"\0").decode()))

    def test_the_newest_release_is_what_a_chip_comes_with(self):
        for chip, firmware in (("esp32", "4.1"), ("esp32s2", "3.4"), ("esp32c3", "4.1"), ("esp32c2", "4.1"),
                               ("esp32c6", "4.1"), ("esp32c5", "5.0"), ("esp32c61", "5.0")):
            stock = stock_of(chip, firmware)
            with self.subTest(stock.chip):
                board = Board(chip=stock.chip, firmware="none")
                self.addCleanup(board.stop)
                board.power_off()
                os.unlink(board.flash)
                at = board.line.index("--firmware")
                del board.line[at:at + 2]
                board.power_on().boot()
                self.assertIn(stock.version.encode(), board.command("AT+GMR"))

    def test_a_release_made_elsewhere_boots(self):
        for name in firmware_files.RELEASES:
            chip, _, _, version, _, _, module = firmware_files.RELEASES[name]
            stock = next(s for s in STOCK if s.chip == chip and version.startswith(s.firmware))._replace(module=module)
            with self.subTest(name):
                board = self.start(stock)
                board.power_off()
                with open(board.flash, "wb") as f:
                    f.write(firmware_files.esp_at(name, 64 * 1024).factory())
                board.power_on().boot()
                self.assertIn(f"({module})".encode(), board.command("AT+GMR"))
                self.assertIn(credentials_of(stock), board.command("AT+SYSFLASH?"))

    def test_an_image_decides_the_release_not_the_option(self):
        board = self.start(ESP32)
        board.power_off()
        board.line[board.line.index("--firmware") + 1] = "2.0"
        board.power_on().boot()
        self.assertIn(b"AT version:2.4.0.0", board.command("AT+GMR"))


class Fails(unittest.TestCase):
    maxDiff = None

    def damaged(self, stock, *changes):
        """A board whose flash was changed without power: (address, bytes)."""
        board = Board(chip=stock.chip, firmware=stock.firmware)
        self.addCleanup(board.stop)
        board.power_off()
        with open(board.flash, "r+b") as f:
            for at, data in changes:
                f.seek(at)
                f.write(data)
        return board.power_on()

    def says(self, board, *lines):
        """The console says all of them, in this order, and the AT port nothing."""
        end = time.monotonic() + PATIENCE
        at = 0
        for line in lines:
            while line not in board.log.seen[at:] and time.monotonic() < end:
                board.log.pump(0.2)
            self.assertIn(line, board.log.seen[at:])
            at = board.log.seen.index(line, at) + len(line)
        self.assertEqual(b"", board.quiet(0.2))

    # ---- the ROM's words ----

    def test_no_bootloader(self):
        for stock in (ESP32, C3):
            with self.subTest(stock.chip):
                self.says(self.damaged(stock, (stock.bootloader, b"\xff" * 4096)), b"invalid header: 0xffffffff\r\n",
                          b"rst:0x10 (RTCWDT_RTC_R")

    def test_a_bootloader_with_a_wrong_byte(self):
        """The checksum finds it: both ROMs give up, and their watchdog starts them again."""
        for stock, line in ((ESP32, 384), (C3, 333)):
            with self.subTest(stock.chip):
                self.says(self.damaged(stock, (stock.bootloader + 40, b"\x55")), b"mode:DIO, clock div:2\r\nload:0x3f",
                          b"\r\ncsum err:0x", b"\r\nets_main.c %d \r\n" % line, b"rst:0x10 (RTCWDT_RTC_R", b"csum err")

    def test_any_chips_rom_loads_what_no_one_here_runs(self):
        for name in ("esp32", "esp32s3", "esp32c5", "esp32h2"):
            chip, stock = firmware_files.CHIPS[name], types.SimpleNamespace(chip=name, firmware="none")
            whole = firmware_files.bootloader(chip, size=0x1000)
            entry = b"entry 0x%08x\r\n" % struct.unpack_from("<I", whole, 4)
            with self.subTest(name):
                board = self.damaged(stock, (chip.bootloader_at, whole))
                self.says(board, b"mode:DIO, clock div:", b"\r\nload:0x", entry)
                self.assertTrue(board.log.seen.endswith(entry))
            with self.subTest(name, damaged=True):
                self.says(self.damaged(stock, (chip.bootloader_at, whole[:40] + b"\x55" + whole[41:])),
                          b"\r\ncsum err:0x", b"rst:0x10 (", b"csum err")

    def test_a_bootloader_whose_hash_alone_is_wrong(self):
        """Later ROMs say so and go on, the ESP32 does not look."""
        for stock in (ESP32, C3):
            with self.subTest(stock.chip):
                board = self.damaged(stock)
                before = board.flash_bytes(stock.bootloader, 4096)
                at = stock.bootloader + image(before)[1] - 1
                board.stop()
                board = self.damaged(stock, (at, bytes([before[at - stock.bootloader] ^ 1])))
                board.wait_for(b"\r\nready\r\n")
                board.log.pump(0.2)
                text = b"SHA-256 comparison failed:\r\nCalculated: "
                self.assertEqual(stock is C3, text in board.log.seen)
                self.assertEqual(stock is C3, b"\r\nAttempting to boot anyway...\r\nentry 0x" in board.log.seen)

    def test_a_bootloader_of_another_chip(self):
        """To the ROM it is code for addresses that are not there."""
        board = self.damaged(C3, (C3.bootloader + 12, b"\x00"))
        self.says(board, b"\r\nInvalid image block, can't boot.\r\nets_main.c 333 \r\n", b"rst:0x10 (RTCWDT_RTC_RST)")
        self.says(self.damaged(ESP32, (ESP32.bootloader + 12, b"\x05")), b"\r\nload:0x3fff0030,len:256\r\nets Jul 29",
                  b"rst:0x10 (RTCWDT_RTC_RESET)")

    def test_a_bootloader_cut_off(self):
        """A segment that runs past the end of the flash."""
        board = self.damaged(C3, (C3.bootloader + 28, b"\xff\xff\xff\x00"))
        self.says(board, b",len:0xffffff\r\n", b"Invalid image block, can't boot.\r\n")

    # ---- the bootloader's words ----

    def test_an_erased_table(self):
        """An empty one, to a bootloader that asks for no MD5 in it."""
        for stock in STOCK:
            with self.subTest(stock.chip + " " + stock.firmware):
                told = () if stock.gmr == "v4.1.0.0" else (b"boot: End of partition table",)  # that build is silent
                self.says(self.damaged(stock, (table_at(stock), b"\xff" * 4096)), *told, NOT_BOOTABLE[:-2])

    def test_a_table_half_written(self):
        for at, data, line in ((TABLE + 32, b"\0" * 32, b"flash_parts: partition 1 invalid magic number 0x0\r\n"),
                               (TABLE + 4, b"\0\0\0\x10", b"flash_parts: partition 0 invalid - offset 0x10000000 size "
                                b"0x2000 exceeds flash chip size 0x400000\r\n")):
            with self.subTest(line):
                self.says(self.damaged(C3, (at, data)), line, b"boot: Failed to verify partition table\r\n",
                          b"boot: load partition table error!\r\n")

    def test_a_table_with_an_md5(self):
        whole = golden("primary_374c60f4.bin")
        self.damaged(C3, (TABLE, whole)).wait_for(b"\r\nready\r\n")
        wrong = bytearray(whole)
        wrong[13] ^= 1  # of a name
        self.says(self.damaged(C3, (TABLE, bytes(wrong))), b"flash_parts: Incorrect MD5 checksum\r\n",
                  b"boot: Failed to verify partition table\r\n")

    def test_no_application(self):
        for stock in (ESP32, C3):
            with self.subTest(stock.chip):
                self.says(self.damaged(stock, (stock.app, b"\xff" * 4096)),
                          b"esp_image: image at 0x%x has invalid magic byte\r\n" % stock.app,
                          b"boot_comm: mismatch chip ID, expected %d, found 65535\r\n" % stock.id,
                          b"boot: OTA app partition slot 0 is not bootable\r\n",
                          b"boot: OTA app partition slot 1 is not bootable\r\n", NOT_BOOTABLE)

    def test_an_application_of_another_chip(self):
        self.says(self.damaged(C3, (C3.app + 12, b"\x00")), b"boot_comm: mismatch chip ID, expected 5, found 0\r\n",
                  b"boot: OTA app partition slot 0 is not bootable\r\n", NOT_BOOTABLE)

    def test_an_application_with_a_wrong_byte(self):
        self.says(self.damaged(C3, (C3.app + 200, b"\x55")), b"esp_image: Checksum failed. Calculated 0x",
                  b"boot: OTA app partition slot 0 is not bootable\r\n", NOT_BOOTABLE)

    def test_an_application_whose_hash_alone_is_wrong(self):
        """Two bytes that the checksum does not see."""
        self.says(self.damaged(C3, (C3.app + 200, b"\x55\x55")), b"esp_image: Image hash failed - image is corrupt\r\n",
                  b"boot: OTA app partition slot 0 is not bootable\r\n", NOT_BOOTABLE)

    def test_an_application_cut_off(self):
        for length, line in ((0x1000000, b"esp_image: invalid segment length 0x1000000\r\n"),
                             (0x200000, b"doesn't fit in partition length 1900544\r\n")):
            with self.subTest(line):
                self.says(self.damaged(C3, (C3.app + 28, struct.pack("<I", length))), line, NOT_BOOTABLE)

    def test_the_second_slot_is_tried(self):
        board = Board(chip="esp32c3")
        self.addCleanup(board.stop)
        app = board.flash_bytes(C3.app, 4096)
        other = self.damaged(C3, (C3.app, b"\xff" * 4096), (0x230000, app))
        other.wait_for(b"\r\nready\r\n")
        other.log.pump(0.2)
        self.assertIn(b"boot: Loaded app from partition at offset 0x230000\r\n", other.log.seen)


if __name__ == "__main__":
    unittest.main()
