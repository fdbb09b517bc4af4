"""What the MQTT tests share: brokers, and boards that are ready to connect."""
import time
import unittest

import bench_pki
from peers import Broker, image
from simboard import Board

OK, ERROR = b"\r\nOK\r\n", b"\r\nERROR\r\n"
DISCONNECTED = b"+MQTTDISCONNECTED:0\r\n"


def code(*numbers):
    return b"".join(b"ERR CODE:0x%08x\r\n" % n for n in numbers) + ERROR


class MqttCase(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.pki = bench_pki.shared()

    def broker(self, **options):
        broker = Broker(self.pki, **options)
        self.addCleanup(broker.stop)
        return broker

    def image(self, kind, name):
        """What a partition holds: the certificate, or key, of one of the pki's identities."""
        one = getattr(self.pki, name)
        return image(kind, one.key if kind == "key" else one.cert)

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
            data = self.image(kind, name) if isinstance(name, str) else name
            self.assertEqual(board.write_partition("mqtt_" + kind, data), OK)
        return board

    def configure(self, board, scheme=5, client="device-01"):
        self.assertEqual(board.command('AT+MQTTUSERCFG=0,%d,"%s","","",0,0,""' % (scheme, client)), OK)

    def connect(self, board, port, scheme=5, reconnect=0):
        self.configure(board, scheme)
        self.assertEqual(
            board.command('AT+MQTTCONN=0,"127.0.0.1",%d,%d' % (port, reconnect)),
            b'+MQTTCONNECTED:0,%d,"127.0.0.1","%d","",%d\r\n' % (scheme, port, reconnect) + OK)
