"""Requests that are wrong, odd or hostile as HTTP: each is answered or cut off as the contract says, and the service
goes on."""
import unittest

import contract
import harness
import raw

CONCURRENT = True  # also run under TSan
ORDER = b'{"kind":"reset","slot":"nowhere"}'
JSON = "Content-Type: application/json"


class HttpTest(unittest.TestCase):
    """One service for all; every answer is compared with the contract."""

    @classmethod
    def setUpClass(cls):
        cls.bench = harness.Bench(boards=0, broker=False)
        cls.bench.__enter__()
        cls.addClassCleanup(cls.bench.__exit__, None, None, None)
        cls.gate = cls.bench.gate
        cls.judge = contract.Contract()

    def setUp(self):
        self.seen = []
        self.gate.observers[:] = [lambda *what: self.seen.append(what)]

    def tearDown(self):
        for method, path, _, reply in self.seen:
            self.assertEqual(self.judge.judge(method, path, reply)[0], [], str(reply))
        self.gate.get("/healthz").expect(200)

    def ask(self, method, path, *fields, body=b""):
        """One request by hand; its reply."""
        with raw.Connection(self.gate) as c:
            c.send_head(method, path, *fields)
            c.send(body)
            return c.reply(method, path)

    def refused_by_the_library(self, data, status):
        """libmicrohttpd's own refusals: a status, and a page that is no JSON."""
        with raw.Connection(self.gate) as c:
            c.send(data)
            head = c.socket.recv(4096)
        self.assertTrue(head.startswith(b"HTTP/1.1 %d " % status), head)

    # ---- framing ----

    def test_a_body_whose_length_is_told_twice_is_refused(self):
        for fields in (("Content-Length: 33", "Content-Length: 33"), ("Content-Length: 33", "content-length: 5"),
                       ("Content-Length: 33", "Transfer-Encoding: chunked"),
                       ("Transfer-Encoding: chunked", "Content-Length: 33"),
                       ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), ("Host: y",)):
            with self.subTest(fields):
                self.ask("POST", "/v1/jobs", JSON, *fields, body=ORDER).problem(400, "bad_framing")

    def test_a_field_whose_name_is_no_name_is_refused(self):
        """A proxy may take it for what frames the body, and the library does not."""
        for field in ("Content-Length : 33", "Transfer-Encoding : chunked", "Transfer-Encoding\t: chunked", "a(b): c"):
            with self.subTest(field):
                self.ask("POST", "/v1/jobs", JSON, field, body=ORDER).problem(400, "bad_framing")
                self.ask("GET", "/healthz", field).problem(400, "bad_framing")

    def test_nothing_is_read_behind_a_refused_body(self):
        """What a smuggler hides behind it is not taken for a request."""
        with raw.Connection(self.gate) as c:
            c.send_head("POST", "/v1/jobs", JSON, "Content-Length: 5", "Content-Length: 60")
            c.send(b"12345GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            c.reply("POST", "/v1/jobs").problem(400, "bad_framing")
            self.assertEqual(c.socket.recv(1), b"")

    def test_an_unknown_transfer_encoding_is_refused(self):
        for value in ("gzip, chunked", "chunked, gzip", "identity", "xchunked"):
            with self.subTest(value):
                self.ask("POST", "/v1/jobs", JSON, f"Transfer-Encoding: {value}").problem(501, "bad_transfer_encoding")

    def test_a_length_that_is_no_number_is_refused(self):
        for value in ("-1", "1x", "99999999999999999999999"):
            with self.subTest(value), raw.Connection(self.gate) as c:
                c.send_head("POST", "/v1/jobs", JSON, f"Content-Length: {value}")
                head = c.socket.recv(4096)
                self.assertRegex(head, rb"^HTTP/1.1 4(00|13) ")

    def test_a_broken_chunk_is_refused(self):
        with raw.Connection(self.gate) as c:
            c.send_head("POST", "/v1/jobs", JSON, "Transfer-Encoding: chunked")
            c.send("xyz\r\n{}\r\n0\r\n\r\n")
            self.assertTrue(c.socket.recv(4096).startswith(b"HTTP/1.1 400 "))

    def test_chunks_of_one_byte_are_a_body_like_any_other(self):
        with raw.Connection(self.gate) as c:
            c.send_head("POST", "/v1/jobs", JSON, "Transfer-Encoding: chunked")
            c.send_chunks(ORDER, 1)
            c.reply("POST", "/v1/jobs").problem(404, "slot_not_found")

    def test_a_body_that_ends_early_is_no_order(self):
        with raw.Connection(self.gate) as c:
            c.send_head("POST", "/v1/jobs", JSON, "Content-Length: 100")
            c.send(ORDER)
        with raw.Connection(self.gate) as c:
            c.send_head("POST", "/v1/jobs", JSON, "Transfer-Encoding: chunked")
            c.send(b"%x\r\n%s\r\n" % (len(ORDER), ORDER))
        self.assertEqual(self.gate.get("/v1/jobs").expect(200).json["items"], [])

    # ---- size ----

    def test_a_body_over_the_cap_is_refused_before_it_is_sent(self):
        """With Expect: 100-continue the client never sends it."""
        with raw.Connection(self.gate) as c:
            c.send_head("POST", "/v1/jobs", JSON, "Content-Length: 99999999", "Expect: 100-continue")
            c.reply("POST", "/v1/jobs").problem(413, "body_too_large")

    def test_head_of_a_stream_leaves_the_connection_in_order(self):
        with raw.Connection(self.gate) as c:
            for method, path in (("HEAD", "/v1/events"), ("GET", "/healthz")):
                c.send_head(method, path)
                c.reply(method, path).expect(200)

    def test_a_body_under_the_cap_is_asked_for(self):
        with raw.Connection(self.gate) as c:
            c.send_head("POST", "/v1/jobs", JSON, f"Content-Length: {len(ORDER)}", "Expect: 100-continue")
            self.assertTrue(c.socket.recv(64).startswith(b"HTTP/1.1 100 "))
            c.send(ORDER)
            c.reply("POST", "/v1/jobs").problem(404, "slot_not_found")

    def test_a_body_at_the_cap_is_read_and_one_byte_more_is_not(self):
        cap = 256 * 1024
        for more, code, status in ((0, "slot_not_found", 404), (1, "body_too_large", 413)):
            body = b" " * (cap - len(ORDER) + more) + ORDER
            with raw.Connection(self.gate) as c:
                c.send_head("POST", "/v1/jobs", JSON, "Transfer-Encoding: chunked")
                c.send_chunks(body)
                c.reply("POST", "/v1/jobs").problem(status, code)

    def test_an_endless_body_is_cut_off(self):
        with raw.Connection(self.gate) as c:
            c.send_head("POST", "/v1/jobs", JSON, "Transfer-Encoding: chunked")
            chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
            with self.assertRaises(OSError):
                while True:
                    c.socket.sendall(chunk)

    def test_a_body_where_none_belongs_is_refused(self):
        self.ask("GET", "/healthz", "Content-Length: 2", body=b"{}").problem(413, "body_too_large")
        with raw.Connection(self.gate) as c:
            c.send_head("POST", "/v1/jobs/job_0/cancel", "Transfer-Encoding: chunked")
            c.send_chunks(b"{}")
            c.reply("POST", "/v1/jobs/job_0/cancel").problem(413, "body_too_large")
        self.ask("POST", "/v1/jobs/job_0/cancel", "Content-Length: 0").problem(404, "job_not_found")

    def test_headers_over_the_pool_are_refused(self):
        self.refused_by_the_library(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 40000 + b"\r\n\r\n", 431)

    # ---- paths and methods ----

    def test_a_hidden_byte_in_a_path_is_refused(self):
        self.ask("GET", "/healthz%00").problem(404, "no_such_path")
        self.ask("GET", "/health%7a").problem(404, "no_such_path")
        for path in ("/v1/jobs/%00", "/v1/jobs/job%00_1", "/v1/jobs/a%0d%0aX-Evil:%20b", "/v1/jobs/%zz", "/v1/jobs/%",
                     "/v1/jobs/%c3%bc"):
            with self.subTest(path):
                self.ask("GET", path).problem(400, "bad_path")

    def test_a_hidden_byte_in_a_query_is_refused(self):
        for query in ("slot=a%00b", "slot=%ff", "slot=%", "sl%00ot=a", "slot", "slot=a&slot=b", "=", "&x", "%73lot=%"):
            with self.subTest(query):
                self.ask("GET", f"/v1/jobs?{query}").problem(400, "bad_query")
        self.ask("GET", "/v1/jobs?%73lot=%61").expect(200)

    def test_an_encoded_slash_is_part_of_a_name(self):
        problem = self.ask("GET", "/v1/jobs/a%2Flog").problem(404, "job_not_found")
        self.assertIn("a/log", problem["detail"])

    def test_a_path_that_is_not_there_is_404(self):
        for path in ("/v1", "/v1/", "/v1/jobs/", "//v1/jobs", "/V1/jobs", "/v1/jobs/a/b", "/..", "/v1/jobs/a/../b",
                     "/openapi"):
            with self.subTest(path):
                self.ask("GET", path).problem(404, "no_such_path")

    def test_a_whole_address_is_taken_as_a_proxy_would_send_it(self):
        for target, path, status in (("http://x/healthz", "/healthz", 200), ("http://x", "/", 200),
                                     ("HTTP://x:8080/v1/jobs?limit=1", "/v1/jobs?limit=1", 200),
                                     ("http:///healthz", "/none", 404), ("ftp://x/healthz", "/none", 404)):
            with self.subTest(target), raw.Connection(self.gate) as c:
                c.send_head("GET", target)
                c.reply("GET", path).expect(status)

    def test_a_method_that_is_not_there_is_405_and_says_which_are(self):
        for method, path, allow in (("DELETE", "/v1/jobs", {"GET", "HEAD", "POST"}), ("FOO", "/healthz", {"GET", "HEAD"}),
                                    ("OPTIONS", "/v1/slots/a", {"GET", "HEAD", "PUT", "DELETE"}),
                                    ("GET", "/v1/images/atpki", {"POST"}), ("PATCH", "/v1/slots/a",
                                                                           {"GET", "HEAD", "PUT", "DELETE"})):
            with self.subTest(f"{method} {path}"):
                reply = self.ask(method, path)
                reply.problem(405, "bad_method")
                self.assertEqual(set(reply.headers["Allow"].split(", ")), allow)

    def test_head_is_get_without_the_body(self):
        for path in ("/healthz", "/v1/jobs", "/openapi.yaml", "/v1/jobs/job_0"):
            with self.subTest(path):
                get, head = self.ask("GET", path), self.ask("HEAD", path)
                self.assertEqual((head.status, head.body), (get.status, b""))
                self.assertEqual(head.headers["Content-Type"], get.headers["Content-Type"])
                # a problem says its request's id, so its length may vary with it
                if get.status == 200:
                    self.assertEqual(head.headers["Content-Length"], get.headers["Content-Length"])

    # ---- bodies ----

    def test_json_that_is_none_is_told_by_line_and_column(self):
        for body in (b"{", b"[]", b"null", b'"x"', b"{}{}", b'{"kind":"reset","kind":"at"}', b'{"a":"\xff"}', b"\xef\xbb\xbf{}",
                     b"[" * 100000, b'{"a":"\\u0000"}', b"{'a':1}", b'{"a":1,}', b"\x00"):
            with self.subTest(body[:40]):
                self.ask("POST", "/v1/jobs", JSON, f"Content-Length: {len(body)}", body=body).problem(400, "bad_json")

    def test_every_wrong_field_is_named(self):
        reply = self.gate.post("/v1/jobs", {"kind": "provision", "slot": 1, "speed": 2, "wifi": {"ssid": "", "password": "short"},
                                            "mqtt": {"port": "x"}})
        errors = {e["pointer"] for e in reply.problem(400, "bad_body")["errors"]}
        self.assertLessEqual({"/slot", "/speed", "/credential", "/wifi/ssid", "/wifi/password", "/mqtt/port"}, errors)

    def test_a_secret_is_never_repeated(self):
        for body in ({"kind": "check", "slot": "x", "wifi": {"ssid": "a", "password": "sesame-\n-open"}},
                     {"kind": "check", "slot": "x", "wifi": "sesame-open"}):
            reply = self.gate.post("/v1/jobs", body)
            reply.problem(400, "bad_body")
            self.assertNotIn(b"sesame", reply.body)
        broken = b'{"kind":"check","wifi":{"password":"sesame-open"}, oops'
        reply = self.gate.post("/v1/jobs", broken, headers={"Content-Type": "application/json"})
        reply.problem(400, "bad_json")
        self.assertNotIn(b"sesame", reply.body)
        self.assertFalse(self.gate.child.has_said("sesame"))

    def test_a_multipart_body_that_is_none_is_refused(self):
        form = "Content-Type: multipart/form-data"
        part = b'--b\r\nContent-Disposition: form-data; name="ca"\r\n\r\ndata\r\n--b'
        for kind, body, status, code in (
                (form, b"x", 400, "bad_multipart"), (form + "; boundary=", b"x", 400, "bad_multipart"),
                (form + "; boundary=b", b"x", 400, "bad_multipart"), (form + "; boundary=b", part, 400, "bad_multipart"),
                (form + "; boundary=c", part + b"--\r\n", 400, "bad_multipart"),
                (form + "; boundary=b", b"--b--\r\n", 400, "empty_upload"),
                (form + "; boundary=b", part + b"--\r\n", 200, None)):
            reply = self.ask("POST", "/v1/images/atpki", kind, f"Content-Length: {len(body)}", body=body)
            with self.subTest(body):
                reply.problem(status, code) if code else reply.expect(status)

    def test_uploads_have_caps(self):
        large = [("a", "a.pem", b"x" * (128 * 1024 + 1))]
        self.gate.post("/v1/credentials", files=large).problem(413, "file_too_large")
        many = [("ca", None, b"x")] * 601
        self.gate.post("/v1/credentials", files=many).problem(413, "too_many_parts")
        item = [("key", None, b"x" * 70000)]
        self.gate.post("/v1/images/atpki", files=item).problem(422, "item_too_large")
        self.gate.post("/v1/images/atpki", files=[("kez", None, b"x")]).problem(422, "bad_type")
        self.gate.post("/v1/images/atpki", files=[("ca", None, b"x")] * 257).problem(422, "too_many_items")

    # ---- the rest ----

    def test_a_request_id_is_taken_over_or_made(self):
        reply = self.ask("GET", "/v1/jobs/job_0", "X-Request-Id: abc-1.2_3")
        self.assertEqual(reply.headers["X-Request-Id"], "abc-1.2_3")
        self.assertEqual(reply.problem(404, "job_not_found")["request_id"], "abc-1.2_3")
        self.gate.child.wait_line("request=abc-1.2_3 method=GET route=/v1/jobs/{id} status=404")
        for bad in ("", "a b", "x" * 41, "a/b", "\x7f"):
            made = self.ask("GET", "/healthz", f"X-Request-Id: {bad}").headers["X-Request-Id"]
            self.assertRegex(made, "^req_[0-9a-z]+$")

    def test_the_log_has_neither_path_nor_query(self):
        self.ask("GET", "/v1/jobs?slot=sesame").expect(200)
        self.ask("GET", "/v1/slots/sesame").expect(404)
        self.assertFalse(self.gate.child.has_said("sesame"))

    def test_requests_on_one_connection_are_answered_in_order(self):
        with raw.Connection(self.gate) as c:
            for _ in range(3):
                c.get("/healthz").expect(200)
            c.send_head("GET", "/healthz")
            c.send_head("GET", "/v1/jobs/job_0")
            text = b""
            while text.count(b"HTTP/1.1 ") < 2 or not text.endswith(b"}"):
                text += c.socket.recv(65536)
            self.assertRegex(text, rb"(?s)^HTTP/1.1 200 .*HTTP/1.1 404 ")

    def test_what_is_not_http_is_not_answered_as_such(self):
        for data, status in ((b"GET / HTTP/9.9\r\n\r\n", 505), (b"GET /healthz HTTP/1.1\r\n\r\n", 400)):
            self.refused_by_the_library(data, status)
        with raw.Connection(self.gate) as c:
            c.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) * 2 + b"\r\n\r\n")
            self.assertTrue(c.is_closed())


if __name__ == "__main__":
    unittest.main()
