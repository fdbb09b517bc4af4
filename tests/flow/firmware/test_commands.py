"""The firmware's command line and the commands that need no network, as release 2.4 has them."""
import time
import unittest

from simboard import Board

OK, ERROR = b"\r\nOK\r\n", b"\r\nERROR\r\n"


def code(*numbers):
    return b"".join(b"ERR CODE:0x%08x\r\n" % n for n in numbers) + ERROR


class Commands(unittest.TestCase):
    maxDiff = None

    def start(self, **options):
        board = Board(**options)
        self.addCleanup(board.stop)
        return board

    def test_versions_name_themselves(self):
        self.assertIn(b"Bin version:2.4.0(WROOM-32)\r\n\r\nOK\r\n",
                      self.start().boot().command("AT+GMR"))
        self.assertIn(b"Bin version:2.0.0(WROOM-32)\r\n\r\nOK\r\n",
                      self.start(firmware="2.0").boot().command("AT+GMR"))

    def test_a_release_has_the_commands_of_its_time(self):
        listed = self.start().boot().command("AT+CMD?")
        self.assertIn(b'"AT+MQTTALPN",0,0,1,0\r\n', listed)
        self.assertIn(b'"AT+CIPSNTPINTV",0,1,1,0\r\n', listed)
        self.assertNotIn(b"SYSMFG", listed)
        self.assertNotIn(b"MQTTSNI", listed)
        old = self.start(firmware="2.0").boot()
        for line in ("AT+CMD?", "AT+CWSTATE?", "AT+SYSSTORE?", 'AT+MQTTUSERCFG=0,1,"a","","",0,0,""'):
            self.assertEqual(old.command(line), code(0x01090000), line)

    def test_echo_is_on_after_every_boot_and_is_not_stored(self):
        board = self.start()
        board.wait_for(b"\r\nready\r\n")
        self.assertEqual(board.command("AT"), b"AT\r\n\r\nOK\r\n")
        self.assertEqual(board.command("ATE0"), b"ATE0\r\n\r\nOK\r\n")
        self.assertEqual(board.command("AT"), OK)
        board.command("AT+RST")
        board.wait_for(b"\r\nready\r\n")
        self.assertEqual(board.command("AT"), b"AT\r\n\r\nOK\r\n")

    def test_only_cr_lf_ends_a_line(self):
        board = self.start().boot()
        board.at.write(b"AT\r")
        self.assertEqual(board.quiet(), b"")
        board.at.write(b"\n")
        self.assertEqual(board.answer(), OK)
        self.assertEqual(board.command("at"), OK)
        self.assertEqual(board.command("hello"), code(0x01030000))
        self.assertEqual(board.command(""), code(0x01030000))

    def test_a_line_of_256_bytes_is_read_and_one_of_257_is_not(self):
        board = self.start().boot()
        head, tail = 'AT+MQTTSUB=0,"', '",0'
        topic = "t" * (256 - 2 - len(head) - len(tail))
        self.assertEqual(board.command(head + topic + tail), code(0x010A6006))
        self.assertEqual(board.command(head + topic + "t" + tail), code(0x01030000))

    def test_wrong_forms_have_no_code(self):
        board = self.start().boot()
        for line in ("AT+CWMODE", "AT+CWMODE=", "AT+GMR?", "AT+SYSFLASH=3,\"x\",0,4", "AT+UART_CUR=1"):
            self.assertEqual(board.command(line), ERROR, line)
        self.assertEqual(board.command("AT+CWMODE=4"), code(0x01070001))
        self.assertEqual(board.command('AT+SYSFLASH=1,"mqtt_ca",0'), code(0x01080003))

    def test_lines_of_one_burst_get_one_busy(self):
        board = self.start().boot()
        board.at.write(b"AT\r\nAT+GMR\r\nAT\r\n")
        self.assertEqual(board.quiet(), b"ERR CODE:0x010b0000\r\n\r\nbusy p...\r\n" + OK)

    def test_a_restart_is_forced_while_a_command_runs(self):
        board = self.start(faults=["at-stall:GMR"]).boot()
        board.at.write(b"AT+GMR\r\n")
        time.sleep(0.05)
        board.at.write(b"AT\r\n")
        board.wait_for(b"busy p...\r\n")
        time.sleep(0.05)
        board.at.write(b"AT+RST\r\n")
        self.assertEqual(board.wait_for(b"ready\r\n"),
                         b"\r\nWill force to restart!!!\r\n\r\nready\r\n")

    def test_a_busy_fault_answers_so_many_commands(self):
        board = self.start(faults=["busy:2"])
        board.wait_for(b"\r\nready\r\n")
        for want in (b"AT\r\n\r\nbusy p...\r\n", b"AT\r\n\r\nbusy p...\r\n", b"AT\r\n\r\nOK\r\n"):
            board.at.write(b"AT\r\n")
            self.assertEqual(board.quiet(), want)

    def test_messages_can_be_chosen(self):
        board = self.start().boot()
        self.assertEqual(board.command("AT+SYSMSG?"), b"+SYSMSG:0\r\n" + OK)
        self.assertEqual(board.command("AT+SYSMSG=2"), OK)
        self.assertEqual(board.command("AT+SYSMSG?"), b"+SYSMSG:2\r\n" + OK)
        self.assertEqual(board.command("AT+SYSMSG=8"), code(0x01070001))

    def test_settings_survive_power_unless_they_are_not_stored(self):
        board = self.start().boot()
        self.assertEqual(board.command("AT+CWMODE?"), b"+CWMODE:2\r\n\r\nOK\r\n")
        board.command("AT+CWMODE=3")
        board.command("AT+SYSSTORE=0")
        board.command("AT+CWMODE=1")
        self.assertEqual(board.command("AT+CWMODE?"), b"+CWMODE:1\r\n\r\nOK\r\n")
        board.power_off()
        board.power_on().boot()
        self.assertEqual(board.command("AT+CWMODE?"), b"+CWMODE:3\r\n\r\nOK\r\n")
        self.assertEqual(board.command("AT+RESTORE"), OK)
        board.boot()
        self.assertEqual(board.command("AT+CWMODE?"), b"+CWMODE:2\r\n\r\nOK\r\n")

    def test_a_stored_speed_is_the_speed_of_the_next_boot(self):
        board = self.start().boot()
        self.assertEqual(board.command("AT+UART_DEF=57600,8,1,0,0"), OK)
        board.at.set_baud(57600)
        time.sleep(0.1)
        self.assertEqual(board.command("AT+UART_CUR?"), b"+UART_CUR:57600,8,1,0,0\r\n\r\nOK\r\n")
        board.command("AT+RST")
        board.boot()
        self.assertEqual(board.command("AT+UART_DEF?"), b"+UART_DEF:57600,8,1,0,0\r\n\r\nOK\r\n")

    def test_the_station_address_is_the_boards_own(self):
        self.assertEqual(self.start().boot().command("AT+CIPSTAMAC?"),
                         b'+CIPSTAMAC:"24:0a:c4:12:34:56"\r\n\r\nOK\r\n')


if __name__ == "__main__":
    unittest.main()
