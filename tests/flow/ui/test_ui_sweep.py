"""All pages of the dashboard, in both languages, both themes, on a phone, a desk and a wall.

The bench that they show is one where every name that a device, a file or a person can give is markup: what is said here
of accessibility and of widths is said of that. PAGES is the list; a page that is not in it is not looked at, and
test_no_page_is_forgotten says so.
"""
import os
import re
import unittest

import browser
import harness
import ui_case

HURT = "<img src=x onerror=hurt(1)>"
SCRIPT = '"><script>hurt(2)</script>'
# name of its pictures, its address, and what is to be read there as it was given
PAGES = [
    ("wall", "#/", None),
    ("slot", "#/slots/board1", None),
    ("provision", "#/provision", None),
    ("jobs", "#/jobs", None),
    ("job", "#/jobs/{provisioned}", SCRIPT),
    ("job-at", "#/jobs/{asked}", HURT),
    ("job-failed", "#/jobs/{failed}", None),
    ("devices", "#/devices", None),
    ("device", "#/devices/{mac}", None),
    ("credentials", "#/credentials", HURT),
    ("firmware", "#/firmware", HURT),
    ("settings-slots", "#/settings/slots", None),
    ("settings-profiles", "#/settings/profiles", HURT),
    ("settings-profile", "#/settings/profiles?edit=hostile", None),
    ("settings-clouds", "#/settings/clouds", None),
    ("settings-cloud", "#/settings/clouds?new=1", None),
    ("settings-authorities", "#/settings/authorities", None),
    ("settings-tokens", "#/settings/tokens", None),
    ("settings-webhooks", "#/settings/webhooks", None),
    ("audit", "#/audit", None),
    ("no-page", "#/<img src=x onerror=hurt(3)>", None),
]
JUDGED = ui_case.WIDTHS[:2]  # by axe, which takes longest; on a wall all is as on a desk, but larger
HARM = "[window.harm ?? null, document.querySelectorAll('img, script:not([src]), [onerror]').length]"
OFFERED = """[...document.querySelectorAll('main button, main a.button, main label.button')]
  .filter((node) => !node.disabled && node.checkVisibility()).map((node) => node.innerText)"""
READS = re.compile(r"^((All|Working|Failed) \d+|Download as CSV|Certificate|Show more)$")
CAUGHT = "window.hurt = (n) => { window.harm = n; }"


class Sweep(ui_case.UiCase):
    """One bench and one browser for all."""
    bench_options = {"boards": [{"wifi": [f"{HURT}:{harness.PASSWORD}"]}]}

    def setUp(self):
        super().setUp()
        board = self.bench.boards[0]
        self.made = {"mac": board.mac, **self.hostile(board)}

    def hostile(self, board):
        """Markup wherever a name can be given; the jobs by what became of them."""
        gate, pki = self.gate, self.bench.pki
        wifi = {"ssid": HURT, "password": harness.PASSWORD}
        slot = self.bench.slot(board)
        order = self.bench.command("provision", slot, wifi=wifi, mqtt={"topic": SCRIPT})
        gate.put("/v1/profiles/hostile", {name: order[name] for name in ("wifi", "time", "mqtt")}).expect(201)
        one = pki.issue(HURT, pki.ca, kind="rsa")
        self.bench.secrets.update(one.secrets())
        credential = gate.post("/v1/credentials", files=[("files", f"{name}.pem", data) for name, data in
                                                         ((HURT, pki.ca.cert), (SCRIPT, one.key), ("x", one.cert))])
        gate.post("/v1/authorities", {"name": "lab", "subject": {"CN": SCRIPT}}).expect(201)
        gate.post("/v1/webhooks", {"url": f"http://127.0.0.1:{harness.free_port()}/"}).expect(201)
        gate.post("/v1/firmware", files=[("file", HURT + ".bin", b"\xe9" + bytes(4095))]).expect(201)
        ended = {"provisioned": order | {"credential": credential.expect(201).json["id"]},
                 "asked": {"kind": "at", "slot": slot, "lines": ["AT+" + HURT, "AT+GMR"]},
                 "failed": self.bench.command("check", slot, wifi={"ssid": "nowhere", "password": harness.PASSWORD})}
        return {name: gate.wait_job(gate.create_job(body))["id"] for name, body in ended.items()}

    def look(self, page, language, theme):
        page.evaluate(f"localStorage.setItem('espgate.language', '{language}'); "
                      f"localStorage.setItem('espgate.theme', '{theme}'); location.hash = '#/'")
        page.reload()
        page.settled()

    def test_every_page_in_every_look(self):
        page = self.open()
        page.context.add_init_script({"content": CAUGHT})
        for language in ui_case.LANGUAGES:
            for theme in ui_case.THEMES:
                self.look(page, language, theme)
                for name, address, hostile in PAGES:
                    with self.subTest(page=name, language=language, theme=theme):
                        self.judge(page, name, address.format(**self.made), hostile, f"{language}-{theme}")

    def judge(self, page, name, address, hostile, look):
        page.visit(address)
        words = page.words()
        self.assertEqual(page.keys_without_words(), [])
        self.assertIn(hostile or "", words)
        self.assertEqual(page.evaluate(HARM), [None, 0])
        self.assertEqual(page.evaluate("document.querySelectorAll('h1').length"), 1)
        self.assertTrue(page.evaluate("document.activeElement.closest('main') !== null"), "it has the focus")
        findings, wide = [], []
        for width in ui_case.WIDTHS:
            page.set_viewport_size(browser.size(width))
            page.look = f"{look}-{width}"
            page.shot(name)
            if page.overflow() > 0:
                wide.append((width, page.overflow()))
            if width in JUDGED:
                findings += page.axe_findings()
        self.assertEqual(wide, [])
        self.assertEqual(findings, [])
        self.assertNoFaults(page)

    def test_a_viewer_is_offered_only_what_reads(self):
        page = self.open(token=self.token_of("viewer")[1])
        for name, address, _ in PAGES:
            with self.subTest(page=name):
                if name == "audit":  # which no link leads him to
                    page.expect_fault("status of 403.*/v1/audit")
                page.visit(address.format(**self.made))
                self.assertEqual([text for text in page.evaluate(OFFERED) if not READS.search(text)], [])
                self.assertNoFaults(page)


class List(unittest.TestCase):
    def test_no_page_is_forgotten(self):
        with open(os.path.join(harness.ROOT, "api", "ui", "main.js"), encoding="utf-8") as f:
            routes = re.findall(r"\{path: '([^']+)'", f.read())
        self.assertGreater(len(routes), 10)
        for route in routes:
            pattern = re.sub(r":\w+", "[^/]+", route)
            self.assertTrue(any(re.fullmatch(pattern, address[1:].partition("?")[0]) for _, address, _ in PAGES), route)


if __name__ == "__main__":
    unittest.main()
