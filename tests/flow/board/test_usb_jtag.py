"""The download port as the chip's own USB-Serial/JTAG: DTR and RTS are commands, speeds mean nothing, a reset takes the
port off the bus, and the watchdogs run on."""
import os
import struct
import time
import unittest

from espboard import Board, Loader

LOADER = b"waiting for download\r\n"
FLASH_BOOT = b"SPI_FAST_FLASH_BOOT"
CHIPS = ("esp32c3", "esp32c5", "esp32c6", "esp32c61", "esp32h2", "esp32s3")
NEWER = ("esp32c5", "esp32c6", "esp32c61", "esp32h2")
PORT_IN_USE = {"esp32c3": (0x3FCDF07C, 3), "esp32c5": (0x4085F514, 3), "esp32c6": (0x4087F580, 3),
               "esp32h2": (0x4084FEFC, 3), "esp32s3": (0x3FCEF14C, 4)}
INTO_LOADER = ("lines:0,0", "lines:1,0", "lines:1,1", "lines:0,1")
INTO_FLASH = ("lines:0,0", "lines:0,1")
WRITE_REG, FLASH_BEGIN, FLASH_DATA = 0x09, 0x02, 0x03
KEY, SWD_KEY, AUTO_FEED = 0x50D83AA1, 0x8F1D312A, 1 << 31
C3_CONFIG0, C3_CONFIG1, C3_PROTECT, C3_SWD, C3_SWD_PROTECT = 0x60008090, 0x60008094, 0x600080A8, 0x600080AC, 0x600080B0


def write_reg(loader, address, value):
    if loader.command(WRITE_REG, struct.pack("<4I", address, value, 0xFFFFFFFF, 0)).status[0]:
        raise AssertionError(f"writing {address:08x} was refused")


def stop_watchdog(loader):
    for address, value in ((C3_PROTECT, KEY), (C3_CONFIG0, 0), (C3_PROTECT, 0)):
        write_reg(loader, address, value)


def stop_super_watchdog(loader):
    for address, value in ((C3_SWD_PROTECT, SWD_KEY), (C3_SWD, AUTO_FEED), (C3_SWD_PROTECT, 0)):
        write_reg(loader, address, value)


class Lines(unittest.TestCase):
    def text(self, board, *steps):
        """What the chip says after a reset by these steps."""
        board.modem_client(*steps, "gone")
        return board.reopen().read_all(0.3)

    def test_a_flag_and_a_reset_lead_into_the_loader_on_every_chip_that_has_it(self):
        for chip in CHIPS:
            with self.subTest(chip), Board("--chip", chip, "--usb-jtag") as board:
                text = self.text(board, *INTO_LOADER)
                cause = b"USB_UART_HPSYS" if chip in NEWER else b"USB_UART_CHIP_RESET"
                self.assertIn(b"rst:0x15 (" + cause + b"),boot:", text)
                self.assertTrue(text.endswith(LOADER), text)
                self.assertTrue(Loader(board.open()).sync())

    def test_without_the_flag_a_reset_leads_into_the_firmware(self):
        with Board("--chip", "esp32c3", "--usb-jtag", "--boot", "download") as board:
            text = self.text(board, *INTO_FLASH)
            self.assertIn(b"rst:0x15 (USB_UART_CHIP_RESET),boot:0xc (" + FLASH_BOOT, text)

    def test_the_flag_is_cleared_by_both_lines_released(self):
        with Board("--chip", "esp32c3", "--usb-jtag") as board:
            text = self.text(board, "lines:1,0", *INTO_FLASH)
            self.assertIn(FLASH_BOOT, text)
            self.assertNotIn(LOADER, text)

    def test_without_rts_alone_nothing_is_reset(self):
        with Board("--chip", "esp32c3", "--usb-jtag", "--boot", "download") as board:
            steps = board.modem_client("lines:1,0", "lines:0,0", "lines:1,1", "lines:1,0", "lines:1,1", "sync")
            self.assertEqual(b"8", steps[-1])

    def test_the_flag_does_not_outlive_the_port(self):
        """A host that never came to clear it does not keep the chip in its loader."""
        with Board("--chip", "esp32c3", "--usb-jtag") as board:
            self.assertIn(LOADER, self.text(board, *INTO_LOADER))
            self.assertIn(FLASH_BOOT, self.text(board, "lines:0,1"))

    def test_the_tight_sequence_of_adapters_resets_into_the_firmware(self):
        """Its (0,1) comes before the flag is ever set."""
        with Board("--chip", "esp32c3", "--usb-jtag") as board:
            self.assertIn(FLASH_BOOT, self.text(board, "lines:0,0", "lines:1,1", "lines:0,1"))


class Port(unittest.TestCase):
    def test_it_comes_back_as_another_terminal_under_the_same_name(self):
        for held in (True, False):
            with self.subTest(held=held), Board("--chip", "esp32c3", "--usb-jtag") as board:
                before = os.path.realpath(board.download)
                if held:
                    board.open()
                board.modem_client(*INTO_FLASH, "gone")
                board.reopen()
                self.assertNotEqual(before, os.path.realpath(board.download))

    def test_it_is_gone_for_as_long_as_told(self):
        with Board("--chip", "esp32c3", "--usb-jtag", "--usb-gap", "400") as board:
            start = time.monotonic()
            board.modem_client(*INTO_FLASH, "gone")
            board.reopen()
            self.assertGreater(time.monotonic() - start, 0.4)

    def test_a_gap_of_nothing_keeps_it(self):
        with Board("--chip", "esp32c3", "--usb-jtag", "--usb-gap", "0") as board:
            before = os.path.realpath(board.download)
            steps = board.modem_client(*INTO_LOADER, "lines:0,0", "text:0.3", "sync")
            self.assertTrue(steps[-2].endswith(LOADER), steps[-2])
            self.assertEqual(b"8", steps[-1])
            self.assertEqual(before, os.path.realpath(board.download))

    def test_the_at_port_stays(self):
        with Board("--chip", "esp32c3", "--usb-jtag") as board:
            before = os.path.realpath(board.at)
            board.modem_client(*INTO_FLASH, "gone")
            self.assertEqual(before, os.path.realpath(board.at))

    def test_no_speed_is_wrong(self):
        with Board("--chip", "esp32c3", "--usb-jtag", "--boot", "download") as board:
            loader = board.loader()
            for baud in (9600, 74880, 921600, 3000000):
                loader.port.set_baud(baud)
                self.assertTrue(loader.sync())

    def test_the_loader_knows_which_port_it_talks_over(self):
        """Public tools read it to find out whether there are watchdogs to switch off."""
        for chip, (address, usb) in PORT_IN_USE.items():
            for option, expected in ((["--usb-jtag"], usb), ([], 0)):
                with self.subTest(chip, option=option), Board("--chip", chip, "--boot", "download", *option) as board:
                    self.assertEqual(expected, board.loader().read_reg(address))

    def test_a_change_of_speed_changes_nothing(self):
        with Board("--chip", "esp32c3", "--usb-jtag", "--boot", "download") as board:
            loader = board.loader()
            loader.command(0x0F, struct.pack("<2I", 921600, 0))
            self.assertTrue(loader.sync())

    def test_bytes_take_the_time_of_usb_not_of_the_speed(self):
        with Board("--chip", "esp32c3", "--usb-jtag", "--boot", "download", "--pace", "wire") as board:
            loader = board.loader()
            block = bytes(0x1000)
            start = time.monotonic()
            loader.command(FLASH_BEGIN, struct.pack("<5I", 0x10000, 16, len(block), 0x10000, 0))
            for seq in range(16):
                self.assertEqual(b"\0\0", loader.data(FLASH_DATA, seq, block).status)
            seconds = time.monotonic() - start
            self.assertGreater(seconds, 0x10000 * 1e-6)
            self.assertLess(seconds, 0x10000 * 10 / 115200)

    def test_power_takes_it_away_and_brings_it_back(self):
        with Board("--chip", "esp32c3", "--usb-jtag", firmware="none") as board:
            board.control("power off")
            self.assertFalse(os.path.lexists(board.download))
            board.control("power on")
            self.assertIn(b"rst:0x1 (POWERON)", board.open().read_until(b"BOOT)"))


class Watchdog(unittest.TestCase):
    BITES_MS = 600

    def enter(self, board):
        """A loader that was entered by USB."""
        board.modem_client(*INTO_LOADER, "gone")
        port = board.reopen()
        port.read_until(LOADER)
        loader = Loader(port)
        self.assertTrue(loader.sync())
        return loader

    def start(self, *args):
        board = Board("--chip", "esp32c3", "--usb-jtag", *args)
        board.start()
        self.addCleanup(board.stop)
        return board

    def test_it_resets_a_loader_that_was_left_alone(self):
        board = self.start("--watchdog", str(self.BITES_MS))
        self.assertTrue(self.enter(board).port.is_gone())
        self.assertIn(b"rst:0x10 (RTCWDT_RTC_RST),boot:0xc", board.reopen().read_until(b"BOOT)"))

    def test_both_must_be_switched_off(self):
        for stop, cause in ((stop_super_watchdog, b"0x10 (RTCWDT_RTC_RST)"), (stop_watchdog, b"0x12 (SUPER_WDT_RST)")):
            with self.subTest(stop.__name__):
                board = self.start("--watchdog", str(self.BITES_MS))
                loader = self.enter(board)
                stop(loader)
                self.assertTrue(loader.port.is_gone())
                self.assertIn(b"rst:" + cause, board.reopen().read_until(b"BOOT)"))

    def test_switched_off_they_stay_off(self):
        board = self.start("--watchdog", str(self.BITES_MS))
        loader = self.enter(board)
        stop_watchdog(loader)
        stop_super_watchdog(loader)
        self.assertEqual(b"", loader.port.read_some(2 * self.BITES_MS / 1000))
        self.assertTrue(loader.sync())

    def test_their_registers_are_locked(self):
        board = self.start("--watchdog", str(self.BITES_MS))
        loader = self.enter(board)
        write_reg(loader, C3_CONFIG0, 0)
        write_reg(loader, C3_SWD, AUTO_FEED)
        self.assertTrue(loader.port.is_gone())

    def test_it_never_bites_unless_told(self):
        board = self.start()
        loader = self.enter(board)
        self.assertEqual(b"", loader.port.read_some(1.0))
        self.assertTrue(loader.sync())

    def test_a_loader_entered_by_the_button_has_none(self):
        board = self.start("--watchdog", "200", "--boot", "download")
        loader = board.loader()
        self.assertEqual(b"", loader.port.read_some(0.6))
        self.assertTrue(loader.sync())

    def test_a_host_can_reset_the_chip_with_it(self):
        """Also where the port is an adapter's without an EN line."""
        with Board("--chip", "esp32c3", "--boot", "download") as board:
            loader = board.loader()
            for address, value in ((C3_PROTECT, KEY), (C3_CONFIG1, 2000), (C3_CONFIG0, 0xD0000102)):
                write_reg(loader, address, value)
            self.assertIn(b"rst:0x10 (RTCWDT_RTC_RST),boot:0xc", loader.text_until(b"BOOT)"))


if __name__ == "__main__":
    unittest.main()
