"""Names, a TCP connection and an echo, asked of the board: whether the network behind its access point works."""
import socket
import unittest

from peers import Deaf, Fake, free_port
from simboard import Board

OK, ERROR = b"\r\nOK\r\n", b"\r\nERROR\r\n"
HERE = {"ESPBOARD_RESOLVE": "127.0.0.1"}


class TcpIp(unittest.TestCase):
    def start(self, join=True, env=None, firmware="2.4"):
        board = Board(wifi=["Lab"], env=env, firmware=firmware)
        self.addCleanup(board.stop)
        board.boot()
        board.command("AT+CWMODE=1")
        if join:
            board.command('AT+CWJAP="Lab",""')
        return board

    def fake(self, talk):
        server = Fake(talk)
        self.addCleanup(server.stop)
        return server

    def test_a_name_has_an_address_or_none(self):
        board = self.start(env=HERE)
        self.assertEqual(board.command('AT+CIPDOMAIN="broker.example"'), b'+CIPDOMAIN:"127.0.0.1"\r\n' + OK)
        self.assertEqual(board.command('AT+CIPDOMAIN="10.1.2.3"'), b'+CIPDOMAIN:"10.1.2.3"\r\n' + OK)
        board = self.start(env={"ESPBOARD_RESOLVE": "no address"})
        self.assertEqual(board.command('AT+CIPDOMAIN="nosuch.invalid"'), b"DNS Fail\r\n" + ERROR)
        self.assertEqual(board.command('AT+CIPSTART="TCP","nosuch.invalid",1'), b"DNS Fail\r\n" + ERROR)
        self.assertEqual(board.command('AT+PING="nosuch.invalid"'), b"+PING:TIMEOUT\r\n" + ERROR)

    def test_name_servers_are_told_and_remembered(self):
        board = self.start()
        self.assertEqual(board.command("AT+CIPDNS?"), b'+CIPDNS:0,"10.0.2.2"\r\n' + OK)
        self.assertEqual(board.command('AT+CIPDNS=1,"10.0.2.2","9.9.9.9"'), OK)
        self.assertEqual(board.command("AT+CIPDNS?"), b'+CIPDNS:1,"10.0.2.2","9.9.9.9"\r\n' + OK)
        for line in ("AT+CIPDNS=2", "AT+CIPDNS=1", 'AT+CIPDNS=0,"9.9.9.9"', 'AT+CIPDNS=1,"name.example"'):
            self.assertIn(ERROR, board.command(line), line)
        self.assertEqual(board.command("AT+CIPDNS=0"), OK)
        self.assertEqual(board.command("AT+CIPDNS?"), b'+CIPDNS:0,"10.0.2.2"\r\n' + OK)

    def test_before_2_2_an_address_had_no_quotes(self):
        # The emulated V2.0 is as the others here, but for the form.
        board = self.start(env=HERE, firmware="2.0")
        self.assertEqual(board.command('AT+CIPDOMAIN="broker.example"'), b"+CIPDOMAIN:127.0.0.1\r\n" + OK)
        self.assertRegex(board.command('AT+PING="127.0.0.1"'), rb"\A\+\d+\r\n\r\nOK\r\n\Z")

    def test_a_connection_is_made_and_closed(self):
        server = self.fake(lambda connection: connection.recv(1))
        board = self.start()
        start = 'AT+CIPSTART="TCP","127.0.0.1",%d' % server.port
        self.assertEqual(board.command("AT+CIPCLOSE"), ERROR)
        self.assertEqual(board.command(start), b"CONNECT\r\n" + OK)
        self.assertEqual(board.command(start), b"ALREADY CONNECTED\r\n" + ERROR)
        self.assertEqual(board.command("AT+CIPCLOSE"), b"CLOSED\r\n" + OK)
        self.assertEqual(board.command(start + ',60,"10.0.2.15"'), b"CONNECT\r\n" + OK)
        self.assertEqual(board.command("AT+CWQAP"), b"WIFI DISCONNECT\r\nCLOSED\r\n" + OK)
        self.assertEqual(board.command(start), ERROR)

    def test_what_the_peer_says_and_its_leaving_are_told(self):
        server = self.fake(lambda connection: (connection.sendall(b"220 hi\r\n"), connection.shutdown(socket.SHUT_RDWR)))
        board = self.start()
        self.assertEqual(board.command('AT+CIPSTART="TCP","127.0.0.1",%d' % server.port), b"CONNECT\r\n" + OK)
        self.assertEqual(board.wait_for(b"CLOSED\r\n"), b"\r\n+IPD,8:220 hi\r\nCLOSED\r\n")
        self.assertEqual(board.command("AT+CIPCLOSE"), ERROR)

    def test_a_closed_port_is_an_error_and_yet_a_host(self):
        board = self.start()
        self.assertEqual(board.command('AT+CIPSTART="TCP","127.0.0.1",%d' % free_port()), ERROR)
        self.assertRegex(board.command('AT+PING="127.0.0.1"'), rb"\A\+PING:\d+\r\n\r\nOK\r\n\Z")

    def test_without_an_address_nobody_is_asked(self):
        board = self.start(join=False, env=HERE)
        board.log.pump(0.1)
        for line in ('AT+CIPDOMAIN="broker.example"', 'AT+CIPSTART="TCP","127.0.0.1",%d' % free_port(),
                     'AT+PING="127.0.0.1"'):
            board.log.seen = b""
            self.assertEqual(board.command(line), ERROR, line)
            board.log.pump(1)
            self.assertEqual(board.log.seen, b"no ip\r\r\n", line)

    def test_bad_parameters_are_refused(self):
        board = self.start()
        for line in ("AT+CIPDOMAIN=", 'AT+CIPSTART="UDP","127.0.0.1",9', 'AT+CIPSTART="TCP","127.0.0.1"',
                     'AT+CIPSTART="TCP","127.0.0.1",0', 'AT+CIPSTART="TCP","127.0.0.1",65536',
                     'AT+CIPSTART="TCP","127.0.0.1",9,7201', 'AT+CIPSTART="TCP","%s",9' % ("h" * 65), "AT+PING=1"):
            self.assertIn(ERROR, board.command(line), line)

    def test_a_reset_drops_the_connection_and_the_question(self):
        server = self.fake(lambda connection: connection.recv(1))
        board = self.start()
        board.command('AT+CIPSTART="TCP","127.0.0.1",%d' % server.port)
        board.command("AT+RST")
        self.assertNotIn(b"CLOSED", board.wait_for(b"\r\nready\r\n"))
        board.wait_for(b"WIFI GOT IP\r\n")
        board.command("ATE0")
        deaf = Deaf()
        self.addCleanup(deaf.stop)
        board.at.write(b'AT+CIPSTART="TCP","127.0.0.1",%d\r\n' % deaf.port)
        self.assertEqual(board.quiet(), b"")
        board.at.write(b"AT\r\n")
        self.assertEqual(board.wait_for(b"busy p...\r\n"), b"\r\nbusy p...\r\n")
        board.at.write(b"AT+RST\r\n")
        self.assertNotIn(b"ERROR", board.wait_for(b"\r\nready\r\n"))


if __name__ == "__main__":
    unittest.main()
