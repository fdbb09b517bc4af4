"""A bench, and the dashboard of its espgate in a browser.

    class Wall(UiCase):
        def test_a_slot_is_shown(self):
            self.bench.slot(self.bench.boards[0])
            page = self.open("#/", language="zh", theme="dark", width=390)
            page.get_by_text("board1").wait_for()
            page.shot("wall")

A page that did something wrong fails the test that opened it: an error on its console, one that nobody caught, something
that its policy forbids, a request that failed. What a test is about it says before: page.expect_fault("401").
"""
import contextlib
import json
import os
import re

import browser
import harness

SHOTS = os.path.join(harness.ROOT, "build", "ui", "screenshots")
LANGUAGES = ("en", "zh")
THEMES = ("light", "dark")
WIDTHS = (390, 1280, 1920)
# A tab's own session, before the page's scripts; once, so that signing out lasts.
SIGNED_IN = """if (location.protocol === 'http:' && !sessionStorage.getItem('test.token')) {
  sessionStorage.setItem('test.token', 'given');
  sessionStorage.setItem('espgate.token', %s);
}"""
# All that somebody may read or hear: texts, and attributes that are texts.
WORDS = """(() => {
  const said = ['aria-label', 'title', 'placeholder', 'alt', 'data-label'];
  const marked = document.querySelectorAll(said.map((name) => `[${name}]`).join());
  return [document.title, document.body.innerText, ...[...marked].flatMap((node) => said.map((name) =>
    node.getAttribute(name) ?? ''))].join('\\n');
})()"""


class Dashboard(browser.Page):
    """A page of the dashboard. look: names its screenshots."""

    def __init__(self, page, url, look):
        super().__init__(page.browser, page.handle, page.context, page.since)
        self.url, self.look = url, look

    def visit(self, address):
        """Go to a page of it, "#/jobs", and wait until that is shown."""
        if self.evaluate("location.hash || '#/'") != address:
            self.evaluate(f"document.querySelector('main').firstElementChild.dataset.before = ''; "
                          f"location.hash = {json.dumps(address)}")
            self.locator("main > :not([data-before]) h1").first().wait_for()
        self.settled()

    def settled(self):
        """Until it has a heading and no picture of its own is still to be drawn."""
        self.locator("main h1").first().wait_for()
        self.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def heading(self):
        return self.locator("main h1").first().text_content()

    def words(self):
        return self.evaluate(WORDS)

    def keys_without_words(self):
        """Texts that the page has no words for."""
        return sorted(set(re.findall(r"\[[a-z_]+\.[A-Za-z0-9_.]+\]", self.words())))

    def shot(self, name):
        """A picture of all of it, kept as what the build has made."""
        os.makedirs(SHOTS, exist_ok=True)
        self.screenshot(path=os.path.join(SHOTS, f"{name}-{self.look}.png"), full_page=True, animations="disabled")


class UiCase(harness.BenchCase):
    def open(self, address="#/", language="en", theme="light", width=1280, token="", signed_in=True, **options):
        """The dashboard in a tab of its own, at a page of it. token: another one than the bench's own;
        signed_in=False: the tab knows none. options: more of Playwright's for a context."""
        url = f"http://127.0.0.1:{self.gate.port}/"
        kept = {"espgate.language": language, "espgate.theme": theme}
        storage = [{"origin": url.rstrip("/"), "localStorage": [{"name": n, "value": v} for n, v in kept.items()]}]
        page = Dashboard(browser.shared().open(color_scheme=theme, viewport=browser.size(width), locale="en-GB",
                                               storage_state={"cookies": [], "origins": storage}, **options),
                         url, f"{language}-{theme}-{width}")
        self.addCleanup(self._close, page)
        if signed_in:
            page.add_init_script({"content": SIGNED_IN % json.dumps(token or self.gate.token)})
        page.goto(url + address)
        page.settled()
        return page

    def sign_in(self, page, token):
        """As somebody does who types it."""
        page.locator("input[name=token]").fill(token)
        page.locator("form button[type=submit]").click()

    def token_of(self, scope, **more):
        """(id, text) of a new token."""
        made = self.gate.post("/v1/tokens", {"name": f"{scope}-{self.id().split('.')[-1]}"[:40], "scope": scope, **more})
        return made.expect(201).json["id"], made.json["token"]

    def restart(self, *args):
        """The service again, at the address that the page knows. args: with these options from now on."""
        argv = self.gate.argv
        argv[argv.index("--listen") + 1] = f"127.0.0.1:{self.gate.port}"
        argv.extend(args)
        self.gate.start()

    def assertNoFaults(self, page):
        self.assertEqual(page.faults(), [])

    def assertAccessible(self, page):
        self.assertEqual(page.axe_findings(), [])

    def _close(self, page):
        outcome = getattr(self, "_outcome", None)
        if outcome is not None and not outcome.success:
            with contextlib.suppress(AssertionError):
                print(f"the page shows at {page.evaluate('location.hash')}:\n{page.words()}", flush=True)
                page.look = "failed"
                page.shot(self.id())
        try:
            self.assertNoFaults(page)
        finally:
            page.close()
