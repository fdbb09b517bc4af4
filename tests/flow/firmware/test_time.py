"""The board's clock and its SNTP client."""
import time
import unittest

from peers import TimeServer
from simboard import Board, PATIENCE

OK, ERROR = b"\r\nOK\r\n", b"\r\nERROR\r\n"


class Clock(unittest.TestCase):
    def server(self, *options):
        server = TimeServer(*options)
        self.addCleanup(server.stop)
        return server

    def start(self, env=None, join=True):
        board = Board(wifi=["Lab"], env=env)
        self.addCleanup(board.stop)
        board.boot()
        board.command("AT+CWMODE=1")
        board.command("AT+SYSSTORE=0")
        if join:
            board.command('AT+CWJAP="Lab",""')
        return board

    def year(self, board):
        said = board.command("AT+CIPSNTPTIME?", end=(OK[2:],))
        self.assertRegex(said, rb"\A\+CIPSNTPTIME:\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\r\nOK\r\n\Z")
        return int(said[-10:-6])

    def wait_synced(self, board):
        end = time.monotonic() + PATIENCE
        while self.year(board) == 1970:
            self.assertLess(time.monotonic(), end, "the clock was never set")
            time.sleep(0.05)

    def seconds(self, board):
        said = board.command("AT+SYSTIMESTAMP?", end=(OK[2:],))
        return int(said.split(b":")[1].split(b"\r")[0])

    def test_the_clock_starts_at_1970_and_the_server_sets_it(self):
        board = self.start(self.server().env())
        self.assertEqual(board.command("AT+CIPSNTPCFG?"), b"+CIPSNTPCFG:0,0\r\n" + OK)
        self.assertEqual(self.year(board), 1970)
        self.assertEqual(board.command('AT+CIPSNTPCFG=1,0,"127.0.0.1"'), OK)
        self.wait_synced(board)
        self.assertLess(abs(self.seconds(board) - time.time()), 10)
        self.assertEqual(board.command("AT+CIPSNTPCFG?"), b'+CIPSNTPCFG:1,0,"127.0.0.1"\r\n' + OK)
        self.assertEqual(board.quiet(), b"", "+TIME_UPDATED came with v3.0")

    def test_the_time_is_the_servers_and_shown_in_the_zone(self):
        board = self.start(self.server("--shift", str(1741944432 - time.time())).env())
        board.command('AT+CIPSNTPCFG=1,8,"127.0.0.1"')
        self.wait_synced(board)
        said = board.command("AT+CIPSNTPTIME?", end=(OK[2:],))
        self.assertTrue(said.startswith(b"+CIPSNTPTIME:Fri Mar 14 17:27:"), said)
        board.command('AT+CIPSNTPCFG=1,-330,"127.0.0.1"')
        said = board.command("AT+CIPSNTPTIME?", end=(OK[2:],))
        self.assertTrue(said.startswith(b"+CIPSNTPTIME:Fri Mar 14 05:57:"), said)

    def test_a_silent_server_leaves_1970(self):
        board = self.start(self.server("--silent").env())
        board.command('AT+CIPSNTPCFG=1,0,"127.0.0.1"')
        time.sleep(1)
        self.assertEqual(self.year(board), 1970)

    def test_without_wifi_nobody_is_asked(self):
        board = self.start(self.server().env(), join=False)
        board.command('AT+CIPSNTPCFG=1,0,"127.0.0.1"')
        time.sleep(1)
        self.assertEqual(self.year(board), 1970)

    def test_a_server_is_found_by_name(self):
        env = dict(self.server().env(), ESPBOARD_RESOLVE="127.0.0.1")
        board = self.start(env)
        board.command('AT+CIPSNTPCFG=1,0,"time.example"')
        self.wait_synced(board)

    def test_a_software_reset_keeps_the_clock_and_power_loses_it(self):
        board = self.start(self.server().env())
        board.command('AT+CIPSNTPCFG=1,0,"127.0.0.1"')
        self.wait_synced(board)
        board.command("AT+RST")
        board.boot()
        self.assertEqual(board.command("AT+CIPSNTPCFG?"), b"+CIPSNTPCFG:0,0\r\n" + OK)
        self.assertGreater(self.year(board), 2020)
        board.power_off()
        self.assertEqual(self.year(board.power_on().boot()), 1970)

    def test_the_clock_is_set_by_hand(self):
        board = self.start()
        self.assertEqual(board.command("AT+SYSTIMESTAMP=1741944432"), OK)
        self.assertEqual(self.year(board), 2025)

    def test_the_interval_is_3600_s_and_15_at_least(self):
        board = self.start()
        self.assertEqual(board.command("AT+CIPSNTPINTV?"), b"+CIPSNTPINTV:3600\r\n" + OK)
        self.assertEqual(board.command("AT+CIPSNTPINTV=15"), OK)
        self.assertEqual(board.command("AT+CIPSNTPINTV?"), b"+CIPSNTPINTV:15\r\n" + OK)

    def test_zones_are_hours_or_hours_and_minutes(self):
        board = self.start()
        board.command("AT+SYSTIMESTAMP=1741944432")  # 09:27:12 UTC
        for zone, shown in ((0, b"09:27:"), (14, b"23:27:"), (-12, b"21:27:"), (545, b"15:12:"),
                            (20, b"09:47:")):
            self.assertEqual(board.command('AT+CIPSNTPCFG=1,%d,"127.0.0.1"' % zone), OK)
            self.assertIn(shown, board.command("AT+CIPSNTPTIME?", end=(OK[2:],)), zone)

    def test_bad_settings_are_refused(self):
        board = self.start()
        for line in ("AT+CIPSNTPCFG=2", "AT+CIPSNTPCFG=1,5000", "AT+SYSTIMESTAMP=-1",
                     "AT+CIPSNTPINTV=5", "AT+CIPSNTPINTV=4294968"):
            self.assertEqual(board.command(line), ERROR, line)
        self.assertEqual(board.command("AT+CIPSNTPCFG=0"), OK)

    def test_what_is_refused_changes_nothing(self):
        board = self.start()
        self.assertEqual(board.command('AT+CIPSNTPCFG=1,3,"127.0.0.1","127.0.0.2"'), OK)
        for line in ("AT+CIPSNTPCFG=1,5,9", 'AT+CIPSNTPCFG=1,5,"127.0.0.9",9', "AT+CIPSNTPCFG=1,5000"):
            self.assertIn(ERROR, board.command(line), line)
            self.assertEqual(board.command("AT+CIPSNTPCFG?"), b'+CIPSNTPCFG:1,3,"127.0.0.1","127.0.0.2"\r\n' + OK)


if __name__ == "__main__":
    unittest.main()
