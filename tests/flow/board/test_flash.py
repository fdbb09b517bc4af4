"""What writing does to the flash chip, judged by the flash file: NOR programming, sectors, and what
the ROM's deflate leaves behind an image."""
import hashlib
import os
import random
import unittest
import zlib

import espboard
from espboard import Board

FLASH_BEGIN, FLASH_DATA = 0x02, 0x03
DEFL_BEGIN, DEFL_DATA = 0x10, 0x11
WINDOW, SECTOR, BLOCK = 32768, 4096, 1024
CHIP = 4 << 20
USED = random.Random(2).randbytes(CHIP)  # a chip that has been in use
OK = b"\x00\x00"


def text(n):
    return bytes(random.Random(n).choices(b"0123456789abcdef\n", k=n))


def write_deflated(loader, address, stream, blocks, size):
    """Statuses of all data blocks."""
    loader.begin(DEFL_BEGIN, size, blocks, BLOCK, address)
    pieces = [stream[i:i + BLOCK] for i in range(0, len(stream), BLOCK)]
    return [loader.data(DEFL_DATA, n, piece).status for n, piece in enumerate(pieces)]


class Nor(unittest.TestCase):
    def test_begin_erases_whole_sectors_and_no_more(self):
        with Board("--boot", "download", flash=USED) as board:
            loader = board.loader()
            loader.attach()
            loader.begin(FLASH_BEGIN, SECTOR + 1, 2, SECTOR, 0x20000)
            expected = bytearray(USED)
            expected[0x20000:0x22000] = b"\xff" * 0x2000
            self.assertTrue(expected == board.flash())

    def test_programming_only_clears_bits(self):
        with Board("--boot", "download", flash=USED) as board:
            loader = board.loader()
            loader.attach()
            loader.begin(FLASH_BEGIN, 0, 1, BLOCK, 0x20000)
            data = random.Random(3).randbytes(BLOCK)
            self.assertEqual(b"\x01\x08", loader.data(FLASH_DATA, 0, data).status)
            both = bytes(a & b for a, b in zip(USED[0x20000:], data))
            self.assertEqual(both, board.flash()[0x20000:0x20000 + BLOCK])

    def test_a_raw_image_leaves_its_neighbours_alone(self):
        with Board("--boot", "download", flash=USED) as board:
            loader = board.loader()
            loader.attach()
            image = text(1232)
            loader.begin(FLASH_BEGIN, 0x2000, 1, 0x1000, 0x37000)
            self.assertEqual(OK, loader.data(FLASH_DATA, 0, image).status)
            expected = bytearray(USED)
            expected[0x37000:0x39000] = image + b"\xff" * (0x2000 - len(image))
            self.assertTrue(expected == board.flash())

    def test_a_block_that_was_refused_shifts_what_follows(self):
        with Board("--boot", "download") as board:
            loader = board.loader()
            image = text(3 * BLOCK)
            blocks = [image[i:i + BLOCK] for i in range(0, len(image), BLOCK)]
            loader.begin(FLASH_BEGIN, len(image), 3, BLOCK, 0)
            loader.data(FLASH_DATA, 0, blocks[0])
            lost = loader.command(FLASH_DATA, (BLOCK).to_bytes(4, "little") + b"\x01" + bytes(11) +
                                  blocks[1], 0x100)
            self.assertEqual(b"\x01\x07", lost.status)
            self.assertEqual(b"\x01\x05", loader.data(FLASH_DATA, 1, blocks[1]).status)
            self.assertEqual(0, loader.data(FLASH_DATA, 2, blocks[2]).status[0])
            self.assertEqual(blocks[0] + blocks[2], board.flash()[:2 * BLOCK])

    def test_a_chip_said_to_be_larger_than_it_is_wraps(self):
        with Board("--boot", "download", flash=USED) as board:
            loader = board.loader()
            loader.attach(16 << 20)
            loader.begin(FLASH_BEGIN, SECTOR, 1, BLOCK, CHIP + 0x5000)
            self.assertEqual(b"\xff" * SECTOR, board.flash()[0x5000:0x6000])


class Deflate(unittest.TestCase):
    def overrun(self, n):
        """Deflates n bytes with an ended stream; returns what the chip held then and before."""
        image = text(n)
        with Board("--boot", "download", flash=USED) as board:
            loader = board.loader()
            loader.attach()
            stream = zlib.compress(image, 9)
            size = (n + SECTOR - 1) // SECTOR * SECTOR
            statuses = write_deflated(loader, 0x100000, stream, -(-len(stream) // BLOCK), size)
            self.assertEqual({OK}, set(statuses))
            self.assertEqual(hashlib.md5(image).hexdigest(), loader.md5(0x100000, n))
            return board.flash()

    def test_an_ended_stream_destroys_what_follows_though_all_answers_are_good(self):
        for n, windows in ((1, 1), (1232, 1), (WINDOW - 1, 1), (WINDOW, 2), (100000, 4)):
            with self.subTest(n=n):
                flash = self.overrun(n)
                end = 0x100000 + windows * WINDOW
                self.assertTrue(USED[:0x100000] == flash[:0x100000])
                self.assertNotEqual(USED[end - 64:end], flash[end - 64:end])
                self.assertTrue(USED[end:] == flash[end:])

    def test_whole_windows_without_an_end_write_exactly_themselves(self):
        for windows in (1, 4):
            with self.subTest(windows=windows):
                image = text(windows * WINDOW)
                with Board("--boot", "download", flash=USED) as board:
                    loader = board.loader()
                    loader.attach()
                    z = zlib.compressobj(9)
                    stream = z.compress(image) + z.flush(zlib.Z_SYNC_FLUSH)
                    blocks = -(-len(stream) // BLOCK) + 1
                    statuses = write_deflated(loader, 0x100000, stream, blocks, len(image))
                    self.assertEqual({OK}, set(statuses))
                    expected = USED[:0x100000] + image + USED[0x100000 + len(image):]
                    self.assertTrue(expected == board.flash())
                    loader.begin(FLASH_BEGIN, 4, 1, BLOCK, 0x200000)
                    self.assertEqual(OK, loader.data(FLASH_DATA, 0, b"next").status)

    def test_with_the_exact_count_the_last_window_is_not_written(self):
        image = text(2 * WINDOW)
        with Board("--boot", "download") as board:
            loader = board.loader()
            loader.attach()
            z = zlib.compressobj(9)
            stream = z.compress(image) + z.flush(zlib.Z_SYNC_FLUSH)
            statuses = write_deflated(loader, 0, stream, -(-len(stream) // BLOCK), len(image))
            self.assertEqual({OK}, set(statuses[:-1]))
            self.assertEqual(b"\x01\x0b", statuses[-1])
            self.assertTrue(image[:WINDOW] + b"\xff" * WINDOW == board.flash()[:2 * WINDOW])

    def test_a_block_after_the_end_hangs_the_loader(self):
        with Board("--boot", "download") as board:
            loader = board.loader()
            write_deflated(loader, 0, zlib.compress(b"1234"), 2, SECTOR)
            loader.request(DEFL_DATA, (4).to_bytes(4, "little") + b"\x01" + bytes(11) + bytes(4),
                           0xEF)
            self.assertIsNone(loader.reply(0.2))
            self.assertFalse(loader.sync(0.2))


class NewFile(unittest.TestCase):
    def test_a_flash_file_that_is_not_there_is_made_erased(self):
        with Board("--boot", "download") as board:
            self.assertTrue(b"\xff" * CHIP == board.flash())

    def test_a_flash_file_that_is_there_is_kept(self):
        with Board("--boot", "download", firmware="2.4", flash=USED) as board:
            self.assertTrue(USED == board.flash())

    def read_id(self, loader):
        for address, value in ((0x3FF42024, 0x7000009F), (0x3FF42000, 1 << 18)):
            loader.command(0x09, b"".join(v.to_bytes(4, "little") for v in
                                          (address, value, 0xFFFFFFFF, 0)))
        return loader.read_reg(0x3FF42080)

    def test_a_smaller_chip_says_so(self):
        with Board("--boot", "download", flash=USED[:1 << 20]) as board:
            self.assertEqual(0x1440C8, self.read_id(board.loader()))

    def test_a_chip_can_be_made_in_the_sizes_that_are_sold(self):
        for size, code in (("2MB", 0x15), ("4MB", 0x16), ("8MB", 0x17), ("16MB", 0x18)):
            with self.subTest(size=size):
                with Board("--boot", "download", "--flash-size", size) as board:
                    self.assertEqual(int(size[:-2]) << 20, os.path.getsize(board.flash_path))
                    self.assertEqual(code << 16 | 0x40C8, self.read_id(board.loader()))

    def test_the_size_of_a_file_that_is_there_rules(self):
        with Board("--boot", "download", "--flash-size", "8MB", flash=USED[:2 << 20]) as board:
            self.assertEqual(2 << 20, os.path.getsize(board.flash_path))
            self.assertEqual(0x1540C8, self.read_id(board.loader()))


if __name__ == "__main__":
    unittest.main()
