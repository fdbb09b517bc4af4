"""What the MQTT tests share: one set of certificates for all of them, boards that are ready to connect."""
import time
import unittest

from peers import Broker, Pki, image
from simboard import Board

OK, ERROR = b"\r\nOK\r\n", b"\r\nERROR\r\n"
DISCONNECTED = b"+MQTTDISCONNECTED:0\r\n"


def code(*numbers):
    return b"".join(b"ERR CODE:0x%08x\r\n" % n for n in numbers) + ERROR


class MqttCase(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.pki = Pki()
        cls.addClassCleanup(cls.pki.close)

    def broker(self, **options):
        broker = Broker(self.pki, **options)
        self.addCleanup(broker.stop)
        return broker

    def start(self, join=True, clock=True, credentials=("ca", "device", "device"), **options):
        """A board on the network, its clock set by hand, with (CA, certificate, key) in its flash."""
        board = Board(wifi=["Lab:secret99"], **options)
        self.addCleanup(board.stop)
        board.boot()
        board.command("AT+CWMODE=1")
        if join:
            board.command('AT+CWJAP="Lab","secret99"')
        if clock:
            board.command("AT+SYSTIMESTAMP=%d" % time.time())
        for kind, name in zip(("ca", "cert", "key"), credentials):
            data = name
            if isinstance(name, str):
                data = image(kind, self.pki.read(name + (".key" if kind == "key" else ".pem")))
            self.assertEqual(board.write_partition("mqtt_" + kind, data), OK)
        return board

    def configure(self, board, scheme=5, client="device-01"):
        self.assertEqual(board.command('AT+MQTTUSERCFG=0,%d,"%s","","",0,0,""' % (scheme, client)), OK)

    def connect(self, board, port, scheme=5, reconnect=0):
        self.configure(board, scheme)
        self.assertEqual(
            board.command('AT+MQTTCONN=0,"127.0.0.1",%d,%d' % (port, reconnect)),
            b'+MQTTCONNECTED:0,%d,"127.0.0.1","%d","",%d\r\n' % (scheme, port, reconnect) + OK)
