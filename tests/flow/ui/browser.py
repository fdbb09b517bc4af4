"""A headless Chromium, one for a test module.

    page = browser.shared().open("http://127.0.0.1:8080/", color_scheme="dark", viewport=browser.size(390))
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("Wrong token").wait_for()
    page.faults()

A page and what it finds take all calls that Playwright has, spelled as Python does; options are keywords. They wait by
themselves, up to child.PATIENCE. What the page did wrong meanwhile is in faults().
"""
import base64
import json
import os
import re
import unittest

import npm
from child import PATIENCE, Child

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "browser.mjs")
# What these give is no answer yet but a place in the page.
PLACES = {"locator", "filter", "first", "last", "nth", "getByRole", "getByText", "getByLabel", "getByTitle",
          "getByPlaceholder", "getByTestId", "getByAltText", "contentFrame", "and", "or"}
PARTS = {"keyboard", "mouse"}
AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], "preload": False}
_shared = None


def shared():
    """The browser of this module's tests: started by the first that asks, ended after the last."""
    global _shared
    if not _shared:
        _shared = Browser()
        unittest.addModuleCleanup(_end)
    return _shared


def _end():
    global _shared
    ended, _shared = _shared, None
    ended.stop()


def size(width, height=None):
    """A viewport of this width, and of a usual height for it."""
    return {"width": width, "height": height or {390: 844, 1280: 800, 1920: 1080}[width]}


def regexp(pattern):
    """For a call that takes one; in JavaScript's ways."""
    return {"$regexp": pattern}


def payload(name, data, mime="application/octet-stream"):
    """A file for set_input_files() that is in no folder."""
    return {"name": name, "mimeType": mime, "buffer": {"$base64": base64.b64encode(data).decode()}}


class BrowserError(AssertionError):
    """A call that failed, or was not done in time."""


class Browser:
    def __init__(self):
        npm.install()
        self.asked = 0
        # Chromium ends by itself when the end of the pipe goes that node holds.
        self.child = Child("browser", ["node", "--no-warnings", SCRIPT, "--modules", npm.FOLDER], obeys=True)
        self.child.wait_line("^ready$")

    def ask(self, handle, calls, seconds=PATIENCE):
        """What the last of these calls gives."""
        self.asked += 1
        number, mark = self.asked, self.child.mark()
        self.child.tell(json.dumps({"id": number, "on": handle, "calls": calls}))
        # Playwright's own deadline is PATIENCE, and tells more.
        said = json.loads(self.child.wait_line(rf'^\{{"id":{number},.*$', 2 * seconds, mark)[0])
        if "error" in said:
            raise BrowserError(f"{json.dumps(calls)[:2000]}: {said['error']}")
        return said["value"]

    def open(self, url=None, **options):
        """A page in a context of its own, made with Playwright's options of a context."""
        context = Chain(self, self.ask("browser", [["newContext", _camels(options)]])["handle"])
        context.set_default_timeout(PATIENCE * 1000)
        page = Page(self, context.new_page()["handle"], context, self.child.mark())
        if url:
            page.goto(url)
        return page

    def events(self, since, **wanted):
        """What was said by itself, and has these members."""
        with self.child.changed:
            lines = [text for stream, text in self.child.lines[since:] if stream == "out"]
        events = [json.loads(line) for line in lines if line.startswith('{"event":')]
        return [one for one in events if all(one[name] == value for name, value in wanted.items())]

    def stop(self):
        if not self.child.stopped:
            self.child.process.stdin.close()
            self.child.wait()


class Chain:
    """Calls on a page or context, or on a place in a page: .locator("#x").first().click()."""

    def __init__(self, browser, handle, calls=()):
        self.browser, self.handle, self.calls = browser, handle, list(calls)

    def __getattr__(self, name):
        method = _camel(name)
        if method in PARTS:
            return Chain(self.browser, self.handle, [*self.calls, [method]])

        def call(*args, **options):
            calls = [*self.calls, [method, *_plain(args), *([_camels(options)] if options else [])]]
            if method in PLACES:
                return Chain(self.browser, self.handle, calls)
            return self.browser.ask(self.handle, calls)
        return call


class Page(Chain):
    """since: where in the browser's output its own begins."""

    def __init__(self, browser, handle, context, since):
        super().__init__(browser, handle)
        self.context, self.since = context, since
        self.expected = []

    def drop(self, selector, *files):
        """Files on an element, by payload(), or by name and how many zero bytes."""
        def plain(one):
            if isinstance(one, dict):
                return {"name": one["name"], "type": one["mimeType"], "base64": one["buffer"]["$base64"]}
            return {"name": one[0], "type": "application/octet-stream", "size": one[1]}
        return self.browser.ask(self.handle, [["drop", selector, [plain(one) for one in files]]])

    def until(self, expression):
        """Wait until this is so in the page. Not by wait_for_function(), whose text the page's policy would refuse."""
        self.evaluate(f"new Promise((done) => {{ const look = () => (({expression}) ? done() : "
                      "requestAnimationFrame(look)); look(); })")

    def wait_held(self, pattern):
        """Until intercept(…, hold=True) holds such a request back."""
        self.browser.child.wait_line(rf'"event":"held","page":"{self.handle}","url":"[^"]*{pattern}', since=self.since)

    def expect_fault(self, pattern):
        """Such a fault is what this test is about."""
        self.expected.append(re.compile(pattern))

    def faults(self):
        """All that went wrong in it and was not expected: errors and warnings on its console, errors that nobody
        caught, what its policy forbade, requests that failed."""
        self.evaluate("0")  # all that was said before its answer is here by then
        return [f"{one['kind']}: {one['text']}"
                for one in self.browser.events(self.since, event="fault", page=self.handle)
                if not any(pattern.search(one["text"]) for pattern in self.expected)]

    def axe_findings(self, impacts=("serious", "critical"), **options):
        """What axe has against it, one line an element."""
        return [f"{found['id']} ({found['impact']}): {' '.join(map(str, node['target']))}: {node['summary']}"
                for found in self.axe({**AXE, **options}) if found["impact"] in impacts for node in found["nodes"]]

    def overflow(self):
        """How many px of it are beyond its right edge."""
        return self.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")

    def close(self):
        self.context.close()


def _camel(name):
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _camels(options):
    return {_camel(name): _plain(value) for name, value in options.items()}


def _plain(value):
    if isinstance(value, Chain):
        return {"$locator": value.calls}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value
