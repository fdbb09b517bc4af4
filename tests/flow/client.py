"""An HTTP client as a customer would write one: a request, and what came back."""
import functools
import http.client
import json
import secrets

PATIENCE = 120.0  # s; longer than the longest ?wait=


class Reply:
    def __init__(self, method, path, response, body):
        self.method, self.path = method, path
        self.status = response.status
        self.headers = response.headers
        self.body = body

    @functools.cached_property
    def json(self):
        kind = self.headers.get_content_type()
        if kind not in ("application/json", "application/problem+json"):
            raise AssertionError(f"no JSON but {kind}: {self}")
        return json.loads(self.body)

    def expect(self, *statuses):
        """Itself, when its status is one of these."""
        if self.status not in statuses:
            raise AssertionError(f"not {statuses}: {self}")
        return self

    def problem(self, status, code):
        """The problem document of a refusal, which must be whole."""
        self.expect(status)
        if self.headers.get_content_type() != "application/problem+json":
            raise AssertionError(f"not problem+json: {self}")
        missing = {"type", "title", "status", "detail", "code"} - set(self.json)
        if missing or self.json["status"] != status or self.json["code"] != code:
            raise AssertionError(f"not a problem {status} {code} (missing: {missing}): {self}")
        return self.json

    def __str__(self):
        return f"{self.method} {self.path} -> {self.status} {self.headers.items()} {self.body[:2000]!r}"


def multipart(parts):
    """(content type, body) of [(field, file name or None, bytes)]."""
    boundary = secrets.token_hex(16)
    out = []
    for field, file_name, data in parts:
        file_name = f'; filename="{file_name}"' if file_name else ""
        out.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"{file_name}\r\n'
                   "Content-Type: application/octet-stream\r\n\r\n".encode() + data + b"\r\n")
    return f"multipart/form-data; boundary={boundary}", b"".join(out) + f"--{boundary}--\r\n".encode()


class Client:
    """token: sent with each request that brings no Authorization of its own; None: none is. tls: an ssl.SSLContext
    where the server speaks it. observers: called with (method, path, request body, reply) of each exchange."""

    def __init__(self, host, port, token=None):
        self.host, self.port, self.token = host, port, token
        self.observers = []
        self.tls = None

    @property
    def credentials(self):
        """The same as lines of a request by hand."""
        return [f"Authorization: Bearer {self.token}"] if self.token else []

    def request(self, method, path, body=None, headers=None, files=None, seconds=PATIENCE, source=""):
        """body: bytes as they are, anything else as JSON; files: as multipart() takes them. A header that is None is
        not sent. source: the address of ours that it comes from."""
        headers = dict({"Authorization": self.token and f"Bearer {self.token}"}, **(headers or {}))
        headers = {name: value for name, value in headers.items() if value is not None}
        if files is not None:
            headers["Content-Type"], body = multipart(files)
        elif body is not None and not isinstance(body, bytes):
            headers.setdefault("Content-Type", "application/json")
            body = json.dumps(body).encode()
        how = {"timeout": seconds, "source_address": (source, 0)}
        connection = http.client.HTTPSConnection(self.host, self.port, context=self.tls, **how) \
            if self.tls else http.client.HTTPConnection(self.host, self.port, **how)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            reply = Reply(method, path, response, response.read())
        finally:
            connection.close()
        for observer in self.observers:
            observer(method, path, body, reply)
        return reply

    def get(self, path, **kwargs):
        return self.request("GET", path, **kwargs)

    def post(self, path, body=None, **kwargs):
        return self.request("POST", path, body, **kwargs)

    def put(self, path, body=None, **kwargs):
        return self.request("PUT", path, body, **kwargs)

    def delete(self, path, **kwargs):
        return self.request("DELETE", path, **kwargs)
