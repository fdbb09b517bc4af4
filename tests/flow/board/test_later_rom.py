"""Facts of the loader of the later chips, as an ESP32-C3 was seen to show them, that no recording
shows from end to end. test_loader.py has the ESP32's."""
import random
import struct
import unittest
import zlib

import espboard
from espboard import MAGIC, slip
from loader_case import LoaderCase, QUIET

SYNC, READ_REG, WRITE_REG, ATTACH, PARAMS, BAUD = 0x08, 0x0A, 0x09, 0x0D, 0x0B, 0x0F
BEGIN, DATA, END = 0x02, 0x03, 0x04
MEM_BEGIN = 0x05
SLOW, MD5, SECURITY_INFO = 0x0E, 0x13, 0x14
DEFL_BEGIN, DEFL_DATA, DEFL_END = 0x10, 0x11, 0x12
OK, FORMAT, REFUSED, BAD_SUM = b"\x00\x00", b"\x01\x05", b"\x01\x06", b"\x01\x07"
NOT_ERASED, RANGE, TOO_LONG, INFLATE, ADLER = (bytes((1, n)) for n in (8, 9, 10, 11, 12))
AT, CHIP, RAM, WINDOW = 0x100000, 4 << 20, 0x3FCA0000, 32768
STRAY = 0x31B900
USED = random.Random(9).randbytes(CHIP)
C3 = espboard.CHIPS["esp32c3"].magic


def words(*values):
    return struct.pack("<%dI" % len(values), *values)


def text(n, seed=1):
    return bytes(random.Random(seed).choices(b"0123456789abcdef\n", k=n))


def pieces(stream, size=1024):
    return [stream[i:i + size] for i in range(0, len(stream), size)]


class LaterCase(LoaderCase):
    chip = "esp32c3"


class Frames(LaterCase):
    def test_an_unknown_command_answers_under_the_opcode_before_and_as_often(self):
        _, loader = self.start(attach=False)
        for op in (0x00, 0x01, 0x0C, 0x15, 0x16, 0xD0, 0xD2, 0x99, 0xFF):
            loader.request(op)
            for _ in range(8):
                reply = loader.reply()
                self.assertEqual((SYNC, FORMAT), (reply.op, reply.status))
        for op, body in ((READ_REG, words(MAGIC)), (MD5, words(0, 4, 0, 0)), (SECURITY_INFO, b"")):
            loader.command(op, body)
            reply = loader.command(0x99)
            self.assertEqual((op, b"", FORMAT), (reply.op, reply.payload, reply.status))
        self.is_alive(loader)

    def test_which_commands_keep_the_error_byte(self):
        _, loader = self.start()
        kept = [lambda: loader.begin(BEGIN, 4096, 1, 4, AT), lambda: loader.data(DATA, 0, b"1234"),
                lambda: loader.begin(DEFL_BEGIN, 4096, 1, 4, AT),
                lambda: loader.begin(MEM_BEGIN, 4, 1, 4, RAM), loader.parameters,
                lambda: loader.command(SECURITY_INFO)]
        cleared = [lambda: loader.command(READ_REG, words(MAGIC)),
                   lambda: loader.command(WRITE_REG, words(RAM, 0, 0, 0)),
                   lambda: loader.command(MD5, words(0, 0, 0, 0)),
                   lambda: loader.command(SLOW, words(0, 4)),
                   lambda: loader.command(ATTACH, bytes(8)),
                   lambda: loader.command(BAUD, words(115200, 0))]
        for clear in cleared:
            loader.buffer = b""
            refused = loader.begin(BEGIN, 4096, 1, 0x2000, AT)
            self.assertEqual(FORMAT, refused.status)
            self.assertEqual([b"\x00\x05"] * len(kept), [keep().status for keep in kept])
            self.assertEqual(OK, clear().status)

    def test_the_value_is_the_beginning_of_the_last_sync(self):
        _, loader = self.start(attach=False)
        loader.request(SYNC, b"\x01\x02\x03\x04")
        self.assertEqual([0x04030201] * 8, [loader.reply().value for _ in range(8)])
        self.assertEqual(0x04030201, loader.parameters().value)

    def test_a_frame_that_is_too_long_runs_from_its_first_bytes(self):
        _, loader = self.start()
        for n in (5000, 8000, 40000):
            loader.port.write(slip(b"\0\x0a\x04\0\0\0\0\0" + words(MAGIC) + bytes(n)))
            self.assertEqual((READ_REG, C3), loader.reply()[:2])

    def test_an_unknown_escape_is_dropped(self):
        _, loader = self.start()
        loader.port.write(b"\xc0\x00\x0a\x04\x00\x00\x00\x00\x00\xdb\x00\x10\x00\x40\xc0")
        self.assertEqual(C3, loader.reply().value)

    def test_a_short_group_of_write_reg_is_filled_up_with_what_is_left(self):
        _, loader = self.start()
        self.assertEqual(OK, loader.command(WRITE_REG, words(RAM, 1, 0xFFFFFFFF, 0)).status)
        self.assertEqual(OK, loader.command(WRITE_REG, words(RAM, 0x55AA)).status)
        self.assertEqual(0x55AA, loader.read_reg(RAM))

    def test_memory_keeps_the_form_of_16_bytes(self):
        _, loader = self.start()
        self.assertEqual(FORMAT, loader.command(MEM_BEGIN, words(4, 1, 4, RAM, 0)).status)
        self.assertEqual(FORMAT, loader.begin(MEM_BEGIN, 4, 1, 0x2000, RAM).status)
        loader.read_reg(MAGIC)
        self.assertEqual(OK, loader.begin(MEM_BEGIN, 4, 1, 0x1800, RAM).status)


class Dying(LaterCase):
    def test_a_speed_of_zero_is_survived(self):
        _, loader = self.start()
        self.assertEqual(OK, loader.command(BAUD, words(0, 0)).status)
        self.is_alive(loader)

    def test_an_address_with_nothing_behind_it_ends_in_a_dump(self):
        for op, body in ((READ_REG, words(0x10)), (WRITE_REG, words(0x10, 0, 0, 0))):
            with self.subTest(op=op):
                _, loader = self.start()
                loader.request(op, body)
                dump = loader.port.read_all(QUIET)
                self.assertTrue(dump.startswith(
                    b"Guru Meditation Error: Core 0 panic'ed (Load access fault)\r\n"
                    b"Core 0 register dump:\r\n"), dump[:200])
                self.assertIn(b"0x00000010", dump)
                self.assertGreater(len(dump), 3000)
                self.assertNotIn(b"\xc0", dump)
                self.is_dead(loader)

    def test_the_chips_without_risc_v_registers_are_silent(self):
        for chip in ("esp32s2", "esp32s3"):
            with self.subTest(chip=chip):
                _, loader = self.start(chip=chip)
                loader.request(READ_REG, words(0x10))
                self.assertEqual(b"", loader.port.read_all(QUIET))
                self.is_dead(loader)

    def test_end_0_restarts_into_the_loader(self):
        for op in (END, DEFL_END):
            with self.subTest(op=op):
                _, loader = self.start()
                self.assertEqual(OK, loader.command(op, words(0)).status)
                text_ = loader.text_until(b"wait uart0 download\r\n")
                self.assertTrue(text_.startswith(b"\xc0\xc0ESP-ROM:esp32c3"), text_)
                self.assertIn(b"rst:0x3 (RTC_SW_SYS_RST),boot:0x2 (UART0_BOOT)\r\n", text_)
                self.assertTrue(loader.sync())

    def test_flash_end_1_crashes_behind_its_answer(self):
        for begin, status in ((False, REFUSED), (True, OK)):
            with self.subTest(begin=begin):
                _, loader = self.start()
                if begin:
                    loader.begin(BEGIN, 4, 1, 4, AT)
                    loader.data(DATA, 0, b"1234")
                self.assertEqual(status, loader.command(END, words(1)).status)
                text_ = loader.buffer + loader.port.read_all(QUIET)
                self.assertTrue(text_.startswith(b"user code done\r\nGuru Meditation"), text_[:80])
                self.is_dead(loader)

    def test_defl_end_1_stays(self):
        _, loader = self.start()
        self.assertEqual(OK, loader.command(DEFL_END, words(1)).status)
        stream = zlib.compress(text(3000), 0)
        loader.begin(DEFL_BEGIN, 3000, 3, 1024, AT)
        loader.data(DEFL_DATA, 0, stream[:1024])
        self.assertEqual(REFUSED, loader.command(DEFL_END, words(1)).status)
        loader.begin(DEFL_BEGIN, 3000, 1, 4096, AT)
        loader.data(DEFL_DATA, 0, stream)
        self.assertEqual(0, loader.command(DEFL_END, words(1)).status[0])
        self.is_alive(loader)


class Raw(LaterCase):
    def stray(self, board, loader):
        """Data that nothing has begun: answered as good, written somewhere and not as it was."""
        before = board.flash()
        block = text(64)
        self.assertEqual(0, loader.data(DATA, 0, block).status[0])
        after = board.flash()
        self.assertTrue(before[:STRAY] == after[:STRAY])
        self.assertTrue(before[STRAY + 64:] == after[STRAY + 64:])
        self.assertNotEqual(before[STRAY:STRAY + 64], after[STRAY:STRAY + 64])
        self.assertNotEqual(block, after[STRAY:STRAY + 64])
        self.assertEqual(FORMAT, loader.data(DATA, 2, block).status)
        self.assertEqual(0, loader.data(DATA, 1, block).status[0])

    def test_data_without_a_begin(self):
        self.stray(*self.start())

    def test_data_after_a_begin_of_the_wrong_form(self):
        board, loader = self.start()
        self.assertEqual(FORMAT, loader.command(BEGIN, words(4096, 1, 1024, AT)).status)
        self.stray(board, loader)

    def test_data_inside_a_deflate_session(self):
        board, loader = self.start()
        loader.begin(DEFL_BEGIN, 4096, 1, 1024, AT)
        self.stray(board, loader)
        image = text(500)
        self.assertEqual(0, loader.data(DEFL_DATA, 0, zlib.compress(image)).status[0])
        self.assertEqual(image, board.flash()[AT:AT + 500])

    def test_deflated_data_inside_a_raw_session(self):
        _, loader = self.start()
        self.assertEqual(FORMAT, loader.data(DEFL_DATA, 0, b"1234").status)
        loader.begin(BEGIN, 4096, 1, 1024, AT)
        self.assertEqual(FORMAT, loader.data(DEFL_DATA, 0, b"1234").status)

    def test_a_begin_of_the_wrong_form_leaves_the_session_before_it(self):
        board, loader = self.start()
        loader.begin(BEGIN, 4096, 2, 4, AT)
        loader.data(DATA, 0, b"abcd")
        self.assertEqual(FORMAT, loader.command(BEGIN, words(4096, 1, 4, 0x200000)).status)
        self.assertEqual(0, loader.data(DATA, 1, b"efgh").status[0])
        self.assertEqual(b"abcdefgh", board.flash()[AT:AT + 8])

    def test_after_an_unaligned_begin_data_is_written_without_an_erase(self):
        board, loader = self.start(flash=USED)
        self.assertEqual(REFUSED, loader.begin(BEGIN, 4096, 1, 4, AT + 0x800).status)
        self.assertEqual(0, loader.data(DATA, 0, bytes(4)).status[0])
        self.assertTrue(USED[:AT + 0x800] + bytes(4) + USED[AT + 0x804:] == board.flash())

    def test_after_a_begin_past_the_end_data_is_lost(self):
        board, loader = self.start(flash=USED)
        for at, size in ((CHIP, 4096), (0x3FF000, 0x1001)):
            self.assertEqual(REFUSED, loader.begin(BEGIN, size, 1, 4, at).status)
        self.assertEqual(REFUSED, loader.begin(BEGIN, 4096, 1, 1024, CHIP).status)
        self.assertEqual(0, loader.data(DATA, 0, bytes(1024)).status[0])
        self.assertTrue(USED == board.flash())

    def test_the_announced_block_size_is_the_limit(self):
        board, loader = self.start()
        for size, status in ((0x1800, OK), (0, OK), (3, OK), (0x1C00, FORMAT), (0x2000, FORMAT)):
            for op in (BEGIN, DEFL_BEGIN):
                loader.read_reg(MAGIC)
                self.assertEqual(status, loader.begin(op, 4096, 1, size, AT).status)
        for size in (0x400, 0x800, 0x1000, 0x1800):
            image = text(size, size)
            loader.begin(BEGIN, size, 1, size, AT)
            self.assertEqual(FORMAT, loader.data(DATA, 0, image + b"more").status)
            self.assertEqual(0, loader.data(DATA, 0, image).status[0])
            self.assertEqual(image, board.flash()[AT:AT + size])

    def test_a_block_without_data_uses_up_its_number(self):
        _, loader = self.start()
        loader.begin(BEGIN, 4096, 2, 4, AT)
        self.assertEqual(OK, loader.data(DATA, 0, b"").status)
        self.assertEqual(FORMAT, loader.data(DATA, 0, b"1234").status)
        self.assertEqual(0, loader.data(DATA, 1, b"1234").status[0])

    def test_the_fifth_word_encrypts(self):
        board, loader = self.start()
        image = text(1024)
        for word in (1, 2):
            self.assertEqual(OK, loader.begin(BEGIN, 1024, 1, 1024, AT, encrypt=word).status)
            self.assertEqual(OK, loader.data(DATA, 0, image).status)
            flash = board.flash()
            self.assertNotEqual(image, flash[AT:AT + 1024])
            self.assertNotEqual(b"\xff" * 1024, flash[AT:AT + 1024])
            self.assertEqual(b"\xff" * 1024, flash[AT + 1024:AT + 2048])

    def test_without_parameters_the_chip_is_taken_for_2_mib(self):
        _, loader = self.start(attach=False)
        self.assertEqual(REFUSED, loader.begin(BEGIN, 4096, 1, 1024, 0x200000).status)
        self.assertEqual(RANGE, loader.command(MD5, words(0x1FF000, 0x1001, 0, 0)).status)
        self.assertEqual(TOO_LONG, loader.command(SLOW, words(0, 65)).status)
        self.assertEqual(FORMAT, loader.command(PARAMS, words(0, CHIP, 0x10000)).status)


class Deflate(LaterCase):
    def write(self, loader, blocks, size, count=None, address=AT):
        loader.begin(DEFL_BEGIN, size, count or len(blocks), 1024, address)
        return [loader.data(DEFL_DATA, n, block).status[:2] for n, block in enumerate(blocks)]

    def test_an_ended_stream_programs_the_image_and_no_more(self):
        for n in (1, 1208, 4096, 9000, 32767, 32768, 33000, 40000, 65536, 100001):
            for kind in (text(n), random.Random(n).randbytes(n)):
                with self.subTest(n=n):
                    board, loader = self.start(flash=USED)
                    stream = zlib.compress(kind)
                    self.assertEqual({OK}, set(self.write(loader, pieces(stream), n)))
                    flash = board.flash()
                    end = AT + -(-n // 4096) * 4096
                    self.assertEqual(kind, flash[AT:AT + n])
                    behind = AT + -(-n // 4) * 4  # whole words are programmed
                    self.assertEqual(b"\xff" * (end - behind), flash[behind:end])
                    self.assertTrue(USED[end:] == flash[end:])

    def test_the_last_word_is_filled_up_with_what_the_window_held(self):
        board, loader = self.start()
        self.write(loader, [zlib.compress(b"\xaa" * 8)], 8)
        self.write(loader, [zlib.compress(b"12345")], 8, address=0x200000)
        self.assertEqual(b"12345\xaa\xaa\xaa\xff", board.flash()[0x200000:0x200009])

    def test_the_end_must_come_with_the_block_announced_as_the_last(self):
        image = text(40000)
        board, loader = self.start()
        stream = pieces(zlib.compress(image))
        self.assertEqual({OK}, set(self.write(loader, stream, 40000, len(stream) + 1)))
        flash = board.flash()
        self.assertEqual(image[:WINDOW], flash[AT:AT + WINDOW])
        self.assertEqual(b"\xff" * WINDOW, flash[AT + WINDOW:AT + 2 * WINDOW])

    def test_one_block_too_few_announced_is_an_error_where_bytes_are_stored(self):
        _, loader = self.start()
        stream = pieces(zlib.compress(random.Random(1).randbytes(9000)))
        statuses = self.write(loader, stream[:-1], 9000)
        self.assertEqual(({OK}, INFLATE), (set(statuses[:-1]), statuses[-1]))

    def test_a_text_that_is_cut_off_fills_a_window_with_what_zeros_decode_to(self):
        image = text(70000)
        stream = zlib.compress(image)
        for cut in (5, 100, 400):
            with self.subTest(cut=cut):
                board, loader = self.start(flash=USED)
                statuses = self.write(loader, pieces(stream[:-cut]), 70000)
                self.assertEqual({OK}, set(statuses))
                flash = board.flash()
                whole = 70000 - 2 * cut  # at least so much of the text arrived
                self.assertEqual(image[:whole], flash[AT:AT + whole])
                end = AT + 3 * WINDOW
                self.assertNotEqual(USED[end - 64:end], flash[end - 64:end])
                self.assertTrue(USED[end:] == flash[end:])

    def test_a_sum_that_is_cut_off_is_wrong(self):
        stream = zlib.compress(text(70000))
        for cut in (1, 4):
            with self.subTest(cut=cut):
                board, loader = self.start()
                statuses = self.write(loader, pieces(stream[:-cut]), 70000)
                self.assertEqual(({OK}, ADLER), (set(statuses[:-1]), statuses[-1]))
                last = AT + 2 * WINDOW
                self.assertEqual(b"\xff" * 4096, board.flash()[last:last + 4096])

    def test_with_one_block_more_announced_a_cut_leaves_the_last_window_unwritten(self):
        board, loader = self.start()
        stream = pieces(zlib.compress(text(70000))[:-100])
        self.assertEqual({OK}, set(self.write(loader, stream, 70000, len(stream) + 1)))
        flash = board.flash()
        self.assertEqual(text(70000)[:2 * WINDOW], flash[AT:AT + 2 * WINDOW])
        self.assertEqual(b"\xff" * WINDOW, flash[AT + 2 * WINDOW:AT + 3 * WINDOW])

    def test_flushed_windows_with_the_exact_count_miss_the_last(self):
        image = text(2 * WINDOW)
        board, loader = self.start()
        z = zlib.compressobj(9)
        stream = pieces(z.compress(image) + z.flush(zlib.Z_FULL_FLUSH))
        statuses = self.write(loader, stream, len(image))
        self.assertEqual(({OK}, INFLATE), (set(statuses[:-1]), statuses[-1]))
        self.assertTrue(image[:WINDOW] + b"\xff" * WINDOW == board.flash()[AT:AT + 2 * WINDOW])

    def test_anything_behind_the_end_hangs_the_loader(self):
        stream = zlib.compress(text(100))
        for blocks, count in (([stream, b"1234"], 1), ([stream, b"1234"], 2), ([stream + b"x"], 1)):
            with self.subTest(blocks=len(blocks), count=count):
                _, loader = self.start()
                loader.begin(DEFL_BEGIN, 100, count, 1024, AT)
                for n, block in enumerate(blocks[:-1]):
                    self.assertEqual(OK, loader.data(DEFL_DATA, n, block).status)
                check = 0xEF
                for byte in blocks[-1]:
                    check ^= byte
                loader.request(DEFL_DATA, words(len(blocks[-1]), len(blocks) - 1, 0, 0) + blocks[-1],
                               check)
                self.assertIsNone(loader.reply(QUIET))
                self.is_dead(loader)

    def test_garbage_is_refused_in_every_block(self):
        _, loader = self.start()
        raw = zlib.compress(text(5000))[2:-4]
        self.assertEqual({INFLATE}, set(self.write(loader, pieces(raw), 5000)))
        image = text(400)
        self.assertEqual([b"\x00\x0b"], self.write(loader, [zlib.compress(image)], 400))

    def test_a_refused_begin_takes_data_all_the_same(self):
        board, loader = self.start(flash=USED)
        self.assertEqual(REFUSED, loader.begin(DEFL_BEGIN, 4096, 1, 1024, AT + 4).status)
        self.assertEqual(0, loader.data(DEFL_DATA, 0, zlib.compress(bytes(16))).status[0])
        self.assertTrue(USED[:AT + 4] + bytes(16) + USED[AT + 20:] == board.flash())


if __name__ == "__main__":
    unittest.main()
