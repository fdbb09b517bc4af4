"""MQTT of release 2.4 against a real mosquitto. Lost links and what comes back of them are in test_recorded.py."""
import unittest

from mqttcase import DISCONNECTED, ERROR, MqttCase, OK, code
from peers import Fake, accept_and_ignore, publish, refuse_subscription


class Mqtt(MqttCase):
    def raw(self, board, topic, payload, qos):
        board.at.write(b'AT+MQTTPUBRAW=0,"%s",%d,%d,0\r\n' % (topic, len(payload), qos))
        self.assertEqual(board.wait_for(b">"), b"\r\nOK\r\n\r\n>")
        board.at.write(payload)

    def test_mutual_tls_publish_to_oneself_and_clean(self):
        broker, board = self.broker(), self.start()
        self.connect(board, broker.port)
        self.assertEqual(board.command("AT+MQTTCONN?"),
                         b'+MQTTCONN:0,4,5,"127.0.0.1","%d","",0\r\n' % broker.port + OK)
        self.assertEqual(board.command("AT+MQTTSUB?"), OK)
        self.assertEqual(board.command('AT+MQTTSUB=0,"lab/t1",1'), OK)
        self.assertEqual(board.command("AT+MQTTSUB?"), b'+MQTTSUB:0,6,"lab/t1",1\r\n' + OK)
        self.assertEqual(board.command('AT+MQTTPUB=0,"lab/t1","secure",1,0'),
                         b'+MQTTSUBRECV:0,"lab/t1",6,secure\r\n' + OK)
        self.assertEqual(board.command("AT+MQTTCLEAN=0"), OK)
        self.assertEqual(board.command("AT+MQTTCONN?"), b'+MQTTCONN:0,0,0,"","","",0\r\n' + OK)
        self.assertEqual(board.command("AT+MQTTCLEAN=0"), code(0x010A6003))
        broker.wait_said("Received DISCONNECT from device-01")

    def test_quality_of_service_decides_the_order_of_the_answers(self):
        broker, board = self.broker(), self.start()
        self.connect(board, broker.port)
        board.command('AT+MQTTSUB=0,"t",1')
        self.assertEqual(board.command('AT+MQTTPUB=0,"t","zero",0,0'), OK)
        self.assertEqual(board.wait_for(b"zero\r\n"), b'+MQTTSUBRECV:0,"t",4,zero\r\n')
        self.assertEqual(board.command('AT+MQTTPUB=0,"t","",0,0'), OK)
        self.assertEqual(board.wait_for(b",0,\r\n"), b'+MQTTSUBRECV:0,"t",0,\r\n')
        self.raw(board, b"t", b"r1", 1)
        self.assertEqual(board.wait_for(b"+MQTTPUB:OK\r\n"), b'+MQTTSUBRECV:0,"t",2,r1\r\n+MQTTPUB:OK\r\n')
        self.raw(board, b"t", b"r0", 0)
        self.assertEqual(board.wait_for(b",r0\r\n"), b'+MQTTPUB:OK\r\n+MQTTSUBRECV:0,"t",2,r0\r\n')
        self.assertEqual(board.quiet(), b"")

    def test_payloads_are_raw_and_split_at_the_receive_buffer(self):
        broker, board = self.broker(tls=False), self.start(credentials=())
        self.connect(board, broker.port, scheme=1)
        board.command('AT+MQTTSUB=0,"bench/t1",1')
        for payload in (b"\r\nOK\r\n", b"\r\nERROR\r\n+MQTTDISCONNECTED:0\r\n", b"\0\1\xfe\xff", b'"q",1,2'):
            publish(broker.port, b"bench/t1", payload)
            want = b'+MQTTSUBRECV:0,"bench/t1",%d,' % len(payload) + payload + b"\r\n"
            self.assertEqual(board.wait_for(want), want)
        text = bytes(range(256)) * 16
        for qos, sizes in ((0, (1011, 1024, 965)), (1, (1009, 1024, 967))):
            payload = text[:3000]
            publish(broker.port, b"bench/t1", payload, qos)
            want, at = b"", 0
            for n in sizes:
                want += b'+MQTTSUBRECV:0,"bench/t1",%d,' % n + payload[at:at + n] + b"\r\n"
                at += n
            self.assertEqual(at, 3000)
            self.assertEqual(board.wait_for(want), want)

    def test_strings_are_unescaped_and_a_bare_comma_breaks_the_line(self):
        broker, board = self.broker(tls=False), self.start(credentials=())
        self.connect(board, broker.port, scheme=1)
        board.command('AT+MQTTSUB=0,"t",1')
        self.assertEqual(board.command('AT+MQTTPUB=0,"t","{\\"x\\":1\\,\\"y\\":\\"a\\\\b\\"}",1,0'),
                         b'+MQTTSUBRECV:0,"t",17,{"x":1,"y":"a\\b"}\r\n' + OK)
        self.assertEqual(board.command('AT+MQTTPUB=0,"t","a,b",1,0'), code(0x01080002, 0x010A6044))
        self.assertEqual(board.command('AT+MQTTPUB=0,"t","x",3,0'), code(0x010A6048))
        self.assertEqual(board.command('AT+MQTTPUBRAW=0,"t",0,0,0'), code(0x010A604C))

    def test_subscriptions_are_kept_once_and_ended(self):
        broker, board = self.broker(tls=False), self.start(credentials=())
        self.connect(board, broker.port, scheme=1)
        for line in ('AT+MQTTSUB=0,"a",1', 'AT+MQTTSUB=0,"a",2', 'AT+MQTTSUB=0,"b/+",0'):
            self.assertEqual(board.command(line), OK)
        self.assertEqual(board.command("AT+MQTTSUB?"),
                         b'+MQTTSUB:0,6,"a",1\r\n+MQTTSUB:0,6,"b/+",0\r\n' + OK)
        self.assertEqual(board.command('AT+MQTTUNSUB=0,"zz"'), OK)
        self.assertEqual(board.command('AT+MQTTUNSUB=0,"a"'), OK)
        self.assertEqual(board.command("AT+MQTTSUB?"), b'+MQTTSUB:0,6,"b/+",0\r\n' + OK)

    def test_settings_are_taken_in_their_order_only(self):
        board = self.start(join=False, credentials=())
        wrong, user = code(0x010A6002), 'AT+MQTTUSERCFG=0,5,"a","","",0,0,""'
        for line, want in (("AT+MQTTCONN?", b'+MQTTCONN:0,0,0,"","","",0\r\n' + OK),
                           ("AT+MQTTSUB?", b'+MQTTSUB:0,0,"",0\r\n' + OK),
                           ('AT+MQTTCLIENTID=0,"early"', wrong), ("AT+MQTTUSERCFG?", ERROR), (user, OK),
                           ("AT+MQTTCONN?", b'+MQTTCONN:0,1,5,"","","",0\r\n' + OK),
                           ('AT+MQTTALPN=0,1,"x-amzn-mqtt-ca"', OK), ('AT+MQTTCLIENTID=0,"z9"', OK),
                           ('AT+MQTTCONNCFG=0,60,0,"","",0,0', OK),
                           ("AT+MQTTCONN?", b'+MQTTCONN:0,2,5,"","","",0\r\n' + OK),
                           ('AT+MQTTALPN=0,1,"x"', wrong), ('AT+MQTTUSERNAME=0,"n"', wrong),
                           ('AT+MQTTPASSWORD=0,"n"', wrong), (user, OK), ('AT+MQTTALPN=0,1,"x"', OK),
                           ("AT+MQTTCLEAN=0", OK), ("AT+MQTTCLEAN=0", code(0x010A6003)),
                           ('AT+MQTTCONN=0,"127.0.0.1",1883,0', code(0x010A6001))):
            self.assertEqual(board.command(line), want, line)

    def test_bad_values_have_their_codes(self):
        board = self.start(join=False, credentials=())
        self.configure(board, scheme=1)
        for line, number in (('AT+MQTTUSERCFG=1,1,"a","","",0,0,""', 0x6011),
                             ('AT+MQTTUSERCFG=0,14,"a","","",0,0,""', 0x6013),
                             ('AT+MQTTUSERCFG=0,5,"a","","",7,7,""', 0x601E),
                             ('AT+MQTTCONNCFG=0,7201,0,"","",0,0', 0x602D),
                             ('AT+MQTTCONNCFG=0,10,0,"t","m",3,0', 0x6037),
                             ('AT+MQTTCONN=1,"127.0.0.1",1883,0', 0x6011),
                             ('AT+MQTTCONN=0,"127.0.0.1",70000,0', 0x603E),
                             ('AT+MQTTCONN=0,"127.0.0.1",1883,2', 0x6040),
                             ('AT+MQTTCONN=0,"",1883,0', 0x600B),
                             ('AT+MQTTCONN=0,"host/path",1883,0', 0x6052),
                             ('AT+MQTTPUB=0,"a","b",0,0', 0x6006), ('AT+MQTTSUB=0,"a",0', 0x6006),
                             ('AT+MQTTUNSUB=0,"a"', 0x6006), ('AT+MQTTPUBRAW=0,"a",5,0,0', 0x6006)):
            self.assertEqual(board.command(line), code(0x010A0000 + number), line)

    def test_texts_have_their_lengths_and_subscriptions_their_number(self):
        broker, board = self.broker(tls=False), self.start(credentials=())
        self.configure(board, scheme=1)
        for line, want in (('AT+MQTTUSERCFG=0,1,"a","","",0,0,"%s"' % ("p" * 33), code(0x010A6029)),
                           ('AT+MQTTUSERCFG=0,1,"a","","",0,0,"%s"' % ("p" * 32), OK),
                           ('AT+MQTTCONNCFG=0,60,0,"%s","m",0,0' % ("w" * 129), code(0x010A6032)),
                           ('AT+MQTTUSERCFG=0,1,"a","","",0,0,""', OK)):
            self.assertEqual(board.command(line), want, line)
        board.command('AT+MQTTCONN=0,"127.0.0.1",%d,0' % broker.port)
        self.assertEqual(board.command('AT+MQTTSUB=0,"%s",0' % ("t" * 128)), OK)
        self.assertEqual(board.command('AT+MQTTSUB=0,"%s",0' % ("t" * 129)), code(0x010A6043))
        for n in range(9):
            self.assertEqual(board.command('AT+MQTTSUB=0,"s%d",0' % n), OK)
        self.assertEqual(board.command('AT+MQTTSUB=0,"s9",0'), code(0x010A600D))

    def test_user_password_will_and_session_reach_the_broker(self):
        broker, board = self.broker(tls=False), self.start(credentials=())
        self.configure(board, scheme=1, client="x")
        for line in ('AT+MQTTCLIENTID=0,"long-name"', 'AT+MQTTUSERNAME=0,"bob"', 'AT+MQTTPASSWORD=0,"pw"',
                     'AT+MQTTCONNCFG=0,20,1,"will/t","lost\\,sorry",1,1'):
            self.assertEqual(board.command(line), OK)
        self.assertIn(b"+MQTTCONNECTED", board.command('AT+MQTTCONN=0,"127.0.0.1",%d,0' % broker.port))
        broker.wait_said("as long-name (p2, c0, k20, u'bob')")
        broker.wait_said("Will message specified (10 bytes) (r1, q1)")

    def test_host_names_are_resolved_and_the_servers_name_is_not_checked(self):
        broker, board = self.broker(), self.start(env={"ESPBOARD_RESOLVE": "127.0.0.1"})
        self.configure(board)
        self.assertIn(b'+MQTTCONNECTED:0,5,"other.example"',
                      board.command('AT+MQTTCONN=0,"other.example",%d,0' % broker.port))

    def test_without_suback_the_subscription_hangs(self):
        server, board = Fake(accept_and_ignore), self.start(credentials=())
        self.addCleanup(server.stop)
        self.connect(board, server.port, scheme=1)
        board.at.write(b'AT+MQTTSUB=0,"x",1\r\n')
        self.assertEqual(board.quiet(1), b"")
        board.at.write(b"AT\r\n")
        self.assertEqual(board.wait_for(b"busy p...\r\n"), b"ERR CODE:0x010b0000\r\n\r\nbusy p...\r\n")
        board.at.write(b"AT+RST\r\n")
        said = board.wait_for(b"\r\nready\r\n")
        self.assertTrue(said.startswith(b"\r\nWill force to restart!!!\r\n"), said)
        self.assertNotIn(b"ERROR", said)

    def test_a_refused_subscription_is_ok(self):
        server, board = Fake(refuse_subscription), self.start(credentials=())
        self.addCleanup(server.stop)
        self.connect(board, server.port, scheme=1)
        self.assertEqual(board.command('AT+MQTTSUB=0,"no/way",1'), OK)

    def test_leaving_the_network_takes_the_link_down(self):
        broker, board = self.broker(), self.start()
        self.connect(board, broker.port)
        self.assertEqual(board.command("AT+CWQAP"), b"WIFI DISCONNECT\r\n" + DISCONNECTED + OK)
        self.assertIn(b"+MQTTCONN:0,3,5,", board.command("AT+MQTTCONN?"))
        self.assertEqual(board.quiet(0.5), b"")

    def test_a_reset_ends_the_session(self):
        broker, board = self.broker(), self.start()
        self.connect(board, broker.port)
        board.command("AT+RST")
        board.wait_for(b"\r\nready\r\n")
        board.wait_for(b"WIFI GOT IP\r\n")  # else it may stand in the answer
        board.command("ATE0")
        self.assertEqual(board.command("AT+MQTTCONN?"), b'+MQTTCONN:0,0,0,"","","",0\r\n' + OK)
        broker.wait_said("Client device-01")


if __name__ == "__main__":
    unittest.main()
