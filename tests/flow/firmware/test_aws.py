"""A board and a broker that refuses as AWS IoT Core does, without a word: what the AT port shows of it."""
import tempfile
import unittest

from aws_broker import AwsBroker, allow
from mqttcase import DISCONNECTED, ERROR, MqttCase, OK

TOPIC = "sdk/test/Python"


class Aws(MqttCase):
    def aws(self, **policy):
        folder = tempfile.TemporaryDirectory(prefix="espboard-aws-")
        self.addCleanup(folder.cleanup)
        broker = AwsBroker(folder.name, self.pki, policy=allow(**policy))
        self.addCleanup(broker.stop)
        return broker

    def connected(self, broker, client="sdk-java", alpn=False):
        board = self.start()
        self.configure(board, client=client)
        if alpn:
            self.assertEqual(board.command('AT+MQTTALPN=0,1,"x-amzn-mqtt-ca"'), OK)
        port = broker.alpn_port if alpn else broker.port
        return board, self.ask(board, port)

    def ask(self, board, port):
        """What comes first: the result, or the loss; the ERROR 5 s behind that one is not waited for."""
        return board.command('AT+MQTTCONN=0,"127.0.0.1",%d,0' % port, end=(OK, ERROR, DISCONNECTED))

    def test_what_the_policy_allows_works(self):
        broker = self.aws(client="sdk-java", topic=TOPIC)
        board, said = self.connected(broker)
        self.assertIn(b"+MQTTCONNECTED:0,5,", said)
        self.assertEqual(board.command('AT+MQTTSUB=0,"%s",1' % TOPIC), OK)
        message = b'+MQTTSUBRECV:0,"%s",5,hello\r\n' % TOPIC.encode()
        self.assertEqual(board.command('AT+MQTTPUB=0,"%s","hello",1,0' % TOPIC), OK)
        self.assertEqual(board.wait_for(message), message)
        self.assertEqual(board.command("AT+MQTTCLEAN=0"), OK)
        broker.wait("gone sdk-java")

    def test_a_wrong_client_id_looks_like_any_failed_connection(self):
        broker = self.aws(client="sdk-java", topic=TOPIC)
        _, said = self.connected(broker, client="sdk-jave")
        self.assertEqual(said, DISCONNECTED)
        broker.wait("refused connect sdk-jave")

    def test_a_filter_or_topic_outside_of_the_policy_ends_the_session(self):
        broker = self.aws(subscribe=TOPIC, publish=TOPIC)
        for line, refused in (('AT+MQTTSUB=0,"sdk/#",1', "refused subscribe sdk-java sdk/#"),
                              ('AT+MQTTPUB=0,"sdk/other","x",1,0', "refused publish sdk-java sdk/other")):
            board, said = self.connected(broker)
            self.assertIn(b"+MQTTCONNECTED:0,5,", said)
            self.assertEqual(board.command(line), DISCONNECTED + ERROR, line)
            broker.wait(refused)
        # QoS 0 asks for no answer, so the board only sees the link go afterwards.
        board, said = self.connected(broker)
        self.assertEqual(board.command('AT+MQTTPUB=0,"sdk/other","x",0,0'), OK)
        self.assertEqual(board.wait_for(DISCONNECTED), DISCONNECTED)

    def test_without_receive_the_subscription_stays_silent(self):
        broker = self.aws(receive="")
        board, _ = self.connected(broker)
        self.assertEqual(board.command('AT+MQTTSUB=0,"%s",1' % TOPIC), OK)
        self.assertEqual(board.command('AT+MQTTPUB=0,"%s","hello",1,0' % TOPIC), OK)
        broker.wait("refused receive sdk-java " + TOPIC)
        self.assertEqual(board.command("AT"), OK)

    def test_the_older_of_two_with_one_id_goes(self):
        broker = self.aws()
        older, _ = self.connected(broker)
        _, said = self.connected(broker)
        self.assertIn(b"+MQTTCONNECTED:0,5,", said)
        self.assertEqual(older.wait_for(DISCONNECTED), DISCONNECTED)
        broker.wait("gone sdk-java")

    def test_the_https_port_wants_to_know_the_protocol(self):
        broker = self.aws()
        board, said = self.connected(broker, alpn=True)
        self.assertIn(b"+MQTTCONNECTED:0,5,", said)
        self.assertEqual(board.command("AT+MQTTCLEAN=0"), OK)
        self.configure(board)
        self.assertEqual(self.ask(board, broker.alpn_port), DISCONNECTED)

    def test_a_thing_speaks_for_itself_only(self):
        broker = self.aws(client="${iot:Connection.Thing.ThingName}", topic="${iot:Connection.Thing.ThingName}/*")
        board, said = self.connected(broker, client="device")
        self.assertIn(b"+MQTTCONNECTED:0,5,", said)
        self.assertEqual(board.command('AT+MQTTPUB=0,"device/up","x",1,0'), OK)
        self.assertEqual(board.command('AT+MQTTPUB=0,"devices/up","x",1,0'), DISCONNECTED + ERROR)
        _, said = self.connected(broker, client="other")
        self.assertEqual(said, DISCONNECTED)


if __name__ == "__main__":
    unittest.main()
