"""What the firmware keeps in flash and what it makes of it: stock contents, AT+SYSFLASH, a board that
cannot start."""
import os
import re
import time
import unittest

from peers import image
from simboard import Board, DATA, PATIENCE

OK, ERROR = b"\r\nOK\r\n", b"\r\nERROR\r\n"
MQTT_CERT, SECTOR = 0x37000, 4096


def code(*numbers):
    return b"".join(b"ERR CODE:0x%08x\r\n" % n for n in numbers) + ERROR


def golden(name):
    with open(os.path.join(DATA, "partition_table", "out", name), "rb") as f:
        return f.read()


class Flash(unittest.TestCase):
    maxDiff = None

    def start(self, **options):
        board = Board(**options)
        self.addCleanup(board.stop)
        return board

    def damage(self, board, at, data):
        """Change the flash of a board without power, then start it."""
        board.power_off()
        with open(board.flash, "r+b") as f:
            f.seek(at)
            f.write(data)
        return board.power_on()

    def console(self, board, want):
        end = time.monotonic() + PATIENCE
        while want not in board.log.seen and time.monotonic() < end:
            board.log.pump(0.2)
        self.assertIn(want, board.log.seen)

    def test_stock_tables_are_those_of_the_release(self):
        board = self.start()
        self.assertEqual(board.flash_bytes(0x8000, 3072), golden("primary_5fda49ec.nomd5.bin"))
        self.assertEqual(board.flash_bytes(0x20000, 3072), golden("customize_aa8b7218.bin"))

    def test_stock_partitions_hold_dummy_credentials(self):
        board = self.start()
        for name, at, head in (("mqtt_cert", 0x37000, b"CERTIFICATE"), ("mqtt_ca", 0x3B000, b"CERTIFICATE"),
                               ("wpa2_key", 0x33000, b"PRIVATE KEY"), ("client_cert", 0x2A000, b"CERTIFICATE")):
            data = board.flash_bytes(at, 0x2000)
            items = 2 if name.startswith("client") else 1
            self.assertEqual(data[:4], b"\xf1\xf1" + bytes([items, 0]), name)
            self.assertEqual(data.count(b"-----BEGIN " + head), items, name)
            self.assertEqual(data.rstrip(b"\xff")[-1:], b"\n", name)
        self.assertEqual(board.flash_bytes(0x12000, 0xE000).strip(b"\xff"), b"")

    def test_erase_write_read_and_the_and_of_two_writes(self):
        board = self.start().boot()
        pem = image("cert", b"x" * 1201)
        self.assertEqual(board.command('AT+SYSFLASH=0,"mqtt_cert"'), OK)
        self.assertEqual(board.flash_bytes(MQTT_CERT, 0x2000), b"\xff" * 0x2000)
        self.assertEqual(board.write_partition("mqtt_cert", pem), OK)
        self.assertEqual(board.flash_bytes(MQTT_CERT, len(pem)), pem)
        board.at.write(b'AT+SYSFLASH=2,"mqtt_cert",0x0,%d\r\n' % len(pem))
        self.assertEqual(board.wait_for(OK), b"+SYSFLASH:%d," % len(pem) + pem + OK)
        for data in (b"\xf0", b"\x3c"):
            board.at.write(b'AT+SYSFLASH=1,"mqtt_cert",8191,1\r\n')
            self.assertEqual(board.wait_for(b">"), b">")
            board.at.write(data)
            self.assertEqual(board.answer(), OK)
        self.assertEqual(board.flash_bytes(MQTT_CERT + 8191, 1), b"\x30")

    def test_neighbours_stay(self):
        board = self.start().boot()
        before = board.flash_bytes(0, 4 << 20)
        board.write_partition("mqtt_cert", b"n" * 8192)
        after = board.flash_bytes(0, 4 << 20)
        self.assertEqual(before[:MQTT_CERT], after[:MQTT_CERT])
        self.assertEqual(before[MQTT_CERT + 8192:], after[MQTT_CERT + 8192:])

    def test_ranges_are_judged_as_the_real_command_does(self):
        board = self.start().boot()
        for line, want in (('AT+SYSFLASH=0,"mqtt_ca",0,4095', code(0x010A0001)),
                           ('AT+SYSFLASH=0,"mqtt_ca",4096,8192', code(0x010A0002)),
                           ('AT+SYSFLASH=0,"nosuch"', code(0x010A0000)),
                           ('AT+SYSFLASH=1,"nosuch",0,4', code(0x010A0000)),
                           ('AT+SYSFLASH=2,"mqtt_ca",8192,1', code(0x010A0001, 0x010A0003)),
                           ('AT+SYSFLASH=2,"mqtt_ca",8192,0', b"+SYSFLASH:0," + OK),
                           ('AT+SYSFLASH=1,"mqtt_ca",0,0', b">" + OK)):
            self.assertEqual(board.command(line), want, line)

    def test_a_write_beyond_the_end_takes_its_bytes_and_stores_none(self):
        board = self.start().boot()
        before = board.flash_bytes(0x3B000, 0x4000)
        board.at.write(b'AT+SYSFLASH=1,"mqtt_ca",8188,8\r\n')
        self.assertEqual(board.wait_for(b">"), b"ERR CODE:0x010a0001\r\n>")
        board.at.write(b"12345678")
        self.assertEqual(board.answer(), code(0x010A0003))
        self.assertEqual(board.flash_bytes(0x3B000, 0x4000), before)

    def test_a_starving_write_swallows_commands_and_ends_with_its_last_byte(self):
        board = self.start().boot()
        board.command('AT+SYSFLASH=0,"mqtt_ca"')
        board.at.write(b'AT+SYSFLASH=1,"mqtt_ca",0,16\r\n')
        board.wait_for(b">")
        board.at.write(b"0123")
        board.at.write(b"AT+RST\r\n")
        self.assertEqual(board.quiet(), b"")
        board.at.write(b"....AT\r\n")
        self.assertEqual(board.quiet(), OK + OK)
        self.assertEqual(board.flash_bytes(0x3B000, 16), b"0123AT+RST\r\n....")

    def test_a_table_without_a_partition_has_no_such_partition(self):
        board = self.start()
        table = board.flash_bytes(0x20000, 3072)
        entries = [table[i:i + 32] for i in range(0, 3072, 32)]
        kept = [e for e in entries if e[:2] == b"\xaa\x50" and b"mqtt" not in e]
        other = self.damage(board, 0x20000, b"".join(kept).ljust(3072, b"\xff")).boot()
        self.assertNotIn(b"mqtt", other.command("AT+SYSFLASH?"))
        self.assertEqual(other.command('AT+SYSFLASH=2,"mqtt_ca",0,4'), code(0x010A0000))
        self.assertEqual(other.command('AT+MQTTUSERCFG=0,3,"a","","",0,0,""'), OK)
        self.assertEqual(other.command('AT+MQTTCONN=0,"127.0.0.1",1,0'),
                         code(0x010A6021, 0x010A6009, 0x010A600A))

    def test_factory_parameters_are_read_from_flash(self):
        board = self.start()
        param = bytearray(board.flash_bytes(0x30000, SECTOR))
        param[56:88] = b"MY-MODULE".ljust(32, b"\0")
        other = self.damage(board, 0x30000, bytes(param)).boot()
        self.assertIn(b"(MY-MODULE)", other.command("AT+GMR"))
        self.console(other, b"module_name: MY-MODULE\r\r\n")

    def test_factory_parameters_may_put_the_at_port_on_uart0(self):
        board = self.start()
        param = bytearray(board.flash_bytes(0x30000, SECTOR))
        param[5] = 0
        other = self.damage(board, 0x30000, bytes(param))
        self.console(other, b"AT cmd port:uart0")
        self.console(other, b"\r\nready\r\n")
        other.log.write(b"AT\r\n")
        self.console(other, b"\r\nready\r\nAT\r\n\r\nOK\r\n")
        other.at.write(b"AT\r\n")
        self.assertEqual(other.quiet(0.3), b"")

    def test_without_an_application_nothing_starts(self):
        board = self.damage(self.start(), 0x100000, b"\xff")
        self.console(board, b"No bootable app partitions")
        self.assertEqual(board.quiet(0.5), b"")

    def test_without_a_bootloader_the_rom_is_left_alone(self):
        board = self.damage(self.start(), 0x1000, b"\xff" * 16)
        self.console(board, b"invalid header: 0xffffffff")
        self.assertEqual(board.quiet(0.5), b"")

    def test_the_console_shows_the_table_and_the_release(self):
        board = self.start()
        board.wait_for(b"\r\nready\r\n")
        self.console(board, b"2.4.0\r\r\n")
        text = re.sub(rb"\(\d+\)", b"()", board.log.seen)
        self.assertIn(b"I () boot:  3 at_customize     unknown          40 00 00020000 000e0000\r\n", text)

    def test_a_paced_board_takes_its_time(self):
        board = self.start(pace="full")
        start = time.monotonic()
        board.boot()
        self.assertGreater(time.monotonic() - start, 1.0)
        start = time.monotonic()
        self.assertEqual(board.command('AT+SYSFLASH=0,"mqtt_ca"'), OK)
        self.assertGreater(time.monotonic() - start, 0.09)


if __name__ == "__main__":
    unittest.main()
