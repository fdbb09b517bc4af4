"""What later releases can do over MQTT that the earlier ones cannot, and the other way round."""
import unittest

from mqttcase import MqttCase, OK


class Releases(MqttCase):
    def test_the_releases_up_to_3_2_cannot_use_one(self):
        broker = self.broker()
        for chip, firmware, works in (("esp32c3", "3.2", False), ("esp32c3", "4.1", True), ("esp32", "3.4", True)):
            for kind in ("rsa", "ec"):
                with self.subTest(firmware + " " + kind):
                    self.assertEqual(works or kind == "rsa", self.connects(broker, chip, firmware, kind))

    def connects(self, broker, chip, firmware, kind):
        one = {"rsa": self.pki.device, "ec": self.pki.ec_device}[kind]
        board = self.start(credentials=(), chip=chip, firmware=firmware)
        for name, value in (("mqtt_ca", self.pki.ca.cert), ("mqtt_cert", one.cert), ("mqtt_key", one.key)):
            self.assertEqual(OK, board.write_value(name, name, value))
        self.configure(board)
        answer = board.command('AT+MQTTCONN=0,"127.0.0.1",%d,0' % broker.port)
        return answer.endswith(OK)

    def test_long_texts_reach_the_broker(self):
        broker = self.broker(tls=False)
        board = self.start(credentials=(), firmware="3.4")
        self.configure(board, scheme=1)
        for name, text in (("CLIENTID", b'one,"two"' + b"c" * 300), ("USERNAME", b"u" * 200), ("PASSWORD", b"p" * 1024)):
            board.at.write(b"AT+MQTTLONG%s=0,%d\r\n" % (name.encode(), len(text)))
            self.assertEqual(OK + b"\r\n>", board.wait_for(b">"))
            board.at.write(text)
            self.assertEqual(OK, board.answer())
        self.assertTrue(board.command('AT+MQTTCONN=0,"127.0.0.1",%d,0' % broker.port).endswith(OK))
        broker.wait_said("as one,\"two\"%s (p2, c1, k120, u'%s')" % ("c" * 300, "u" * 200))


if __name__ == "__main__":
    unittest.main()
