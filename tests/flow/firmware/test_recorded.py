"""Each case of the sessions that were recorded on a real module of release 4.1 with a network, reproduced with real
servers on loopback: what the board says is compared with the recording, byte by byte, and so are its own times.

All cases run at the same time, because those times are real; each has a board and servers of its own."""
import concurrent.futures
import os
import re
import shutil
import ssl
import struct
import socket
import subprocess
import tempfile
import time
import unittest

import bench_pki
from child import program
from peers import (Broker, Deaf, Fake, TimeServer, accept, accept_and_ignore, free_port, ignore, publish,
                   refuse_subscription)
from recording import Replay, cases, steps
from simboard import Board, PATIENCE

AT_ONCE = 24
SESSIONS = ["v41-" + name for name in (
    "wifi", "mqtt-link-lost", "busy", "sntp", "mqtt-fail-silence", "mqtt-fail-board-pki", "mqtt-fail-clock",
    "mqtt-fail-connack", "mqtt-fail-network", "mqtt-fail-tls-certs", "mqtt-password", "mqtt-plain", "mqtt-tls-ok",
    "autoconnect")]
WIFI = ["PICSimLabWifi", "Espressif", "MasseyWifi"]
TOPIC = b"bench/t1"
# The recorded clock when the first question was asked of it.
RECORDED_S = 1741944429


class Identities:
    """The certificates of the recording, made anew: those had RSA keys throughout."""

    def __init__(self):
        self.pki = pki = bench_pki.shared()
        self.ca, self.other_ca, self.device, self.broker = pki.ca, pki.other_ca, pki.device, pki.broker
        self.foreign = pki.issue("bench foreign", pki.other_ca, kind="rsa")
        self.expired = pki.issue("bench old", pki.ca, (-20, -10), kind="rsa")
        self.expired_broker = pki.issue("old broker", pki.ca, (-20, -10), san=bench_pki.HERE, kind="rsa")
        self.early_broker = pki.issue("new broker", pki.ca, (10, 20), san=bench_pki.HERE, kind="rsa")
        self.elsewhere = pki.issue("far broker", pki.ca, san="DNS:elsewhere.example", kind="rsa")

    def usual(self):
        return {"mqtt_ca": self.ca.cert, "mqtt_cert": self.device.cert, "mqtt_key": self.device.key}

    def stored(self, note):
        """What the recorded host wrote to the board in a case."""
        return dict(self.usual(), **{
            "wrong CA on the board": {"mqtt_ca": self.other_ca.cert},
            "CA partition holds no PEM": {"mqtt_ca": b"this is not a certificate"},
            "CA truncated": {"mqtt_ca": self.ca.cert[:400]},
            "device certificate of another CA, with its key": {
                "mqtt_cert": self.foreign.cert, "mqtt_key": self.foreign.key},
            "expired device certificate": {"mqtt_cert": self.expired.cert, "mqtt_key": self.expired.key},
            "key does not belong to the certificate": {"mqtt_key": self.foreign.key},
        }.get(note, {}))


# ---- servers that misbehave ----

def refuse(code):
    def talk(connection):
        connection.recv(1024)
        connection.sendall(bytes([0x20, 2, 0, code]))
        ignore(connection)
    return talk


def close_after_connect(connection):
    connection.recv(1024)
    connection.close()


def close_soon(connection):
    accept(connection)
    time.sleep(0.5)
    connection.close()


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def speak_http(connection):
    connection.recv(1024)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
    ignore(connection)


class Bench:
    """The servers of one case, each started when the recorded host names its port."""

    def __init__(self, identities):
        self.ids, self.pki = identities, identities.pki
        self.made, self.stops = {}, []
        self.folder = tempfile.mkdtemp(prefix="espboard-bench-")
        self.named = []  # (server name, protocol) that the board asked for

    def stop(self):
        for stop in reversed(self.stops):
            stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def add(self, server):
        self.stops.append(server.stop)
        return server

    def broker(self, **options):
        return self.add(Broker(self.pki, **options))

    def fake(self, talk, tls=False):
        return self.add(Fake(talk, self.context() if tls else None))

    def context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ids.broker.cert_path, self.ids.broker.key_path)
        context.set_alpn_protocols(["x-amzn-mqtt-ca"])
        context.sni_callback = lambda connection, name, _: self.named.append(name)
        return context

    def take_names(self, connection):
        self.named.append(connection.selected_alpn_protocol())
        accept_and_ignore(connection)

    def passwords(self):
        path = os.path.join(self.folder, "passwords")
        subprocess.run([program("mosquitto_passwd"), "-b", "-c", path, "bob", "secret1"], check=True)
        os.chmod(path, 0o600)
        return ["password_file " + path, "allow_anonymous false"]

    def make(self, port):
        ids = self.ids
        if port in range(21911, 21916):
            return self.fake(refuse(port - 21910))
        return {
            21883: lambda: self.broker(tls=False),
            21884: lambda: self.broker(tls=False, extra=self.passwords()),
            21885: lambda: self.broker(tls=False),
            21900: lambda: self.fake(lambda connection: connection.close()),
            21901: lambda: self.fake(close_after_connect),
            21902: lambda: self.fake(ignore),
            21920: lambda: self.fake(speak_http),
            21921: lambda: self.fake(close_soon),
            21922: lambda: self.fake(reset),
            21923: lambda: self.fake(accept_and_ignore),
            21924: lambda: self.fake(refuse_subscription),
            21930: lambda: self.fake(close_after_connect, tls=True),
            21931: lambda: self.fake(ignore, tls=True),
            21932: lambda: self.fake(refuse(5), tls=True),
            21935: lambda: self.fake(self.take_names, tls=True),
            28883: self.broker,
            28884: lambda: self.broker(server=ids.expired_broker),
            28885: lambda: self.broker(server=ids.early_broker),
            28886: lambda: self.broker(server=ids.elsewhere),
            28887: lambda: self.broker(trusts=ids.other_ca),
            28888: lambda: self.broker(demands=False),
            28889: lambda: self.broker(extra=["allow_anonymous true", "tls_version tlsv1.3"]),
            28890: self.broker,
        }[port]()

    def server(self, port):
        if port not in self.made:
            self.made[port] = self.make(port)
        return self.made[port]

    def port(self, address, recorded):
        """Where the recorded address and port are here."""
        if address == b"10.0.2.77":
            key = "deaf"
            self.made[key] = self.made.get(key) or self.add(Deaf())
            return self.made[key].port
        if recorded == 21999:
            self.made[recorded] = self.made.get(recorded) or free_port()
            return self.made[recorded]
        return self.server(recorded).port

    def translate(self, data):
        def peer(found):
            here = self.port(found[2], int(found[4]))
            host = b"127.0.0.1" if found[2].startswith(b"10.") else found[2]
            return found[1] + host + found[3] + b"%d" % here + found[5]
        data = re.sub(rb'(")([\w.]+)(","?)(2[18]\d\d\d)("?,)', peer, data)
        return re.sub(rb'(SNTPCFG[=:]1,\d+,"|CIPDNS=1,")10\.0\.2\.2"', rb'\g<1>127.0.0.1"', data)


# ---- what the notes of the recordings tell ----

def pattern(n):
    return bytes(32 + 7 * i % 94 for i in range(n))


def take_over(port):
    """Another client with the board's id; the connection, which its caller has to keep."""
    connection = socket.create_connection(("127.0.0.1", port), PATIENCE)
    connection.sendall(b"\x10\x14\x00\x04MQTT\x04\x02\x00\x3c\x00\x08bench-01")
    connection.recv(4)
    return connection


def actions(bench):
    def lossy():
        return bench.made.get(28890) or bench.made[21885]

    def send(payload, qos=0, topic=TOPIC):
        def act(_replay):
            broker = bench.made.get(21883) or bench.made[21885]
            publish(broker.port, topic, payload, qos)
        return act

    def three(replay):
        for i in range(3):
            send(b"m%d" % i, topic=TOPIC + b"/a")(replay)

    def when_up(call):
        """The note stands before the connection is made."""
        def arm(replay):
            replay.then = (b"\r\n\r\nOK\r\n", call)
        return arm

    return {
        "host publishes 14 bytes QoS 0": send(b"line1\r\nline2\r\n"),
        "host publishes 12 bytes QoS 1": send(b'"quoted",1,2', 1),
        "host publishes 6 bytes QoS 2": send(b"\r\nOK\r\n", 2),
        "host publishes 30 bytes QoS 0": send(b"\r\nERROR\r\n+MQTTDISCONNECTED:0\r\n"),
        "host publishes 4 bytes QoS 1": send(b"\0\1\xfe\xff", 1),
        **{"host publishes %d bytes" % n: send(pattern(n), 1) for n in (100, 1000, 1500, 4000)},
        "host publishes three messages at once": three,
        "message while a command is being answered": send(b"in the middle"),
        "host publishes": send(b"are you back"),
        "broker killed": lambda _: lossy().kill(),
        "broker started": lambda _: lossy().start(),
        "broker ended by SIGTERM (clean close)": lambda _: lossy().end(),
        "TLS link, broker killed": when_up(lambda: lossy().kill()),
        "same client id taken over by another client: broker closes the old link":
            when_up(lambda: bench.stops.append(take_over(lossy().port).close)),
    }


def recorded_credentials():
    written = steps("v41-sysmfg-provision")
    return {re.match(rb'AT\+SYSMFG=2,"(\w+)"', step.sent)[1].decode(): after.sent
            for step, after in zip(written, written[1:]) if step.sent.startswith(b"AT+SYSMFG=2,")}


class Recorded(unittest.TestCase):
    """One test a case; all are started with the first, and each waits for its own."""

    maxDiff = None
    running = {}

    @classmethod
    def setUpClass(cls):
        cls.ids = Identities()
        cls.clock, cls.old_clock = TimeServer(), TimeServer("--shift", str(RECORDED_S - time.time()))
        cls.addClassCleanup(cls.clock.stop)
        cls.addClassCleanup(cls.old_clock.stop)
        cls.flash = cls.used_flash(cls.ids.usual())
        cls.recorded_flash = cls.used_flash(recorded_credentials())
        pool = concurrent.futures.ThreadPoolExecutor(AT_ONCE)
        cls.addClassCleanup(pool.shutdown, cancel_futures=True)
        for name in SESSIONS:
            preamble, found = cases(name)
            for case, its in found.items():
                cls.running[name, case] = pool.submit(cls("reproduce").reproduce, name, preamble + its)

    @classmethod
    def used_flash(cls, credentials):
        """That of a board that has joined an access point and got its credentials, as the recorded one had."""
        board = Board(firmware="4.1", wifi=WIFI)
        try:
            board.boot()
            board.command("AT+CWMODE=1")
            board.command('AT+CWJAP="Espressif",""')
            for place, data in credentials.items():
                board.write_value(place, place, data)
            board.power_off()
            folder = tempfile.mkdtemp(prefix="espboard-used-")
            cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
            return shutil.copy(board.flash, folder)
        finally:
            board.stop()

    def board(self, name, bench, written):
        clock = self.old_clock if name == "v41-sntp" else self.clock
        env = dict(clock.env(), ESPBOARD_RESOLVE="no address" if b"nosuch" in written else "127.0.0.1")
        pace = "off" if "mqtt" in name else "full"
        flash = self.recorded_flash if name == "v41-autoconnect" else self.flash
        board = Board(firmware="4.1", wifi=WIFI, env=env, flash=flash, pace=pace)
        bench.add(board)
        return board

    def reproduce(self, name, session):
        bench = Bench(self.ids)
        try:
            board = self.board(name, bench, b"".join(step.sent for step in session))
            replay = Replay(self, board, bench.translate, actions(bench), **SPECIAL.get(name, {}))
            replay.run(self.with_our_credentials(session))
            board.log.pump(0)
            self.assertEqual(board.log.seen.rpartition(b"RMW: Hello World!\r\n")[2], b"", "the console was silent")
            if 21935 in bench.made:
                self.assertEqual(bench.named, ["broker.bench.test", "x-amzn-mqtt-ca"])
        finally:
            bench.stop()

    def with_our_credentials(self, session):
        """The certificates that the recorded host wrote are not ours."""
        out, note = [], None
        for i, step in enumerate(session):
            note = step.notes[0] if step.notes else note
            place = re.match(rb'AT\+SYSMFG=2,"(\w+)"', step.sent)
            before = re.match(rb'AT\+SYSMFG=2,"(\w+)"', session[i - 1].sent)
            ours = self.ids.stored(note)
            if place:
                step = step._replace(sent=re.sub(rb"\d+\r\n$", b"%d\r\n" % len(ours[place[1].decode()]), step.sent))
            elif before:
                step = step._replace(sent=ours[before[1].decode()])
            out.append(step)
        return out


SPECIAL = {
    "v41-sntp": {"quiet": {b"AT+CIPSNTPINTV=15\r\n": 16.0}},
    # Which acknowledgement a broker sends first is its own affair.
    "v41-mqtt-plain": {"moves": re.compile(rb'\+MQTTSUBRECV:0,"bench/t1",(?:13,in the middle|6,hello2)\r\n')},
    "v41-autoconnect": {"moves": re.compile(rb"WIFI GOT IP\r\n"), "turns": True},
    # The emulator loses its access points after a join that failed.
    "v41-wifi": {"skip": [55398]},
}


def add(name, case):
    def test(self):
        self.running[name, case].result()
    setattr(Recorded, "test_%s_%s" % (name[len("v41-"):].replace("-", "_"), case), test)


for _name in SESSIONS:
    for _case in cases(_name)[1]:
        add(_name, _case)

if __name__ == "__main__":
    unittest.main()
