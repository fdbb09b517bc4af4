"""The dashboard as a browser loads it: forms, fields, and addresses that lead nowhere."""
import gzip
import os
import re
import unittest

import contract
import harness
import raw
import tour

CONCURRENT = True  # also run under TSan
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


class DashboardTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.judge = contract.Contract()
        cls.bench = harness.Bench(boards=0, broker=False)
        cls.bench.__enter__()
        cls.addClassCleanup(cls.bench.__exit__, None, None, None)
        cls.gate = cls.bench.gate
        cls.version = re.search(r"/ui/(\w+)/", cls.get("/").body.decode()).group(1)
        cls.paths = {"/": "index.html", **{f"/ui/{cls.version}/{name}": name for name in tour.ui_files()}}

    @classmethod
    def get(cls, path, method="GET", **headers):
        """As a browser asks for it: without a token."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        return cls.gate.request(method, path, headers={"Authorization": None, **fields})

    def source(self, name):
        with open(os.path.join(contract.ROOT, "api", "ui", name), "rb") as f:
            return f.read().replace(b"@UI@", self.version.encode()) if name.endswith(".html") else f.read()

    def body(self, reply):
        """Without the modules that the page names before its script."""
        return re.sub(rb'<link rel="modulepreload"[^>]*>\n', b"", reply.body)

    def assert_sent(self, name, body):
        """Line by line as it is written; a line that only comments is empty."""
        within = False
        lines, sent = self.source(name).split(b"\n"), body.split(b"\n")
        self.assertEqual(len(lines), len(sent))
        for line, got in zip(lines, sent):
            text = line.strip()
            opens = text.startswith((b"/*", b"//")) and not name.endswith((".html", ".svg"))
            self.assertEqual(got, b"" if within or opens else line)
            within = (within or text.startswith(b"/*")) and not text.endswith(b"*/")

    def test_every_file_is_served_as_it_is_but_for_comments(self):
        for path, name in self.paths.items():
            with self.subTest(path):
                reply = self.get(path).expect(200)
                self.assert_sent(name, self.body(reply))
                self.assertEqual(reply.headers.get_content_type(), TYPES[os.path.splitext(name)[1]])
                self.assertNotIn("Content-Encoding", reply.headers)
                packed = self.get(path, Accept_Encoding="gzip, deflate, br, zstd").expect(200)
                self.assertEqual(packed.headers["Content-Encoding"], "gzip")
                self.assertEqual(gzip.decompress(packed.body), reply.body)
                self.assertNotEqual(packed.headers["ETag"], reply.headers["ETag"])
                for one in (reply, packed):
                    self.assertEqual(self.judge.judge("GET", path, one)[0], [])
                    self.assertIn("Accept-Encoding", one.headers["Vary"])

    def test_a_page_may_do_little(self):
        for path in self.paths:
            with self.subTest(path):
                headers = self.get(path).headers
                policy = dict(rule.split(" ", 1) for rule in headers["Content-Security-Policy"].split("; "))
                self.assertEqual(policy, {
                    "default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "img-src": "'self'",
                    "connect-src": "'self'", "base-uri": "'none'", "form-action": "'none'", "frame-ancestors": "'none'",
                    "require-trusted-types-for": "'script'", "trusted-types": "'none'"})
                self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
                self.assertEqual(headers["Referrer-Policy"], "no-referrer")
                self.assertEqual(headers["Cross-Origin-Opener-Policy"], "same-origin")

    def test_what_the_browser_has_is_not_sent_again(self):
        for path in self.paths:
            for accept in ("gzip", "identity"):
                with self.subTest(f"{path} {accept}"):
                    first = self.get(path, Accept_Encoding=accept)
                    again = self.get(path, Accept_Encoding=accept, If_None_Match=first.headers["ETag"]).expect(304)
                    self.assertEqual(again.body, b"")
                    kept = "no-cache" if path == "/" else "public, max-age=31536000, immutable"
                    for reply in (first, again):
                        self.assertEqual(reply.headers["Cache-Control"], kept)
                        self.assertEqual(reply.headers["ETag"], first.headers["ETag"])
                    self.get(path, Accept_Encoding=accept, If_None_Match='"older"').expect(200)

    def test_head_is_get_without_the_body(self):
        for path in self.paths:
            for accept in ("gzip", "identity"):
                with self.subTest(f"{path} {accept}"):
                    full, head = (self.get(path, method, Accept_Encoding=accept).expect(200) for method in ("GET", "HEAD"))
                    self.assertEqual(head.body, b"")
                    for field in ("Content-Type", "Content-Length", "Content-Encoding", "ETag", "Cache-Control"):
                        self.assertEqual(head.headers[field], full.headers[field])

    def test_another_version_is_not_there_and_says_to_load_the_page_again(self):
        for version in ("0", self.version[:-1], self.version + "0", self.version.upper() + "%20", "@UI@", ".."):
            for rest in ("main.js", "pages/wall.js", "nosuch"):
                with self.subTest(f"{version} {rest}"):
                    problem = self.get(f"/ui/{version}/{rest}").problem(404, "dashboard_changed")
                    self.assertIn("Load the page again", problem["hint"])

    def test_no_address_leads_elsewhere(self):
        """Bytes by hand: a client would tidy the path up."""
        top = f"/ui/{self.version}"
        for path, status, code in (
                (f"{top}/../main.js", 404, "dashboard_file_not_found"), (f"{top}/..", 404, "dashboard_file_not_found"),
                (f"{top}/pages/..", 404, "dashboard_file_not_found"), (f"{top}/%2e%2e", 404, "dashboard_file_not_found"),
                (f"{top}/%2e%2e/main.js", 404, "dashboard_file_not_found"), (f"{top}/./main.js", 404, "dashboard_file_not_found"),
                (f"{top}/pages%2fwall.js", 404, "dashboard_file_not_found"), (f"{top}/main.js%00", 400, "bad_path"),
                (f"{top}/%ff", 400, "bad_path"), (f"{top}/MAIN.JS", 404, "dashboard_file_not_found"),
                (f"{top}/main.js~", 404, "dashboard_file_not_found"), (f"{top}/README.md", 404, "dashboard_file_not_found"),
                (f"{top}/..%2f..%2f..%2fetc%2fpasswd", 404, "dashboard_file_not_found"),
                (f"{top}/../../etc/passwd", 404, "no_such_path"), (f"{top}//main.js", 404, "no_such_path"),
                (f"{top}/pages/", 404, "no_such_path"), (top, 404, "no_such_path"), (f"{top}/", 404, "no_such_path"),
                (f"{top}/pages/wall.js/x", 404, "no_such_path"), ("/ui", 404, "no_such_path"), ("/index.html", 404, "no_such_path"),
                (f"{top}/main.js?x=1", 400, "bad_query")):
            with self.subTest(path), raw.Connection(self.gate) as c:
                c.get(path).problem(status, code)
        self.get("/", "POST").problem(405, "bad_method")

    def test_the_page_names_every_module_that_it_begins_with(self):
        named = re.findall(r'modulepreload" href="([^"]+)"', self.get("/").body.decode())
        self.assertEqual(len(named), len(set(named)))
        told = {"main.js"} | {path.removeprefix(f"/ui/{self.version}/") for path in named}
        for name in told:
            imported = re.findall(r"^(?:import|export)\b[^=;(]*?'([^']+)';", self.source(name).decode(), re.M)
            wanted = {os.path.normpath(os.path.join(os.path.dirname(name), path)) for path in imported}
            self.assertLessEqual(wanted, told, name)
        self.assertGreater(len(named), 5)


if __name__ == "__main__":
    unittest.main()
