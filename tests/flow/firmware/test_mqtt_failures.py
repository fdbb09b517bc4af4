"""How MQTT connections of release 2.4 fail, whose credentials are in partitions. The AT port gives no reason: the URC at
the moment of the failure and an ERROR exactly 5 s later; only missing credentials have a code. Several boards fail at
once, because the firmware's own times are real. What fails behind the credentials is in test_recorded.py."""
import concurrent.futures
import time
import unittest

from mqttcase import DISCONNECTED, ERROR, MqttCase, OK, code
from peers import Fake, free_port, ignore, image

GIVE_UP, NO_ANSWER = 5.0, 10.0
EARLY, LATE = 1.0, 10.0  # a loaded machine hears the beginning late, and the end


class Failures(MqttCase):
    def fails(self, board, port, scheme=5):
        """Seconds from the command to the URC; checks all that is the same for every failure."""
        self.configure(board, scheme)
        begin = time.monotonic()
        board.at.write(b'AT+MQTTCONN=0,"127.0.0.1",%d,0\r\n' % port)
        self.assertEqual(board.wait_for(DISCONNECTED), DISCONNECTED)
        urc = time.monotonic()
        board.at.write(b"AT\r\n")
        self.assertEqual(board.wait_for(b"busy p...\r\n"), b"ERR CODE:0x010b0000\r\n\r\nbusy p...\r\n")
        self.assertEqual(board.wait_for(b"ERROR\r\n"), ERROR)
        gave_up = time.monotonic() - urc
        self.assertGreater(gave_up, GIVE_UP - EARLY)
        self.assertLess(gave_up, GIVE_UP + LATE)
        self.assertEqual(board.command("AT+MQTTCONN?"), b'+MQTTCONN:0,2,%d,"","","",0\r\n' % scheme + OK)
        return urc - begin

    def together(self, **cases):
        """Run all cases at the same time; each is a function without arguments."""
        with concurrent.futures.ThreadPoolExecutor(len(cases)) as pool:
            running = {name: pool.submit(case) for name, case in cases.items()}
            for name, result in running.items():
                with self.subTest(name):
                    result.result()

    def at_once(self, seconds):
        self.assertLess(seconds, NO_ANSWER - 0.5)

    def test_credentials_that_the_broker_or_the_board_refuses(self):
        broker = self.broker()

        def case(*credentials, clock=True, scheme=5, says=None, join=True):
            def run():
                board = self.start(credentials=credentials, clock=clock, join=join)
                self.at_once(self.fails(board, broker.port, scheme))
                if says:
                    broker.wait_said(says)
            return run

        garbage = image("ca", b"this is not a certificate")
        cut = image("ca", self.pki.ca.cert[:300])
        self.together(
            wrong_ca=case("other_ca", "device", "device", says="unknown ca"),
            garbage_ca=case(garbage, "device", "device"),
            truncated_ca=case(cut, "device", "device"),
            foreign=case("ca", "foreign_device", "foreign_device", says="certificate verify failed"),
            wrong_key=case("ca", "device", "broker", says="bad signature"),
            clock_at_1970=case("ca", "device", "device", clock=False, says="alert certificate expired"),
            expired=case("ca", "expired_device", "expired_device", says="certificate verify failed"),
            no_certificate=case("ca", "device", "device", scheme=3, says="peer did not return"),
            no_wifi=case("ca", "device", "device", join=False))

    def test_schemes_without_verification_do_not_care(self):
        broker = self.broker()
        board = self.start(credentials=("other_ca", "device", "device"), clock=False)
        self.connect(board, broker.port, scheme=4)

    def test_missing_credentials_have_a_code_and_no_wait(self):
        blank = b""
        wrong_length = b"\xf1\xf1\x01\x00" + (8192).to_bytes(4, "little")
        too_long = b"\xf1\xf1\x01\x00\x10\x00\x00\x00" + b"\x02\x00\xff\xff" + b"x" * 12
        good = ("ca", "device", "device")
        board = self.start(credentials=good)
        for place, data, number in ((0, blank, 0x6021), (1, blank, 0x6023), (2, blank, 0x6025),
                                    (1, wrong_length, 0x6023), (1, too_long, 0x6024)):
            for i, kind in enumerate(("ca", "cert", "key")):
                name = "device" if i else "ca"
                content = self.image(kind, name)
                board.write_partition("mqtt_" + kind, data if i == place else content)
            self.configure(board)
            begin = time.monotonic()
            self.assertEqual(board.command('AT+MQTTCONN=0,"127.0.0.1",%d,0' % free_port()),
                             code(0x010A0000 + number, 0x010A6009, 0x010A600A))
            self.assertLess(time.monotonic() - begin, GIVE_UP)
            self.assertEqual(board.command("AT+MQTTCONN?"), b'+MQTTCONN:0,1,5,"","","",0\r\n' + OK)

    def test_an_image_is_walked_by_position(self):
        broker = self.broker()
        certificate, key = self.pki.device.cert, self.pki.device.key
        # The kind bytes say "ca" and are not looked at; item 1 is found behind a padded item 0.
        board = self.start(credentials=("ca", image("ca", b"odd", certificate), image("ca", b"odd.", key)))
        board.write_partition("mqtt_ca", image("key", b"x", self.pki.ca.cert))
        self.assertEqual(board.command('AT+MQTTUSERCFG=0,5,"d","","",1,1,""'), OK)
        self.assertIn(b"+MQTTCONNECTED", board.command('AT+MQTTCONN=0,"127.0.0.1",%d,0' % broker.port))

    def test_power_can_go_in_the_middle_of_an_attempt(self):
        mute = Fake(ignore)
        self.addCleanup(mute.stop)
        board = self.start()
        self.configure(board)
        board.at.write(b'AT+MQTTCONN=0,"127.0.0.1",%d,0\r\n' % mute.port)
        self.assertEqual(board.quiet(0.5), b"")
        begin = time.monotonic()
        board.power_off()
        self.assertLess(time.monotonic() - begin, NO_ANSWER - 1)


if __name__ == "__main__":
    unittest.main()
