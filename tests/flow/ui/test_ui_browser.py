"""The hand on the browser itself: a page that does something wrong is found out, whatever it is."""
import http.server
import threading
import unittest

import browser
from child import PATIENCE

POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
          "require-trusted-types-for 'script'; trusted-types 'none'")
PAGES = {
    "/": ("text/html", '<!doctype html><html lang="en"><title>A page</title><link rel="stylesheet" href="/page.css">'
          '<main><h1>Page</h1><div id="box"></div><input type="file" multiple aria-label="Files">'
          '<button>Ask</button></main><script type="module" src="/page.js"></script></html>'),
    "/page.css": ("text/css", "body { color: #000; background: #fff }"),
    "/page.js": ("text/javascript", """
        const box = document.getElementById("box");
        const ask = async () => {
          try { box.textContent = JSON.stringify(await (await fetch("/data?n=1")).json()); }
          catch (error) { box.textContent = "failed"; }
        };
        const tell = (files) => { box.textContent = [...files].map((f) => `${f.name} ${f.size}`).join(", "); };
        document.querySelector("button").addEventListener("click", ask);
        document.querySelector("input").addEventListener("change", (event) => tell(event.target.files));
        box.addEventListener("dragover", (event) => event.preventDefault());
        box.addEventListener("drop", (event) => { event.preventDefault(); tell(event.dataTransfer.files); });
        """),
    "/data": ("application/json", '{"name": "bench", "scope": "admin"}'),
    "/favicon.ico": ("image/x-icon", ""),
}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        kind, body = PAGES.get(self.path.partition("?")[0], (None, ""))
        self.send_response(200 if kind else 404)
        self.send_header("Content-Type", kind or "text/plain")
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_args):
        pass


class BrowserTest(unittest.TestCase):
    def setUp(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.addCleanup(server.server_close)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        self.addCleanup(thread.join, PATIENCE)
        self.addCleanup(server.shutdown)
        self.url = f"http://127.0.0.1:{server.server_address[1]}/"
        self.page = browser.shared().open(self.url)
        self.addCleanup(self.page.close)
        self.box = self.page.locator("#box")

    def says(self, text):
        self.page.locator("#box").filter(has_text=text).wait_for()

    def test_a_clean_page_has_no_faults(self):
        self.page.get_by_role("button", name="Ask").click()
        self.says("admin")
        self.assertEqual(self.page.faults(), [])
        self.assertEqual(self.page.axe_findings(), [])
        self.assertEqual(self.page.faults(), [], "axe itself does nothing that the policy forbids")

    def test_each_kind_of_fault_is_found(self):
        sins = {"console.error('a sin')": "a sin",
                "console.warn('a lesser sin')": "a lesser sin",
                "setTimeout(() => { throw new Error('nobody caught') })": "nobody caught",
                "void Promise.reject(new Error('nobody awaited'))": "nobody awaited",
                "fetch('/missing').then(() => 0)": "404",
                "fetch('http://127.0.0.1:1/').catch(() => 0)": "Content Security Policy",
                "try { document.body.innerHTML = '<b>x</b>' } catch {}": "TrustedHTML",
                "{ const s = document.createElement('style'); s.textContent = 'b{}'; document.head.append(s) }":
                    "style-src"}
        for sin, found in sins.items():
            with self.subTest(sin=sin):
                before = len(self.page.faults())
                self.page.evaluate(sin)
                self.page.evaluate("new Promise((done) => setTimeout(done))")
                self.assertIn(found, "\n".join(self.page.faults()[before:]))

    def test_an_expected_fault_is_none(self):
        self.page.expect_fault("a sin")
        self.page.evaluate("console.error('a sin'); console.error('another')")
        self.assertEqual(len(self.page.faults()), 1)

    def test_requests_are_held_failed_answered_and_changed(self):
        ask = self.page.get_by_role("button", name="Ask")
        self.page.intercept("^/data", hold=True)
        ask.click()
        self.page.wait_held("/data")
        self.assertEqual(self.box.text_content(), "")
        self.page.release()
        self.says("admin")
        self.page.intercept("^/data", merge={"scope": "viewer"})
        ask.click()
        self.says('"name":"bench","scope":"viewer"')
        self.page.intercept("^/data", answer={"status": 200, "contentType": "application/json", "body": "[7]"})
        ask.click()
        self.says("[7]")
        self.assertEqual(self.page.faults(), [])
        self.page.intercept("^/data", fail="connectionrefused")
        ask.click()
        self.says("failed")
        self.assertIn("ERR_CONNECTION_REFUSED", "\n".join(self.page.faults()))

    def test_files_are_chosen_and_dropped(self):
        self.page.get_by_label("Files").set_input_files([browser.payload("a.pem", b"one"), browser.payload("b", b"")])
        self.says("a.pem 3, b 0")
        self.page.drop("#box", browser.payload("c.crt", b"three"), ("big.bin", 20 << 20))
        self.says("c.crt 5, big.bin 20971520")

    def test_axe_finds_what_is_wrong(self):
        self.page.evaluate("document.querySelector('input').removeAttribute('aria-label')")
        self.assertIn("label (critical)", "\n".join(self.page.axe_findings()))

    def test_a_call_that_fails_says_why(self):
        with self.assertRaisesRegex(browser.BrowserError, "no such call: fly"):
            self.page.fly()
        with self.assertRaisesRegex(browser.BrowserError, "Timeout 50ms"):
            self.page.locator("#nothing").click(timeout=50)


if __name__ == "__main__":
    unittest.main()
