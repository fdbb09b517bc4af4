"""What a board talks to in these tests: a real mosquitto, time servers, and servers that misbehave."""
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

from child import program
from ports import free_port
from simboard import PATIENCE, ROOT


def image(kind, *items):
    """An AtPKI image (facts: 8-byte head, items padded with FF to 4)."""
    number = {"ca": 1, "cert": 2, "key": 3}[kind]
    body = b""
    for i, item in enumerate(items):
        body += bytes([number, i]) + len(item).to_bytes(2, "little") + item
        body += b"\xff" * (-len(item) % 4)
    return b"\xf1\xf1" + len(items).to_bytes(2, "little") + len(body).to_bytes(4, "little") + body


def publish(port, topic, payload, qos=0):
    """One message by a client of its own, acknowledged as its QoS says."""
    def packet(kind, body):
        n, size = len(body), b""
        while True:
            n, digit = divmod(n, 128)
            size += bytes([digit | (0x80 if n else 0)])
            if not n:
                return bytes([kind]) + size + body

    def text(data):
        return len(data).to_bytes(2, "big") + data

    with socket.create_connection(("127.0.0.1", port), PATIENCE) as s:
        s.sendall(packet(0x10, text(b"MQTT") + b"\x04\x02\x00\x3c" + text(b"bench-host")))
        if s.recv(4) != b"\x20\x02\x00\x00":
            raise AssertionError("the broker refused the test's own client")
        s.sendall(packet(0x30 | qos << 1, text(topic) + (b"\x00\x01" if qos else b"") + payload))
        if qos and s.recv(4) != (b"\x40\x02\x00\x01" if qos == 1 else b"\x50\x02\x00\x01"):
            raise AssertionError("no PUBACK or PUBREC")
        if qos == 2:
            s.sendall(b"\x62\x02\x00\x01")
            if s.recv(4) != b"\x70\x02\x00\x01":
                raise AssertionError("no PUBCOMP")
        s.sendall(b"\xe0\x00")


class Broker:
    """mosquitto on a free loopback port. tls: it is `server`, and if it demands a certificate, takes those of
    `trusts`."""

    def __init__(self, pki, tls=True, port=None, server=None, trusts=None, demands=True, extra=()):
        self.folder = tempfile.mkdtemp(prefix="espboard-broker-")
        self.log = os.path.join(self.folder, "log")
        conf = list(extra or ["allow_anonymous true"])
        if os.geteuid() == 0:
            conf.insert(0, "user root")
        if tls:
            server, trusts = server or pki.broker, trusts or pki.ca
            conf += ["cafile " + trusts.cert_path, "certfile " + server.cert_path, "keyfile " + server.key_path,
                     "require_certificate %s" % ("true" if demands else "false")]
        self.conf = os.path.join(self.folder, "conf")
        self.process = None
        for again in range(4, -1, -1):
            self.port = port or free_port()
            with open(self.conf, "w") as f:
                f.write("\n".join(["listener %d 127.0.0.1" % self.port, *conf]) + "\n")
            try:
                return self.start()
            except AssertionError:  # somebody else took the port in between
                if port or not again:
                    raise

    def start(self):
        """Also again, after a kill()."""
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([program("mosquitto"), "-v", "-c", self.conf], stdout=log, stderr=log)
        self.wait_said(" running\n")  # a connection could be to somebody else

    def said(self):
        with open(self.log, errors="replace") as f:
            return f.read()

    def wait_said(self, text):
        end = time.monotonic() + PATIENCE
        while text not in self.said():
            if time.monotonic() > end or self.process.poll() is not None:
                raise AssertionError("mosquitto never said %r:\n%s" % (text, self.said()))
            time.sleep(0.02)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)

    def end(self):
        self.process.terminate()
        self.process.wait(PATIENCE)

    def stop(self):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class TimeServer:
    def __init__(self, *options):
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(ROOT, "tests", "demo", "sntp.py"), *options],
            stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline().rsplit(b":", 1)[1])

    def env(self):
        return {"ESPBOARD_SNTP_PORT": str(self.port)}

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.process.stdout.close()


class Fake:
    """A TCP server that runs `talk(connection)` for each caller; tls: a context that speaks first."""

    def __init__(self, talk, tls=None):
        self.tls = tls
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.talk = talk
        self.open = []
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                connection = self.socket.accept()[0]
            except OSError:
                return
            self.open.append(connection)
            threading.Thread(target=self.run, args=(connection,), daemon=True).start()

    def run(self, connection):
        try:
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
                self.open.append(connection)
            self.talk(connection)
        except OSError:
            pass

    def stop(self):
        # A thread in accept() is only woken by a shutdown.
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for c in self.open:
            c.close()
        self.thread.join(PATIENCE)


# What a Fake does with its caller.

def ignore(connection):
    while connection.recv(1024):
        pass


def accept(connection):
    """As an MQTT broker does."""
    connection.recv(1024)
    connection.sendall(b"\x20\x02\x00\x00")


def accept_and_ignore(connection):
    accept(connection)
    ignore(connection)


def refuse_subscription(connection):
    accept(connection)
    subscribe = connection.recv(1024)
    connection.sendall(b"\x90\x03" + subscribe[2:4] + b"\x80")
    ignore(connection)


class Deaf:
    """A port whose queue is full: nobody answers the next caller, neither yes nor no."""

    def __init__(self):
        server = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.port = server.getsockname()[1]
        self.sockets = [server]
        for _ in range(4):
            caller = socket.socket()
            caller.setblocking(False)
            caller.connect_ex(("127.0.0.1", self.port))
            self.sockets.append(caller)

    def stop(self):
        for s in self.sockets:
            s.close()
