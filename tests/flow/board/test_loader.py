"""Facts of the real ROM loader that no recording shows from end to end, each by a session of its
own: framing, refusals, what is kept between commands, the ways out of the loader."""
import random
import struct
import unittest
import zlib

import espboard
from espboard import Board, ESP32, Loader, MAGIC, slip
from loader_case import LoaderCase, QUIET

SYNC, READ_REG, WRITE_REG, BAUD = 0x08, 0x0A, 0x09, 0x0F
BEGIN, DATA, END = 0x02, 0x03, 0x04
MEM_BEGIN, MEM_END, MEM_DATA = 0x05, 0x06, 0x07
PARAMS, SLOW, MD5 = 0x0B, 0x0E, 0x13
DEFL_BEGIN, DEFL_DATA, DEFL_END = 0x10, 0x11, 0x12
OK, FORMAT, REFUSED, BAD_SUM = b"\x00\x00", b"\x01\x05", b"\x01\x06", b"\x01\x07"
NOT_ERASED, RANGE, TOO_LONG, INFLATE, ADLER = (bytes((1, n)) for n in (8, 9, 10, 11, 12))
AT, CHIP = 0x100000, 4 << 20
USED = random.Random(6).randbytes(CHIP)


def words(*values):
    return struct.pack("<%dI" % len(values), *values)


def block(n, seed=1):
    return bytes(random.Random(seed).choices(b"0123456789abcdef\n", k=n))


class Esp32Case(LoaderCase):
    def data_refused(self, loader, n, seq, content, checksum):
        """The first two status bytes of a data block whose parts do not fit each other."""
        return loader.command(DATA, words(n, seq, 0, 0) + content, checksum).status


class Frames(Esp32Case):
    def test_an_unknown_command_answers_as_often_as_the_command_before(self):
        _, loader = self.start(attach=False)
        for op in (0x00, 0x01, 0x0C, 0x14, 0x99, 0xD0, 0xD1, 0xD2):
            loader.request(op)
            for _ in range(8):
                reply = loader.reply()
                self.assertEqual((SYNC, FORMAT), (reply.op, reply.status))
        self.is_alive(loader)
        reply = loader.command(0x14)
        self.assertEqual((READ_REG, ESP32, FORMAT), (reply.op, reply.value, reply.status))

    def test_an_over_long_frame_is_one_refusal(self):
        _, loader = self.start()
        loader.port.write(slip(b"\0" * 40000))
        reply = loader.reply()
        self.assertEqual((PARAMS, FORMAT), (reply.op, reply.status))
        self.is_alive(loader)

    def test_the_content_of_sync_is_not_looked_at(self):
        _, loader = self.start()
        for body in (b"", b"\x07\x07\x12\x20", bytes(36)):
            loader.request(SYNC, body)
            self.assertEqual([SYNC] * 8, [loader.reply().op for _ in range(8)])
        self.is_alive(loader)

    def test_commands_work_without_a_sync(self):
        board = self.enterContext(Board("--boot", "download"))
        port = board.open()
        port.read_until(b"))\r\n")
        self.is_alive(Loader(port))

    def test_frames_may_come_byte_by_byte_and_all_at_once(self):
        _, loader = self.start()
        frame = slip(b"\0\x0a\x04\0\0\0\0\0" + words(MAGIC))
        for byte in frame:
            loader.port.write(bytes([byte]))
        self.assertEqual(ESP32, loader.reply().value)
        loader.port.write(frame * 2000)
        self.assertEqual({ESP32}, {loader.reply().value for _ in range(2000)})

    def test_a_frame_cut_short_runs_with_what_the_buffer_still_holds(self):
        _, loader = self.start()
        self.is_alive(loader)
        for cut in (b"\0\x0a", b"\0"):
            loader.port.write(slip(cut))
            reply = loader.reply()
            self.assertEqual((READ_REG, ESP32), (reply.op, reply.value))

    def test_the_error_byte_is_kept_by_some_commands_and_cleared_by_others(self):
        _, loader = self.start()
        kept = [lambda: loader.begin(BEGIN, 4096, 1, 4, AT), lambda: loader.data(DATA, 0, b"1234"),
                lambda: loader.begin(MEM_BEGIN, 4, 1, 4, 0x3FFB0000), loader.parameters]
        cleared = [lambda: loader.command(READ_REG, words(MAGIC)),
                   lambda: loader.command(WRITE_REG, words(0x3FFB0000, 0, 0, 0)),
                   lambda: loader.command(MD5, words(0, 0, 0, 0)),
                   lambda: loader.command(SLOW, words(0, 4)),
                   lambda: loader.command(0x0D, bytes(8))]
        for clear in cleared:
            refused = loader.begin(BEGIN, 4096, 1, 0x2000, AT)
            self.assertEqual(FORMAT, refused.status)
            self.assertEqual([b"\x00\x05"] * len(kept), [keep().status for keep in kept])
            self.assertEqual(OK, clear().status)

    def test_escapes_are_undone_both_ways(self):
        board, loader = self.start()
        data = b"\xc0\xdb\xdc\xdd" * 64
        loader.begin(BEGIN, len(data), 1, len(data), AT)
        self.assertEqual(OK, loader.data(DATA, 0, data).status)
        self.assertEqual(data, board.flash()[AT:AT + len(data)])
        self.assertEqual(data[:64], loader.command(SLOW, words(AT, 64)).payload)


class Registers(Esp32Case):
    def test_unaligned_reads_answer_and_unmapped_ones_kill_the_loader(self):
        _, loader = self.start()
        self.assertEqual(0x18A0A288, loader.read_reg(0x40001011))
        loader.request(READ_REG, words(0x10))
        self.assertIsNone(loader.reply(QUIET))
        self.is_dead(loader)

    def test_one_write_may_carry_several_groups_with_masks(self):
        _, loader = self.start()
        ram = 0x3FFB0000
        body = words(ram, 0x12345678, 0xFFFFFFFF, 0, ram + 4, 0xAAAAAAAA, 0x0000FFFF, 100,
                     ram, 0xFF, 0x0F, 0)
        self.assertEqual(OK, loader.command(WRITE_REG, body).status)
        self.assertEqual((0x1234567F, 0xAAAA), (loader.read_reg(ram), loader.read_reg(ram + 4)))

    def test_a_speed_of_zero_kills_the_loader(self):
        _, loader = self.start()
        self.assertEqual(OK, loader.command(BAUD, words(0, 0)).status)
        loader.frame(QUIET)
        self.is_dead(loader)

    def test_memory_can_be_loaded_and_read_back(self):
        _, loader = self.start()
        code, ram = block(0x1800), 0x40088000
        self.assertEqual(FORMAT, loader.begin(MEM_BEGIN, 0x2000, 1, 0x2000, ram).status)
        self.assertEqual(0, loader.begin(MEM_BEGIN, 2 * len(code), 2, len(code), ram).status[0])
        for n in range(2):
            self.assertEqual(0, loader.data(MEM_DATA, n, code).status[0])
        self.assertEqual(0, loader.command(MEM_END, words(1, 0)).status[0])
        self.assertEqual(code[:4], words(loader.read_reg(ram + len(code))))
        self.assertEqual(FORMAT, loader.data(MEM_DATA, 2, code).status)


class Raw(Esp32Case):
    def test_begin_takes_any_count_and_block_sizes_up_to_0x1800(self):
        _, loader = self.start()
        for count, size, status in ((1, 0x1800, OK), (0, 0, OK), (0, 3, OK), (7, 0x1001, OK),
                                    (1, 0x1FFC, FORMAT), (1, 0x2000, FORMAT)):
            loader.read_reg(MAGIC)  # clears the error that the status keeps
            with self.subTest(count=count, size=size):
                self.assertEqual(status, loader.begin(BEGIN, 0x1000, count, size, AT).status)

    def test_every_block_size_writes_what_was_sent(self):
        board, loader = self.start(flash=USED)
        for size in (0x100, 0x400, 0x800, 0x1000, 0x1800):
            with self.subTest(size=size):
                image = block(3 * size - 8, size)
                loader.begin(BEGIN, len(image), 3, size, AT)
                for n in range(3):
                    piece = image[n * size:(n + 1) * size]
                    self.assertEqual(0, loader.data(DATA, n, piece).status[0])
                self.assertEqual(image, board.flash()[AT:AT + len(image)])

    def test_the_size_of_begin_says_what_is_erased(self):
        for size, sectors in ((0, 0), (1, 1), (0x1000, 1), (0x1001, 2), (0x22000, 34)):
            with self.subTest(size=size):
                board, loader = self.start(flash=USED)
                self.assertEqual(OK, loader.begin(BEGIN, size, 1, 0x400, AT).status)
                expected = USED[:AT] + b"\xff" * (sectors * 4096) + USED[AT + sectors * 4096:]
                self.assertTrue(expected == board.flash())

    def test_without_parameters_the_chip_is_taken_for_2_mib(self):
        _, loader = self.start(attach=False)
        self.assertEqual(REFUSED, loader.begin(BEGIN, 0x1000, 1, 0x400, 0x200000).status)
        self.assertEqual(REFUSED, loader.begin(BEGIN, 0x2000, 1, 0x400, 0x1FF000).status)
        self.assertEqual(RANGE, loader.command(MD5, words(0x1FF000, 0x1001, 0, 0)).status)
        self.assertEqual(RANGE, loader.command(SLOW, words(0x200000, 4)).status)
        self.assertEqual(FORMAT, loader.command(PARAMS, words(0, CHIP, 0x10000)).status)
        self.assertEqual(RANGE, loader.command(MD5, words(0x200000, 1, 0, 0)).status)
        loader.attach()
        self.assertEqual(OK, loader.command(MD5, words(0x200000, 1, 0, 0)).status)

    def test_data_after_a_refused_begin_is_written_without_an_erase(self):
        board, loader = self.start(flash=USED)
        self.assertEqual(REFUSED, loader.begin(BEGIN, 0x1000, 1, 4, AT + 0x800).status)
        zeros = bytes(4)
        self.assertEqual(0, loader.data(DATA, 0, zeros).status[0])
        expected = USED[:AT + 0x800] + zeros + USED[AT + 0x804:]
        self.assertTrue(expected == board.flash())

    def test_a_begin_of_the_wrong_form_leaves_the_session_before_it(self):
        board, loader = self.start()
        loader.begin(BEGIN, 0x1000, 2, 4, AT)
        loader.data(DATA, 0, b"abcd")
        self.assertEqual(FORMAT, loader.command(BEGIN, words(0x1000, 1, 4, 0x200000, 0)).status)
        self.assertEqual(0, loader.data(DATA, 1, b"efgh").status[0])
        self.assertEqual(b"abcdefgh", board.flash()[AT:AT + 8])

    def test_only_the_low_byte_of_the_checksum_counts(self):
        _, loader = self.start()
        loader.begin(BEGIN, 0x1000, 2, 4, AT)
        self.assertEqual(OK, self.data_refused(loader, 4, 0, b"\0\0\0\0", 0x123456EF))
        self.assertEqual(BAD_SUM, self.data_refused(loader, 4, 1, b"\0\0\0\0", 0x123456EE))

    def test_lengths_that_are_no_multiple_of_4_leave_everything_as_it_was(self):
        board, loader = self.start()
        loader.begin(BEGIN, 0x1000, 2, 0x400, AT)
        for n in (1, 2, 3, 0x101):
            for seq in (0, 7):
                self.assertEqual(FORMAT, loader.data(DATA, seq, block(n)).status)
        self.assertEqual(0, loader.data(DATA, 0, b"good").status[0])
        self.assertEqual(b"good" + b"\xff" * 1020, board.flash()[AT:AT + 1024])

    def test_the_inner_length_is_trusted(self):
        board, loader = self.start()
        loader.begin(BEGIN, 0x1000, 3, 8, AT)
        self.assertEqual(OK, loader.data(DATA, 0, b"01234567").status)
        checksum = 0xEF
        for byte in b"abcd4567":
            checksum ^= byte
        self.assertEqual(OK, self.data_refused(loader, 8, 1, b"abcd", checksum))
        self.assertEqual(b"01234567abcd4567\xff", board.flash()[AT:AT + 17])

    def test_surplus_blocks_are_written_where_nothing_was_erased(self):
        board, loader = self.start(flash=USED)
        loader.begin(BEGIN, 4096, 1, 4096, AT)
        self.assertEqual(OK, loader.data(DATA, 0, block(4096)).status)
        surplus = block(256, 2)
        self.assertEqual(NOT_ERASED, loader.data(DATA, 1, surplus).status)
        both = bytes(a & b for a, b in zip(surplus, USED[AT + 4096:]))
        self.assertEqual(both, board.flash()[AT + 4096:AT + 4352])
        loader.data(DATA, 2, bytes(4))  # the write pointer stayed
        self.assertEqual(bytes(4) + both[4:], board.flash()[AT + 4096:AT + 4352])

    def test_a_new_begin_makes_everything_good_again(self):
        board, loader = self.start(flash=USED)
        loader.begin(BEGIN, 4096, 4, 1024, AT)
        loader.data(DATA, 0, block(1024))
        self.assertEqual(BAD_SUM, self.data_refused(loader, 4, 1, b"1234", 0))
        self.assertEqual(FORMAT, loader.data(DATA, 1, b"1234").status)
        image = block(4096, 3)
        loader.begin(BEGIN, 4096, 4, 1024, AT)
        for n in range(4):
            self.assertEqual(0, loader.data(DATA, n, image[n * 1024:(n + 1) * 1024]).status[0])
        self.assertTrue(USED[:AT] + image + USED[AT + 4096:] == board.flash())

    def test_a_lost_answer_is_told_by_the_refusal_of_the_second_copy(self):
        board, loader = self.start()
        loader.begin(BEGIN, 8, 2, 4, AT)
        loader.data(DATA, 0, b"abcd")
        self.assertEqual(FORMAT, loader.data(DATA, 0, b"abcd").status)
        self.assertEqual(0, loader.data(DATA, 1, b"efgh").status[0])
        self.assertEqual(b"abcdefgh", board.flash()[AT:AT + 8])

    def test_a_slow_read_has_64_bytes_of_which_those_asked_for_are_fresh(self):
        _, loader = self.start(flash=USED)
        whole = loader.command(SLOW, words(AT, 64)).payload
        self.assertEqual(USED[AT:AT + 64], whole)
        some = loader.command(SLOW, words(AT + 101, 5)).payload
        self.assertEqual(64, len(some))
        self.assertEqual(USED[AT + 101:AT + 106], some[:5])
        self.assertEqual(TOO_LONG, loader.command(SLOW, words(AT, 65)).status)
        self.assertEqual(OK, loader.command(SLOW, words(CHIP - 4, 4)).status)


class Deflate(Esp32Case):
    def write(self, loader, pieces, size, count=None, address=AT):
        loader.begin(DEFL_BEGIN, size, count or len(pieces), 0x400, address)
        return [loader.data(DEFL_DATA, n, piece).status for n, piece in enumerate(pieces)]

    def test_every_level_and_every_cut_of_the_stream(self):
        image = block(5001)
        for level in (0, 1, 9):
            stream = zlib.compress(image, level)
            for size in (1, 7, 1000, 4096):
                if len(stream) // size > 900:
                    continue
                with self.subTest(level=level, size=size):
                    board, loader = self.start()
                    pieces = [stream[i:i + size] for i in range(0, len(stream), size)]
                    self.assertEqual({OK}, set(self.write(loader, pieces, 0x2000)))
                    self.assertEqual(image, board.flash()[AT:AT + len(image)])

    def test_a_stream_without_a_zlib_header_is_refused(self):
        board, loader = self.start()
        raw = zlib.compress(block(500))[2:-4]
        self.assertEqual([INFLATE], self.write(loader, [raw], 0x1000))
        self.assertTrue(b"\xff" * CHIP == board.flash())

    def test_a_wrong_adler_sum_leaves_the_last_window_unwritten(self):
        board, loader = self.start()
        stream = zlib.compress(block(40000), 0)
        pieces = [stream[i:i + 1024] for i in range(0, len(stream), 1024)]
        pieces[-1] = pieces[-1][:-1] + bytes([pieces[-1][-1] ^ 1])
        statuses = self.write(loader, pieces, 0xA000)
        self.assertEqual(({OK}, ADLER), (set(statuses[:-1]), statuses[-1]))
        self.assertEqual(block(40000)[:32768], board.flash()[AT:AT + 32768])
        self.assertEqual(b"\xff" * 8192, board.flash()[AT + 32768:AT + 40960])

    def test_an_announced_size_that_is_too_small_shows_in_the_md5_on_used_flash_only(self):
        image = block(8192)
        stream = zlib.compress(image)
        for flash, good in ((USED, False), (None, True)):
            with self.subTest(used=flash is not None):
                board, loader = self.start(flash=flash)
                pieces = [stream[i:i + 1024] for i in range(0, len(stream), 1024)]
                self.assertEqual({OK}, set(self.write(loader, pieces, 4096)))
                self.assertEqual(image[:4096], board.flash()[AT:AT + 4096])
                self.assertEqual(good, image == board.flash()[AT:AT + 8192])

    def test_the_two_kinds_of_session_do_not_mix(self):
        _, loader = self.start()
        loader.begin(DEFL_BEGIN, 0x1000, 1, 0x400, AT)
        self.assertEqual(FORMAT, loader.data(DATA, 0, b"1234").status)
        loader.begin(BEGIN, 0x1000, 1, 0x400, AT)
        self.assertEqual(FORMAT, loader.data(DEFL_DATA, 0, b"1234").status)
        self.assertEqual(0, loader.data(DATA, 0, b"1234").status[0])

    def test_rules_of_begin_and_of_blocks_are_those_of_raw_writing(self):
        _, loader = self.start()
        self.assertEqual(REFUSED, loader.begin(DEFL_BEGIN, 0x1000, 1, 0x400, AT + 4).status)
        self.assertEqual(REFUSED, loader.begin(DEFL_BEGIN, 0x1000, 1, 0x400, CHIP).status)
        self.assertEqual(FORMAT, loader.begin(DEFL_BEGIN, 0x1000, 1, 0x2000, AT).status)
        self.assertEqual(FORMAT, loader.command(DEFL_BEGIN, words(4096, 1, 1024, AT, 0)).status)
        stream = zlib.compress(block(3000), 0)
        loader.begin(DEFL_BEGIN, 0x1000, 3, 0x400, AT)
        self.assertEqual(0, loader.data(DEFL_DATA, 0, stream[:1024]).status[0])
        self.assertEqual(FORMAT, loader.data(DEFL_DATA, 0, stream[:1024]).status)
        bad = loader.command(DEFL_DATA, words(1024, 1, 0, 0) + stream[1024:2048], 0x100)
        self.assertEqual(BAD_SUM, bad.status)
        self.assertEqual(FORMAT, loader.data(DEFL_DATA, 1, stream[1024:2048]).status)


class WaysOut(Esp32Case):
    RESTART = b"rst:0x3 (SW_RESET),boot:0xf (UART_BOOT(UART0))\r\n"

    def test_both_ends_with_0_restart_the_chip_into_the_loader(self):
        for op in (END, DEFL_END):
            with self.subTest(op=op):
                _, loader = self.start()
                self.assertEqual(OK, loader.command(op, words(0)).status)
                text = loader.text_until(self.RESTART)
                self.assertTrue(text.startswith(b"\xc0\xc0ets Jul 29 2019"), text)
                self.assertTrue(text.endswith(self.RESTART), text)
                self.assertTrue(loader.sync())
                refused = loader.begin(BEGIN, 4096, 1, 4, 0x200000)
                self.assertEqual(REFUSED, refused.status, "parameters are forgotten")

    def test_flash_end_1_leaves_for_the_basic_prompt_that_only_echoes(self):
        _, loader = self.start()
        self.assertEqual(REFUSED, loader.command(END, words(1)).status)
        self.assertIn(b"flash read err, 631", loader.text_until(b"OK\r\n>"))
        frame = slip(b"\0\x08\x24\0\0\0\0\0" + espboard.SYNC_BODY)
        loader.port.write(frame)
        echo = frame.replace(b"\0", b"").replace(b"\x08", b"\b \b")  # what a line editor makes of it
        self.assertEqual(echo, loader.port.read(len(echo)))
        loader.port.write(b"\r")
        self.assertEqual(b"\r\nHow?\r\n>", loader.port.read(9))

    def test_defl_end_1_stays_and_tells_whether_the_stream_was_complete(self):
        _, loader = self.start()
        stream = zlib.compress(block(3000), 0)
        loader.begin(DEFL_BEGIN, 0x1000, 3, 0x400, AT)
        loader.data(DEFL_DATA, 0, stream[:1024])
        self.assertEqual(REFUSED, loader.command(DEFL_END, words(1)).status)
        self.is_alive(loader)
        stream = zlib.compress(block(3000))
        loader.begin(DEFL_BEGIN, 0x1000, 1, 0x1000, AT)
        loader.data(DEFL_DATA, 0, stream)
        self.assertEqual(OK, loader.command(DEFL_END, words(1)).status)
        self.is_alive(loader)


if __name__ == "__main__":
    unittest.main()
