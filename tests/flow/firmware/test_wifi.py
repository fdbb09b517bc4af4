"""Joining and leaving access points."""
import unittest

from simboard import Board

OK, ERROR = b"\r\nOK\r\n", b"\r\nERROR\r\n"
NETWORKS = ["Lab:secret99", "Open", 'Odd "x",\\:p\\"a,ss']
JOINED = b"WIFI CONNECTED\r\nWIFI GOT IP\r\n" + OK


class Wifi(unittest.TestCase):
    def start(self, **options):
        board = Board(wifi=NETWORKS, **options)
        self.addCleanup(board.stop)
        board.boot()
        board.command("AT+CWMODE=1")
        return board

    def test_join_tells_its_stages_and_the_queries_agree(self):
        board = self.start()
        self.assertEqual(board.command("AT+CWSTATE?"), b'+CWSTATE:0,""\r\n' + OK)
        self.assertEqual(board.command("AT+CWJAP?"), OK)
        self.assertEqual(board.command('AT+CWJAP="Lab","secret99"'), JOINED)
        self.assertEqual(board.command("AT+CWSTATE?"), b'+CWSTATE:2,"Lab"\r\n' + OK)
        self.assertTrue(board.command("AT+CWJAP?").startswith(b'+CWJAP:"Lab","10:01:00:'))
        self.assertIn(b'+CIPSTA:ip:"10.0.2.15"\r\n', board.command("AT+CIPSTA?"))

    def test_wrong_password_and_absent_network_have_their_codes(self):
        board = self.start()
        self.assertEqual(board.command('AT+CWJAP="Lab","wrong"'), b"+CWJAP:2\r\n" + ERROR)
        self.assertEqual(board.command('AT+CWJAP="NoSuchNet",""'), b"+CWJAP:3\r\n" + ERROR)
        self.assertEqual(board.command("AT+CWSTATE?"), b'+CWSTATE:4,"NoSuchNet"\r\n' + OK)
        self.assertEqual(board.command('AT+CWJAP="Open","password"'), b"+CWJAP:3\r\n" + ERROR)
        self.assertIn(b'+CIPSTA:ip:"0.0.0.0"\r\n', board.command("AT+CIPSTA?"))

    def test_names_and_passwords_are_unescaped(self):
        board = self.start()
        line = 'AT+CWJAP="Odd \\"x\\"\\,\\\\","p\\\\\\"a\\,ss"'
        self.assertEqual(board.command(line), JOINED)

    def test_a_second_join_leaves_first(self):
        board = self.start()
        board.command('AT+CWJAP="Lab","secret99"')
        self.assertEqual(board.command('AT+CWJAP="Open",""'), b"WIFI DISCONNECT\r\n" + JOINED)
        self.assertEqual(board.command("AT+CWQAP"), b"WIFI DISCONNECT\r\n" + OK)
        self.assertEqual(board.command("AT+CWQAP"), OK)
        self.assertEqual(board.command("AT+CWSTATE?"), b'+CWSTATE:4,"Open"\r\n' + OK)

    def test_the_stored_network_is_joined_at_boot_around_ready(self):
        board = self.start()
        board.command('AT+CWJAP="Lab","secret99"')
        self.assertEqual(board.command("AT+RST"), OK)
        self.assertEqual(board.wait_for(b"ready\r\n"),
                         b"WIFI DISCONNECT\r\nWIFI CONNECTED\r\n\r\nready\r\n")
        self.assertEqual(board.wait_for(b"IP\r\n"), b"WIFI GOT IP\r\n")

    def test_a_network_that_is_not_stored_is_not_joined_again(self):
        board = self.start()
        board.command("AT+SYSSTORE=0")
        self.assertEqual(board.command('AT+CWJAP="Lab","secret99"'), JOINED)
        board.command("AT+RST")
        board.wait_for(b"ready\r\n")
        self.assertEqual(board.quiet(), b"")
        self.assertNotIn(b"secret99", board.flash_bytes(0, 4 << 20))

    def test_an_access_point_alone_joins_nothing(self):
        board = self.start()
        board.command("AT+CWMODE=2")
        self.assertEqual(board.command('AT+CWJAP="Lab","secret99"'), ERROR)
        self.assertEqual(board.command("AT+CWLAP"), ERROR)

    def test_a_scan_lists_what_is_in_reach(self):
        found = self.start().command("AT+CWLAP")
        self.assertIn(b'+CWLAP:(3,"Lab",', found)
        self.assertIn(b'+CWLAP:(0,"Open",', found)


if __name__ == "__main__":
    unittest.main()
