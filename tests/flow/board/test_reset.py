"""DTR and RTS through the preloaded shim: the reset sequences of public tools, by pyserial and by
libserialport, and what the circuit does with each combination."""
import unittest

import espboard

LOADER = b"waiting for download\r\n"
FLASH_BOOT = b"SPI_FAST_FLASH_BOOT"
GOOD = b"waiting for download, 8 answers"
TRIES = 5


class Reset(unittest.TestCase):
    def test_tight_sequence_enters_the_loader(self):
        with espboard.Board() as board:
            _, text, answers = board.modem_client("tight", "text:0.3", "sync")
            self.assertIn(b"boot:0x3 (DOWNLOAD_BOOT(UART0/UART1/SDIO_REI_REO_V2))\r\n" + LOADER,
                          text)
            self.assertEqual(b"8", answers)

    def test_classic_sequence_enters_the_loader(self):
        """Its two calls must fall into the millisecond that EN takes to rise: a busy machine may
        need more than one try, as with a real adapter."""
        with espboard.Board() as board:
            for _ in range(TRIES):
                _, text, answers = board.modem_client("classic", "text:0.3", "sync")
                if text.endswith(LOADER):
                    break
            self.assertTrue(text.endswith(LOADER), text)
            self.assertEqual(b"8", answers)

    def test_hard_reset_leaves_the_loader_for_the_firmware(self):
        with espboard.Board("--boot", "download", firmware="2.4") as board:
            _, text = board.modem_client("hard", "text:0.5")
            self.assertIn(FLASH_BOOT, text)
            self.assertNotIn(LOADER, text)
            at = board.open(board.at)
            at.read_until(b"ready\r\n")
            at.write(b"AT\r\n")
            self.assertIn(b"\r\nOK\r\n", at.read_until(b"OK\r\n"))

    def test_an_adapter_that_was_just_opened_has_both_lines_asserted_and_resets_nothing(self):
        with espboard.Board("--boot", "download") as board:
            state, answers = board.modem_client("state", "sync")
            self.assertEqual(b"1111", state)
            self.assertEqual(b"8", answers)

    def test_both_lines_released_or_both_asserted_reset_nothing(self):
        with espboard.Board("--boot", "download") as board:
            _, _, _, answers = board.modem_client("lines:0,0", "lines:1,1", "lines:0,0", "sync")
            self.assertEqual(b"8", answers)

    def test_en_low_holds_the_chip_in_reset(self):
        with espboard.Board("--boot", "download") as board:
            steps = board.modem_client("lines:0,1", "sync", "lines:0,0", "text:0.3")
            self.assertEqual(b"0", steps[1])
            self.assertIn(FLASH_BOOT, steps[3])

    def test_io0_is_sampled_a_millisecond_after_en_rises_and_not_later(self):
        with espboard.Board() as board:
            steps = board.modem_client("lines:0,1", "wait:0.05", "lines:0,0", "wait:0.05",
                                       "lines:1,0", "text:0.3")
            self.assertNotIn(LOADER, steps[-1])

    def test_a_reset_reaches_a_board_that_still_has_much_to_receive(self):
        with espboard.Board("--boot", "download", "--pace", "wire") as board:
            taken, _, text, answers = board.modem_client("flood:16000", "tight", "text:0.3", "sync")
            self.assertGreater(int(taken), 10000)  # more than a second on the wire
            self.assertTrue(text.endswith(LOADER), text)
            self.assertEqual(b"8", answers)

    def test_libserialport_opens_the_port_and_resets_the_board(self):
        with espboard.Board() as board:
            results = []
            while GOOD not in results and len(results) < TRIES:
                results += board.modem_client("libserialport")
            self.assertIn(GOOD, results)

    def test_the_at_port_has_no_reset_lines(self):
        with espboard.Board("--boot", "download") as board:
            board.modem_client("hard", port=board.at)
            self.assertTrue(board.loader().sync())


if __name__ == "__main__":
    unittest.main()
