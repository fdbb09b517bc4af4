"""The partition mfg_nvs: what the factory wrote into it, AT+SYSMFG, and the NVS library underneath: which pages it fills,
moves and frees, and what it makes of a partition that power failed on."""
import glob
import os
import re
import struct
import time
import unittest

import nvs
from simboard import Board, DATA, PATIENCE

OK, ERROR = b"\r\nOK\r\n", b"\r\nERROR\r\n"
MFG, MFG_BYTES, TABLE = 0x21000, 0x1C000, 0x20000
PAGE, BLOB, STRING = 4096, 8, 7
VECTORS = sorted(glob.glob(os.path.join(DATA, "mfg_nvs", "out", "*.bin")))


def get(board, namespace, key):
    """(type, bytes) of a value, None without."""
    board.at.write(b'AT+SYSMFG=1,"%s","%s"\r\n' % (namespace.encode(), key.encode()))
    head = board.answer((b",", ERROR))  # AT+SYSMFG:"ns",
    if head.endswith(ERROR):
        return None
    head += board.answer((b",",)) + board.answer((b",",)) + board.answer((b",",))
    kind, n = (int(x) for x in head.split(b",")[-3:-1])
    while len(board.at.seen) < n + len(b"\r\n" + OK):
        board.at.pump(1)
    value, board.at.seen = board.at.seen[:n], board.at.seen[n:]
    assert board.answer() == b"\r\n" + OK
    return kind, value


def keys(board):
    """[(namespace, key, type)] in the order of the lists."""
    spaces = re.findall(r'\+SYSMFG:"([^"]+)"\r\n', board.command("AT+SYSMFG?").decode())
    return [(space, key, int(kind)) for space in spaces for key, kind in
            re.findall(r'\+SYSMFG:"[^"]+","([^"]+)",(\d)', board.command('AT+SYSMFG=1,"%s"' % space).decode())]


def dump(board):
    return {(space, key): get(board, space, key)[1] for space, key, _ in keys(board)}


def as_text(value):
    return value if isinstance(value, bytes) else str(value).encode()


class MfgCase(unittest.TestCase):
    maxDiff = None

    def start(self, firmware="4.1", **options):
        board = Board(firmware=firmware, **options)
        self.addCleanup(board.stop)
        return board

    def stored(self, board):
        return board.flash_bytes(MFG, MFG_BYTES)

    def change(self, board, at, data):
        """Change the flash of a board without power, then start it."""
        board.power_off()
        with open(board.flash, "r+b") as f:
            f.seek(at)
            f.write(data)
        return board.power_on()

    def again(self, board):
        board.power_off()
        return board.power_on().boot()

    def console(self, board, want):
        end = time.monotonic() + PATIENCE
        while want not in board.log.seen and time.monotonic() < end:
            board.log.pump(0.2)
        self.assertIn(want, board.log.seen)


class Stock(MfgCase):
    def test_the_tool_of_a_release_leaves_its_pages_as_it_does(self):
        """That of v3.4 closes all pages but one; that of v4.1 leaves what it did not need."""
        pages = nvs.pages(self.stored(self.start("3.4")))
        self.assertEqual(["full"] * 27 + ["erased"], pages)
        pages = nvs.pages(self.stored(self.start("4.1")))
        used = pages.index("erased")
        self.assertGreater(used, 1)
        self.assertEqual(["full"] * (used - 1) + ["active"] + ["erased"] * (28 - used), pages)

    def test_it_holds_factory_parameters_and_a_dummy_of_every_kind(self):
        for firmware, kinds in (("3.4", "client mqtt server wpa2"), ("4.1", "client https mqtt server wpa2 wss")):
            held = nvs.read(self.stored(self.start(firmware)))
            self.assertEqual("WROOM-32", held["factory_param", "module_name"])
            self.assertEqual(17, held["factory_param", "uart_tx_pin"])
            want = set()
            for kind in kinds.split():
                several = kind in ("client", "https", "wss")
                for part in ("ca", "cert", "key"):
                    name = f"{kind}_{part}"
                    want |= {(name, f"{name}.{i}") for i in (0, 1)} if several else {(name, name)}
            self.assertEqual(want, {k for k in held if k[0] not in ("factory_param", "ble_data")})
            self.assertTrue(held["mqtt_key", "mqtt_key"].endswith(b"PRIVATE KEY-----\n"))

    def test_what_espressifs_tools_write_is_read(self):
        """Both tools' files, each in a partition of its size."""
        for path in VECTORS:
            with open(path, "rb") as f:
                data = f.read()
            with self.subTest(os.path.basename(path)):
                board = self.start()
                board.power_off()
                with open(board.flash, "r+b") as f:
                    f.seek(TABLE + 8)
                    f.write(struct.pack("<I", len(data)))
                    f.seek(MFG)
                    f.write(data)
                board.power_on().boot()
                known = {k: as_text(v) for k, v in nvs.read(data).items() if not re.match("a_[ui]64", k[1])}  # no type
                said = dump(board)
                self.assertEqual({k: v.encode() if isinstance(v, str) else v for k, v in known.items()}, said)
                board.stop()


class Factory(MfgCase):
    """uart_port, pins and speed come from mfg_nvs; what is built in stands where they are not there."""

    def lose(self, board):
        """Certificates only, as somebody's generator made them."""
        board.boot()
        self.assertEqual(OK, board.command('AT+SYSMFG=0,"factory_param"'))
        board.power_off()
        return board.power_on()

    def test_a_module_with_other_pins_loses_its_at_port_with_them(self):
        board = self.lose(self.start(options=("--module", "PICO-D4")))
        self.console(board, b"open factory_param namespace failed\r\r\n")
        self.console(board, b"AT cmd port:uart1 tx:17 rx:16")
        self.console(board, b"Hello World!")
        board.at.write(b"AT\r\n")
        self.assertEqual(b"", board.quiet())

    def test_a_module_with_the_built_in_pins_loses_its_name_only(self):
        for firmware in ("3.4", "4.1"):
            board = self.lose(self.start(firmware)).boot()
            self.assertIn(b"(WROOM-32)", board.command("AT+GMR"))
            self.console(board, b"open factory_param")
            self.assertNotIn(b"module_name", board.log.seen)

    def test_pins_are_all_there_or_do_not_count(self):
        board = self.start(options=("--module", "PICO-D4")).boot()
        board.command('AT+SYSMFG=0,"factory_param","uart_rts_pin"')
        board.power_off()
        board.power_on()
        self.console(board, b"tx:17 rx:16")

    def test_the_port_may_be_uart0_and_the_speed_another(self):
        board = self.start().boot()
        board.command('AT+SYSMFG=2,"factory_param","uart_port",2,0')
        board.command('AT+SYSMFG=2,"factory_param","uart_baudrate",6,230400')
        board.power_off()
        board.power_on()
        board.log.set_baud(230400)
        self.console(board, b"\r\nready\r\n")
        board.log.write(b"AT+UART_DEF?\r\n")
        self.console(board, b"+UART_DEF:230400,8,1,0,1\r\n" + OK)
        self.assertEqual(b"", board.quiet())

    def test_a_partition_that_the_library_refuses_is_none(self):
        """No free page: the library mounts nothing, and the built-in pins stand."""
        board = self.start()
        full = b"".join(page[:4096] for page in nvs.cut(self.stored(self.start("3.4")))[:27])
        head = struct.pack("<II", 0xFFFFFFFC, 99) + b"\xfe" + b"\xff" * 19
        last = (head + struct.pack("<I", nvs.crc(head[4:]))).ljust(PAGE, b"\xff")
        board = self.change(board, MFG, full + last).boot()
        self.console(board, b"at param mode: 0")
        self.assertEqual(ERROR, board.command("AT+SYSMFG?"))
        self.assertEqual(ERROR, board.command('AT+SYSMFG=1,"mqtt_ca"'))

    def test_an_erased_partition_is_an_empty_one(self):
        board = self.start().boot()
        board.command('AT+SYSFLASH=0,"mfg_nvs"')
        board = self.again(board)
        self.assertEqual(OK, board.command("AT+SYSMFG?"))
        self.assertEqual(OK, board.write_value("mqtt_ca", "mqtt_ca", b"x" * 1500))
        self.assertEqual({("mqtt_ca", "mqtt_ca"): b"x" * 1500}, nvs.read(self.stored(board)))

    def test_older_releases_do_not_know_the_command(self):
        board = self.start("2.4").boot()
        self.assertEqual(b"ERR CODE:0x01090000\r\n" + ERROR, board.command("AT+SYSMFG?"))

    def test_a_new_release_over_an_old_table_keeps_its_partitions(self):
        """As an update over the air leaves it."""
        board = self.start("4.1")
        app = board.flash_bytes(0x100000, PAGE)
        board = self.change(self.start("2.4"), 0x100000, app).boot()
        self.assertIn(b"v4.1.0.0", board.command("AT+GMR"))
        self.console(board, b"at param mode: 2")
        self.assertIn(b'"mqtt_cert"', board.command("AT+SYSFLASH?"))
        self.assertEqual(ERROR, board.command("AT+SYSMFG?"))


class Library(MfgCase):
    def test_a_partition_written_over_and_over_keeps_the_rest(self):
        """Pages are moved again and again, in partitions of both tools; nothing else changes."""
        for firmware in ("3.4", "4.1"):
            board = self.start(firmware).boot()
            before = dump(board)
            for turn in range(150):
                value = b"%d-" % turn + os.urandom(1700)
                self.assertEqual(OK, board.write_value("mqtt_cert", "mqtt_cert", value))
                if turn % 30 == 0:
                    board = self.again(board)
                held = nvs.read(self.stored(board))
                self.assertEqual(value, held["mqtt_cert", "mqtt_cert"])
                self.assertIn("erased", nvs.pages(self.stored(board)))
            before["mqtt_cert", "mqtt_cert"] = value
            self.assertEqual(before, dump(board))
            sequences = [struct.unpack_from("<I", p, 4)[0] for p in nvs.cut(self.stored(board)) if p[0] != 0xFF]
            self.assertGreater(max(sequences), 2 * len(sequences))

    def test_the_chunks_of_a_blob_alternate(self):
        board = self.start().boot()
        firsts = []
        for turn in range(4):
            board.write_value("bench", "blob", b"%d" % turn * 6000)
            data = self.stored(board)
            self.assertEqual(b"%d" % turn * 6000, nvs.read(data)["bench", "blob"])
            for page in nvs.cut(data):
                firsts += [head[29] for head, _ in nvs.entries(page) if head[1] == nvs.INDEX and head[8:13] == b"blob\0"]
        self.assertEqual([0x00, 0x80, 0x00, 0x80], firsts)

    def test_the_same_value_again_is_not_written(self):
        board = self.start().boot()
        board.write_value("bench", "blob", b"x" * 500)
        board.command('AT+SYSMFG=2,"bench","number",5,70000')
        before = self.stored(board)
        self.assertEqual(OK, board.write_value("bench", "blob", b"x" * 500))
        self.assertEqual(OK, board.command('AT+SYSMFG=2,"bench","number",5,70000'))
        self.assertEqual(before, self.stored(board))

    def test_a_full_partition_takes_no_more_and_loses_nothing(self):
        board = self.start("4.1", chip="esp32c2", options=("--module", "ESP32C2-2MB")).boot()
        n = 0
        while board.write_value("bench", "blob%d" % n, os.urandom(3000)) == OK:
            n += 1
        self.assertGreater(n, 5)
        data = board.flash_bytes(0x1B000, 0xF000)
        held = nvs.read(data)
        self.assertNotIn(("bench", "blob%d" % n), held)
        self.assertIn(("bench", "blob%d" % (n - 1)), held)
        self.assertEqual(1, nvs.pages(data).count("erased"))
        self.assertEqual(OK, board.command('AT+SYSMFG=0,"bench","blob0"'))
        self.assertEqual(OK, board.write_value("bench", "blob%d" % n, os.urandom(2500)))

    def test_a_long_blob_and_one_that_is_too_long(self):
        board = self.start().boot()
        self.assertEqual(OK, board.write_value("bench", "long", bytes(range(256)) * 120))
        self.assertEqual((BLOB, bytes(range(256)) * 120), get(board, "bench", "long"))
        self.assertEqual(OK, board.command('AT+SYSMFG=0,"bench","long"'))
        self.assertEqual(ERROR, board.command('AT+SYSMFG=2,"bench","long",8,65537'))

    def test_integers_have_the_limits_of_their_types(self):
        board = self.start().boot()
        for kind, least, most in ((1, 0, 255), (2, -128, 127), (3, 0, 65535), (4, -32768, 32767), (5, 0, 2**31 - 1),
                                  (6, -2**31 + 1, 2**31 - 1)):
            for value in (least, most):
                line = 'AT+SYSMFG=2,"bench","n%d",%d,%d' % (kind, kind, value)
                self.assertEqual(OK, board.command(line), line)
                self.assertEqual((kind, b"%d" % value), get(board, "bench", "n%d" % kind))
            if kind < 5:
                for value in (least - 1, most + 1):
                    self.assertEqual(ERROR, board.command('AT+SYSMFG=2,"bench","n%d",%d,%d' % (kind, kind, value)))

    def test_a_string_holds_no_nul_and_4000_bytes_with_its_own(self):
        board = self.start().boot()
        self.assertEqual(ERROR, board.write_value("bench", "text", b"a\0b", STRING))
        self.assertEqual(OK, board.write_value("bench", "text", b"t" * 3999, STRING))
        self.assertEqual((STRING, b"t" * 3999), get(board, "bench", "text"))
        self.assertEqual(ERROR, board.write_value("bench", "more", b"t" * 4000, STRING))

    def test_one_key_with_two_types_cannot_be_read(self):
        board = self.start().boot()
        board.command('AT+SYSMFG=2,"bench","k",1,5')
        self.assertEqual(OK, board.write_value("bench", "k", b"five"))
        self.assertEqual([("bench", "k", 1), ("bench", "k", 8)], [k for k in keys(board) if k[0] == "bench"])
        self.assertEqual(None, get(board, "bench", "k"))

    def test_bytes_behind_the_data_are_a_line_while_it_writes(self):
        board = self.start(pace="full").boot()
        board.at.write(b'AT+SYSMFG=2,"bench","k",8,4\r\n')
        board.wait_for(b">")
        board.at.write(b"dataAT\r\n")
        self.assertEqual(b"ERR CODE:0x010b0000\r\n\r\nbusy p...\r\n" + OK, board.answer())


class PowerFails(MfgCase):
    """Flash files of the moments between two programming steps."""

    KEY = ("mqtt_cert", "mqtt_cert")

    def setUp(self):
        self.board = self.start().boot()
        self.before = self.stored(self.board)
        self.assertEqual(OK, self.board.write_value(*self.KEY, b"new" * 400))
        self.after = self.stored(self.board)
        self.old = nvs.read(self.before)[self.KEY]

    def boot(self, data, want):
        board = self.change(self.board, MFG, data).boot()
        value = get(board, *self.KEY)
        self.assertEqual((BLOB, want) if want else None, value)
        held = nvs.read(self.stored(board))
        self.assertEqual(want, held.get(self.KEY))
        rest = {k: v for k, v in nvs.read(self.before).items() if k != self.KEY}
        self.assertEqual(rest, {k: v for k, v in held.items() if k != self.KEY})
        self.assertEqual(OK, board.write_value(*self.KEY, b"again" * 300))
        self.assertEqual(b"again" * 300, nvs.read(self.stored(board))[self.KEY])

    def tables(self, data):
        """Where each page's table of entry states is."""
        return [(at + 32, at + 64) for at in range(0, len(data), PAGE)]

    def entry(self, data, kind, chunk=None):
        """(number of the page, number of the entry) of the written one of the key."""
        for page in range(len(data) // PAGE):
            for number in range(nvs.ENTRIES):
                at = page * PAGE + 64 + number * 32
                head = data[at:at + 32]
                written = data[page * PAGE + 32 + number // 4] >> number % 4 * 2 & 3 == 2
                if written and head[1] == kind and head[8:18] == b"mqtt_cert\0" and chunk in (None, head[3]):
                    return page, number
        raise AssertionError("not there")

    def test_between_the_new_value_and_the_end_of_the_old_one(self):
        data = bytearray(self.after)
        for table, _ in self.tables(data)[:self.entry(self.before, nvs.INDEX)[0] + 1]:
            for i in range(table, table + 32):
                old = self.before[i]
                for shift in range(0, 8, 2):  # what was there then and is not now
                    if old >> shift & 3 == 2:
                        data[i] = data[i] & ~(3 << shift) | 2 << shift
        self.boot(bytes(data), b"new" * 400)

    def test_before_the_index_of_a_blob(self):
        """All of its data is there, nothing says so: the old value stays."""
        data = bytearray(self.before)
        page, number = self.entry(self.after, nvs.CHUNK, 0x80)
        span = self.after[page * PAGE + 64 + number * 32 + 2]
        for i in range(number, number + span):
            at = page * PAGE + 64 + i * 32
            data[at:at + 32] = self.after[at:at + 32]
            data[page * PAGE + 32 + i // 4] &= ~(1 << i % 4 * 2)
        self.boot(bytes(data), self.old)

    def test_between_an_entry_and_its_state(self):
        data = bytearray(self.before)
        page, number = self.entry(self.after, nvs.CHUNK, 0x80)
        at = page * PAGE + 64 + number * 32
        data[at:at + 32] = self.after[at:at + 32]
        self.boot(bytes(data), self.old)

    def test_in_the_middle_of_an_items_data(self):
        data = bytearray(self.before)
        page, number = self.entry(self.after, nvs.CHUNK, 0x80)
        for i in range(number, number + 5):
            at = page * PAGE + 64 + i * 32
            data[at:at + 32] = self.after[at:at + 32]
            data[page * PAGE + 32 + i // 4] &= ~(1 << i % 4 * 2)
        self.boot(bytes(data), self.old)

    def test_a_damaged_value_is_gone(self):
        data = bytearray(self.after)
        page, number = self.entry(self.after, nvs.CHUNK, 0x80)
        data[page * PAGE + 64 + (number + 3) * 32] ^= 1
        board = self.change(self.board, MFG, bytes(data)).boot()
        self.assertEqual(None, get(board, *self.KEY))

    def test_a_page_with_a_damaged_head_is_used_again(self):
        data = bytearray(self.after)
        free = nvs.pages(self.after).index("erased") * PAGE
        data[free:free + 32] = struct.pack("<II", 0xFFFFFFFE, 7) + b"\xfe" + b"\xff" * 19 + b"\0" * 4
        board = self.change(self.board, MFG, bytes(data)).boot()
        for turn in range(60):
            self.assertEqual(OK, board.write_value(*self.KEY, b"%d" % turn * 1000))
        held = nvs.read(self.stored(board))
        self.assertEqual(b"59" * 1000, held.pop(self.KEY))
        self.assertEqual({k: v for k, v in nvs.read(self.before).items() if k != self.KEY}, held)

    def test_while_a_page_is_moved(self):
        """The one that is freed still holds all; what was copied is thrown away and copied again."""
        data = bytearray(self.after)
        pages = nvs.pages(self.after)
        free, last = pages.index("erased"), pages.index("active")
        data[last * PAGE:last * PAGE + 4] = struct.pack("<I", 0xFFFFFFFC)
        struct.pack_into("<I", data, 0, 0xFFFFFFF8)
        head = struct.pack("<II", 0xFFFFFFFE, last + 1) + b"\xfe" + b"\xff" * 19
        data[free * PAGE:free * PAGE + 32] = head + struct.pack("<I", nvs.crc(head[4:]))
        data[free * PAGE + 64:free * PAGE + 160] = data[64:160]  # a namespace and a string in it
        data[free * PAGE + 32] = 0b11101010
        self.boot(bytes(data), b"new" * 400)
        self.assertNotIn("freeing", nvs.pages(self.stored(self.board)))


if __name__ == "__main__":
    unittest.main()
