"""HTTPS on loopback: connections as they are seen from afar (latency), counted, and answers as they are told."""
import http.server
import select
import socket
import ssl
import struct
import sys
import threading
import time

from sigv4 import Request

IDLE_S = 120.0
MOST_BODY = 1 << 20


class Counters:
    """What came over the wire."""

    def __init__(self):
        self.lock = threading.Lock()
        self.values = {}

    def add(self, name, n=1):
        with self.lock:
            self.values[name] = self.values.get(name, 0) + n

    def most(self, name, n):
        with self.lock:
            self.values[name] = max(self.values.get(name, 0), n)

    def told(self):
        with self.lock:
            return dict(self.values)

    def clear(self):
        with self.lock:
            self.values.clear()


class Answer:
    """headers: a dict. do: what becomes of the connection instead: "mute", "reset" or "cut" (half of the answer)."""

    def __init__(self, status, body=b"", headers=None, do=None):
        self.status, self.body, self.headers, self.do = status, body, headers or {}, do


def _note_name(connection, name, _context):
    connection.asked_name = name


def tls_context(servers, trusted=None, alpn=None):
    """servers: (certificate, key) paths of each kind. trusted: path of those who may sign clients' certificates; a
    client without one gets in, too, and is refused by HTTP."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_TICKET  # AWS resumes no sessions
    context.num_tickets = 0
    for certificate, key in servers:
        context.load_cert_chain(certificate, key)
    if trusted:
        context.load_verify_locations(trusted)
        context.verify_mode = ssl.CERT_OPTIONAL
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # a registered certificate vouches for itself
        context.sni_callback = _note_name
    if alpn:
        context.set_alpn_protocols(alpn)
    return context


class Listener(http.server.ThreadingHTTPServer):
    """serve(request, connection) → Answer is called on the connection's own thread. rtt_s: the way there and back."""

    daemon_threads = True
    request_queue_size = 512

    def __init__(self, name, serve, context=None, rtt_s=0.0, counters=None, port=0):
        super().__init__(("127.0.0.1", port), Connection)
        self.name, self.serve, self.context, self.rtt_s = name, serve, context, rtt_s
        self.counters = counters or Counters()
        self.port = self.server_address[1]
        self.lock, self.open = threading.Lock(), 0

    def start(self):
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        return self

    def finish_request(self, request, client_address):
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        request.settimeout(IDLE_S)
        self.counters.add(f"{self.name}_connections")
        with self.lock:
            self.open += 1
            self.counters.most(f"{self.name}_most_open", self.open)
        try:
            self._converse(request, client_address)
        finally:
            with self.lock:
                self.open -= 1

    def _converse(self, request, client_address):
        if self.context:
            time.sleep(2 * self.rtt_s)  # TCP's and TLS 1.3's
            try:
                request = self.context.wrap_socket(request, server_side=True)
            except OSError:  # ssl.SSLError, too
                self.counters.add(f"{self.name}_failed_handshakes")
                return
            self.counters.add(f"{self.name}_handshakes")
        try:
            self.RequestHandlerClass(request, client_address, self)
        finally:
            request.close()

    def handle_error(self, request, client_address):
        """A caller that went away is none of ours; anything else is told as usual."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class Connection(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _serve(self):
        length = self.headers.get("Content-Length", "0")
        known = length.isdigit() and not self.headers.get("Transfer-Encoding")
        if not known or int(length) > MOST_BODY:
            self.close_connection = True
            self._send(Answer(413 if known else 411, b"", {"Connection": "close"}))
            return
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            self.close_connection = True
            return
        time.sleep(self.server.rtt_s)
        target = self.requestline.split(" ")[1]
        self._send(self.server.serve(Request(self.command, target, self.headers.items(), body), self))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve  # noqa: N815  (their names are given)

    def _send(self, answer):
        if answer.do == "mute":
            # It owes nothing before it has its answer, so whatever can be read is its end.
            select.select([self.connection], [], [])
        if answer.do == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if answer.do in ("mute", "reset"):
            self.close_connection = True
            return
        headers = {"Content-Length": str(len(answer.body)), **answer.headers}
        head = f"HTTP/1.1 {answer.status} {self.responses.get(answer.status, ('-',))[0]}\r\n" \
            + "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
        raw = head.encode("latin-1") + (answer.body if self.command != "HEAD" else b"")
        if answer.do == "cut":
            raw = raw[:len(head) + len(answer.body) // 2]
            self.close_connection = True
        self.wfile.write(raw)

    def log_message(self, *_):
        pass
