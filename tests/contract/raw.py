"""HTTP by hand: requests that no client library would send, on one connection."""
import http.client
import socket

from client import PATIENCE, Reply


class Connection:
    def __init__(self, gate):
        self.gate = gate
        self.socket = socket.create_connection((gate.host, gate.port), PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        """What the server no longer wants to read is no error: it has answered."""
        try:
            self.socket.sendall(data.encode() if isinstance(data, str) else data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def send_head(self, method, path, *fields):
        self.send("\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *self.gate.credentials, *fields, "", ""]))

    def send_chunks(self, data, step=8192):
        for at in range(0, len(data), step):
            chunk = data[at:at + step]
            self.send(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        self.send("0\r\n\r\n")

    def reply(self, method="GET", path="/"):
        response = http.client.HTTPResponse(self.socket, method=method)
        response.begin()
        reply = Reply(method, path, response, response.read())
        for observer in self.gate.observers:
            observer(method, path, None, reply)
        return reply

    def get(self, path, *fields):
        self.send_head("GET", path, *fields)
        return self.reply("GET", path)

    def until(self, what):
        """What comes up to this, and with it."""
        got = b""
        while what not in got:
            data = self.socket.recv(65536)
            if not data:
                raise AssertionError(f"the end came without {what!r}: {got!r}")
            got += data
        return got

    def is_closed(self):
        """Whether the server ends the connection, whatever it still says before."""
        try:
            while self.socket.recv(65536):
                pass
        except ConnectionResetError:
            pass
        return True
