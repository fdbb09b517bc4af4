"""A client that tells how far it came: of MQTT 3.1.1, over TLS with a certificate of its own."""
import socket
import ssl
import tempfile

from child import PATIENCE

CONNACK, PUBLISH, PUBACK, SUBACK = 2, 3, 4, 9


def _text(s):
    return len(s).to_bytes(2, "big") + s.encode()


def _packet(head, body):
    n, length = len(body), bytearray()
    while n > 127:
        length.append(n & 127 | 128)
        n >>= 7
    return bytes([head]) + bytes([*length, n]) + body


class MqttClient:
    """Each step is whether it was answered; False: the broker has cut the connection."""

    def __init__(self, port, ca_path, certificate_pem, key_pem, client_id, alpn=None):
        context = ssl.create_default_context(cafile=ca_path)
        with tempfile.NamedTemporaryFile("w", prefix="espgate-test-") as f:
            f.write(key_pem + certificate_pem)
            f.flush()
            context.load_cert_chain(f.name)
        if alpn:
            context.set_alpn_protocols([alpn])
        raw = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.socket = context.wrap_socket(raw, server_hostname="localhost")
        self.messages = []
        self.accepted = self._ask(_packet(0x10, b"\0\4MQTT\4\2\0\x3c" + _text(client_id)), CONNACK)

    def _read(self, n):
        data = b""
        while len(data) < n:
            some = self.socket.recv(n - len(data))
            if not some:
                raise ConnectionError
            data += some
        return data

    def _next(self):
        """The type of the next packet; what it brings is kept. None: the connection has ended."""
        try:
            head, n, shift, more = self._read(1)[0], 0, 0, True
            while more:
                byte = self._read(1)[0]
                n, shift, more = n | (byte & 127) << shift, shift + 7, byte > 127
            body = self._read(n)
        except TimeoutError:
            raise
        except OSError:
            return None
        if head >> 4 == PUBLISH:
            at = 2 + int.from_bytes(body[:2], "big")
            topic, qos = body[2:at].decode(), head >> 1 & 3
            if qos:
                self.socket.sendall(_packet(0x40, body[at:at + 2]))
            self.messages.append((topic, body[at + (2 if qos else 0):]))
        return head >> 4

    def _ask(self, packet, answer):
        try:
            self.socket.sendall(packet)
        except OSError:
            return False
        while (kind := self._next()) != answer:
            if kind is None:
                return False
        return True

    def subscribe(self, topic):
        return self._ask(_packet(0x82, b"\0\1" + _text(topic) + b"\1"), SUBACK)

    def publish(self, topic, payload, retain=False):
        return self._ask(_packet(0x32 + retain, _text(topic) + b"\0\2" + payload.encode()), PUBACK)

    def message(self):
        """(topic, payload) of the next; None: the connection has ended."""
        while not self.messages:
            if self._next() is None:
                return None
        return self.messages.pop(0)

    def close(self):
        self.socket.close()
