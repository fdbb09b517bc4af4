"""A lab: one espgate, and servers of every kind, good and bad. They hold nothing of one board, so that boards can use
them side by side."""
import os
import socket
import ssl
import subprocess
import sys
import threading

import harness
from aws_broker import ARN, AwsBroker

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "firmware"))
import peers  # noqa: E402  (of the tests of the simulated firmware)

HERE = "DNS:localhost,IP:127.0.0.1"
DAY_S = 86400
ONE_WAY_S = 0.1
FREE, UNHEARD, SILENT, MUTE = "free/a", "unheard/a", "silent/a", "mute/a"  # topics of the AWS-like broker


def policy():
    """Clients are called lab-…; with one kind of topics they may do all, one they may not subscribe to, one not publish
    to, one is not delivered to them."""
    grants = {"iot:Connect": ["client/lab-*"],
              "iot:Subscribe": ["topicfilter/free/*", "topicfilter/silent/*", "topicfilter/mute/*"],
              "iot:Publish": ["topic/free/*", "topic/unheard/*", "topic/mute/*"],
              "iot:Receive": ["topic/free/*", "topic/unheard/*", "topic/silent/*"]}
    return {"Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": action, "Resource": [ARN + one for one in resources]}
                          for action, resources in grants.items()]}


# ---- servers that misbehave ----

def web(connection):
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
    connection.close()


def hang_up(connection):
    connection.close()


def hang_up_at_connect(connection):
    connection.recv(4096)
    connection.close()


def refuse_connect(number):
    def talk(connection):
        connection.recv(4096)
        connection.sendall(bytes([0x20, 2, 0, number]))
        peers.ignore(connection)
    return talk


def refuse_subscription(connection):
    """All is well, but for the subscription: SUBACK 0x80. Each packet comes in one piece from these clients."""
    peers.accept(connection)
    while packet := connection.recv(4096):
        if packet[0] >> 4 == 8:
            connection.sendall(b"\x90\x03" + packet[2:4] + b"\x80")
        if packet[0] & 0xF6 == 0x32:  # QoS 1
            at = 4 + int.from_bytes(packet[2:4], "big")
            connection.sendall(b"\x40\x02" + packet[at:at + 2])


def far_away(port):
    """Leads to a broker of this machine, with what it takes to a cloud and back."""
    def pass_on(source, sink):
        try:
            while data := source.recv(65536):
                threading.Event().wait(ONE_WAY_S)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:  # one of the two is gone
            pass

    def talk(connection):
        with socket.create_connection(("127.0.0.1", port)) as there:
            back = threading.Thread(target=pass_on, args=(there, connection), daemon=True)
            back.start()
            pass_on(connection, there)
            back.join()
            connection.close()
    return talk


class Twin:
    """Another client with the same id, which comes back whenever it is put out."""

    def __init__(self, pki, port, client):
        self.context = ssl.create_default_context(cafile=pki.ca.cert_path)
        self.context.load_cert_chain(pki.ec_device.cert_path, pki.ec_device.key_path)
        name = client.encode()
        body = b"\0\4MQTT\4\2\0\x3c" + len(name).to_bytes(2, "big") + name
        self.hello, self.port = bytes([0x10, len(body)]) + body, port
        self.ended, self.there = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._live, daemon=True)
        self.thread.start()
        if not self.there.wait(harness.PATIENCE):
            raise AssertionError("the twin was not let in")

    def _live(self):
        while not self.ended.wait(0.05):
            try:
                with socket.create_connection(("127.0.0.1", self.port)) as raw, \
                        self.context.wrap_socket(raw, server_hostname="localhost") as s:
                    s.settimeout(0.2)
                    s.sendall(self.hello)
                    self._stay(s)
            except OSError:
                pass

    def _stay(self, s):
        while not self.ended.is_set():
            try:
                if not s.recv(64):
                    return
                self.there.set()
            except TimeoutError:
                pass

    def stop(self):
        self.ended.set()
        self.thread.join(harness.PATIENCE)


class Lab:
    """One bench with all the servers; boards come and go."""

    def __init__(self):
        self.bench = harness.Bench(boards=0)
        self.lock = threading.Lock()
        self.credentials, self.boards = {}, 0

    def __enter__(self):
        self.bench.__enter__()
        try:
            self._serve()
        except BaseException:
            self.bench.__exit__(AssertionError, None, None)
            raise
        return self

    def __exit__(self, *what):
        self.bench.__exit__(*what)

    def _keep(self, server):
        self.bench.stack.callback(server.stop)
        return server

    def _mosquitto(self, **options):
        return self._keep(peers.Broker(self.bench.pki, **options)).port

    def _fake(self, talk, one=None, sni=None):
        """one: the server's identity, and it speaks TLS and wants a client certificate. sni: the only name it has."""
        if not one:
            return self._keep(peers.Fake(talk)).port
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(one.cert_path, one.key_path)
        context.load_verify_locations(self.bench.pki.ca.cert_path)
        context.verify_mode = ssl.CERT_REQUIRED
        if sni:
            context.sni_callback = lambda _s, name, _c: \
                None if name == sni else ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        return self._keep(peers.Fake(talk, context)).port

    def _serve(self):
        pki = self.pki = self.bench.pki
        here = {"san": HERE}
        passwords = os.path.join(self.bench.folder, "passwords")
        subprocess.run(["mosquitto_passwd", "-c", "-b", passwords, "lab", "right"], check=True, capture_output=True)
        old_root = self.old_root = pki.issue("old root", root=True, days=(-20, -10))
        middle = pki.issue("intermediate", pki.ca, root=True)
        self.aws = self._keep(AwsBroker(self.bench.folder, pki, policy=policy()))
        self.ports = {
            "usual": self.bench.broker.port,
            "plain": self.bench.broker.plain_port,
            "without client certificates": self._mosquitto(demands=False),
            "aws": self.aws.port,
            "aws by ALPN": self.aws.alpn_port,
            "aws, far away": self._fake(far_away(self.aws.port)),
            "password": self._mosquitto(extra=["allow_anonymous false", f"password_file {passwords}"]),
            "expired": self._mosquitto(server=pki.expired_broker),
            "early": self._mosquitto(server=pki.issue("new broker", pki.ca, (10, 20), **here)),
            "elsewhere": self._mosquitto(server=pki.elsewhere_broker),
            "self-signed": self._mosquitto(server=pki.issue("lone broker", **here)),
            "expired root": self._mosquitto(server=pki.issue("broker of old root", old_root, **here)),
            "half a chain": self._mosquitto(server=pki.issue("broker of intermediate", middle, **here)),
            "TLS 1.3": self._mosquitto(extra=["allow_anonymous true", "tls_version tlsv1.3"]),
            "closed": harness.free_port(),
            "deaf": self._keep(peers.Deaf()).port,
            "hang up": self._fake(hang_up),
            "hang up at CONNECT": self._fake(hang_up_at_connect),
            "silent": self._fake(peers.ignore),
            "silent behind TLS": self._fake(peers.ignore, pki.broker),
            "web": self._fake(web),
            "web behind TLS": self._fake(web, pki.broker),
            "one name only": self._fake(peers.ignore, pki.broker, sni="iot.example"),
            "no SUBACK": self._fake(peers.accept_and_ignore, pki.broker),
            "SUBACK 0x80": self._fake(refuse_subscription, pki.broker),
            **{f"CONNACK {n}": self._fake(refuse_connect(n), pki.broker) for n in range(1, 5)},
        }
        self.clocks = {name: self._keep(peers.TimeServer(*options)).env() for name, options in (
            ("silent", ["--silent"]), ("behind", ["--shift", str(-400 * DAY_S)]),
            ("ahead", ["--shift", str(400 * DAY_S)]))}

    def credential(self, one=None, root=None):
        """The id of a credential, uploaded once; what is wrong with it is allowed."""
        one, root = one or self.pki.device, root or self.pki.ca
        with self.lock:
            name = one.cert_path, root.cert_path
            if name not in self.credentials:
                self.bench.secrets.update(one.secrets())
                files = [("x", "x", part) for part in (one.cert, one.key, root.cert)]
                path = "/v1/credentials?allow=duplicate_key,chain_to_root,validity"
                self.credentials[name] = self.bench.gate.post(path, files=files).expect(201).json["id"]
            return self.credentials[name]

    def board(self, options, env):
        """A board that is switched on; the caller stops it."""
        with self.lock:
            self.boards += 1
            number = self.boards
        return harness.Board(self.bench.folder, number, {**self.bench.env, **env}, options)
