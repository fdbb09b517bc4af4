"""A webhook's receiver: a web server on loopback that answers as told and keeps what it got.

    with Receiver() as receiver:
        receiver.answers = [500, 200]  # the last one again and again
        call = receiver.wait(2)[1]
"""
import collections
import http.server
import json
import os
import ssl
import subprocess
import threading
import time

import npm
from child import PATIENCE

Call = collections.namedtuple("Call", "path headers body")
HOLD = object()  # instead of a status: no answer before release()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A caller that does not trust us, or is killed, is what is tested."""


class Receiver:
    """server: its TLS identity, None = plain HTTP. port: 0 = any free one."""

    def __init__(self, port=0, server=None):
        self.answers, self.location = [200], None
        self.calls = []
        self.changed = threading.Condition()
        self.let_go = threading.Event()
        self.http = Server(("127.0.0.1", port), self._handler())
        self.port = self.http.server_port
        self.url = f"http://127.0.0.1:{self.port}/espgate"
        if server:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(server.cert_path, server.key_path)
            self.http.socket = context.wrap_socket(self.http.socket, server_side=True, do_handshake_on_connect=False)
            self.url = f"https://localhost:{self.port}/espgate"
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def _handler(self):
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):  # noqa: N802  (its name is given)
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver._take(Call(self.path, dict(self.headers.items()), body))
                if status is HOLD:
                    receiver.let_go.wait(PATIENCE)
                    status = 200
                self.send_response(status)
                if receiver.location:
                    self.send_header("Location", receiver.location)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        return Handler

    def _take(self, call):
        with self.changed:
            n = len(self.calls)
            self.calls.append(call)
            self.changed.notify_all()
            return self.answers[min(n, len(self.answers) - 1)]

    def wait(self, n):
        """The calls, when there are so many."""
        end = time.monotonic() + PATIENCE
        with self.changed:
            while len(self.calls) < n:
                if not self.changed.wait(max(0, end - time.monotonic())):
                    raise AssertionError(f"called {len(self.calls)} times, not {n}")
            return list(self.calls)

    def release(self):
        self.let_go.set()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.release()
        self.http.shutdown()
        self.thread.join(PATIENCE)
        self.http.server_close()


def verify(secret, call):
    """What the makers' own library says of a call: it raises when the signature is not right."""
    npm.install()
    done = subprocess.run(["node", os.path.join(npm.FLOW, "standard_webhooks.mjs"), "--modules", npm.FOLDER],
                          input=json.dumps({"secret": secret, "headers": call.headers, "body": call.body.decode()}),
                          capture_output=True, text=True, timeout=PATIENCE, check=False)
    if done.returncode:
        raise AssertionError(f"not a good signature: {done.stderr}")
    return json.loads(done.stdout)
