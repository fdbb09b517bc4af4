"""What stands around every page: the door, who sits here and what he is offered, and a service that goes and comes."""
import contextlib
import os
import sqlite3
import unittest

from ui_case import UiCase

REFUSED = "status of 401"
# Notes what the page asks the service for from now on.
NOTE_REQUESTS = """() => {
  window.asked = [];
  const ask = window.fetch;
  window.fetch = (path, options) => { window.asked.push(path); return ask(path, options); };
}"""
LOOK = """(looks) => {
  Object.defineProperty(document, 'hidden', {value: !looks, configurable: true});
  document.dispatchEvent(new Event('visibilitychange'));
}"""
STREAMS_ENDED = "performance.getEntriesByType('resource').filter(({name}) => name.endsWith('/v1/events')).length"
GONE = "ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE"


class Door(UiCase):
    bench_options = {"boards": 0, "broker": False}

    def test_a_token_opens_the_page_that_was_asked_for(self):
        page = self.open("#/devices", signed_in=False)
        page.expect_fault(REFUSED)
        self.assertEqual(page.heading(), "Sign in")
        self.assertEqual(page.get_by_role("alert").count(), 0, "nothing is wrong yet")
        self.assertTrue(page.evaluate("document.activeElement.name === 'token'"))
        self.sign_in(page, f"  {self.gate.token}\n")
        page.get_by_role("heading", name="Devices").wait_for()
        self.assertEqual(page.evaluate("location.hash"), "#/devices")

    def test_a_wrong_token_is_refused_with_a_sentence(self):
        page = self.open(signed_in=False)
        page.expect_fault(REFUSED)
        for wrong in ("egt_" + 64 * "0", "password", "<img src=x onerror=alert(1)>"):
            self.sign_in(page, wrong)
            page.get_by_role("alert").wait_for()
            self.assertIn("token", page.get_by_role("alert").inner_text())
            self.assertIsNone(page.evaluate("sessionStorage.getItem('espgate.token')"))
        self.sign_in(page, "")
        page.get_by_text("This is needed.").wait_for()
        self.assertEqual(page.locator("input[name=token]").get_attribute("aria-invalid"), "true")

    def test_a_token_that_no_header_can_carry(self):
        page = self.open(signed_in=False)
        page.expect_fault(REFUSED)
        self.sign_in(page, "令牌")
        page.get_by_role("alert").wait_for()

    def test_the_token_is_in_this_tab_and_nowhere_else(self):
        page = self.open(signed_in=False)
        page.expect_fault(REFUSED)
        self.sign_in(page, self.gate.token)
        page.get_by_role("navigation").wait_for()
        self.assertEqual(page.evaluate("sessionStorage.getItem('espgate.token')"), self.gate.token)
        kept = page.evaluate("JSON.stringify(localStorage) + document.cookie + location.href + document.body.innerHTML")
        self.assertNotIn(self.gate.token, kept)
        page.reload()
        page.get_by_role("navigation").wait_for()

    def test_signing_out_ends_it(self):
        page = self.open("#/jobs")
        page.get_by_role("button", name="Sign out").click()
        page.get_by_role("heading", name="Sign in").wait_for()
        self.assertEqual(page.get_by_role("navigation").count(), 0)
        self.assertNotIn(self.gate.token, page.evaluate("JSON.stringify(sessionStorage)"))
        page.expect_fault(REFUSED)
        page.reload()
        page.get_by_role("heading", name="Sign in").wait_for()

    def test_the_page_is_the_same_in_chinese(self):
        page = self.open(signed_in=False, language="zh")
        page.expect_fault(REFUSED)
        self.assertEqual(page.heading(), "登录")
        self.sign_in(page, "egt_" + 64 * "0")
        page.get_by_role("alert").wait_for()
        self.assertRegex(page.get_by_role("alert").inner_text(), "令牌")
        self.assertEqual(page.evaluate("document.documentElement.lang"), "zh-Hans")


class Session(UiCase):
    bench_options = {"boards": 0, "broker": False}

    def turned_out(self, page):
        """The door, and why: a page that knows nobody shows nothing more."""
        page.expect_fault(REFUSED)
        page.get_by_role("heading", name="Sign in").wait_for()
        page.get_by_role("alert").wait_for()
        self.assertIsNone(page.evaluate("sessionStorage.getItem('espgate.token')"))
        self.assertEqual(page.get_by_role("navigation").count(), 0)
        return page.get_by_role("alert").inner_text()

    def test_a_token_that_is_revoked_while_the_page_is_open(self):
        token, text = self.token_of("operator")
        page = self.open("#/jobs", token=text)
        self.gate.delete(f"/v1/tokens/{token}").expect(200, 204)
        self.assertIn("token", self.turned_out(page))
        self.sign_in(page, self.gate.token)
        page.get_by_role("heading", name="Jobs").wait_for()

    def test_a_token_that_expires_while_the_page_is_open(self):
        _, text = self.token_of("operator", expires_in=3600)
        page = self.open("#/jobs", token=text)
        page.expect_fault(GONE)
        self.gate.stop()
        with contextlib.closing(sqlite3.connect(os.path.join(self.gate.data, "espgate.db"))) as store, store:
            store.execute("UPDATE token SET expires_ms = 1 WHERE expires_ms > 0")
        self.restart()
        self.turned_out(page)

    def test_what_a_scope_may_not_do_is_not_offered(self):
        places = {}
        for scope in ("viewer", "operator", "engineer", "admin"):
            page = self.open(token=self.token_of(scope)[1])
            places[scope] = set(page.locator("nav a").all_inner_texts())
            page.locator(".who").filter(has_text=f"· {scope}").wait_for()
        self.assertNotIn("Provision", places["viewer"])
        self.assertIn("Jobs", places["viewer"])
        self.assertEqual(places["operator"] - places["viewer"], {"Provision"})
        self.assertEqual(places["admin"] - places["engineer"], {"Audit"})

    def test_on_a_phone_the_link_of_the_page_is_in_sight(self):
        page = self.open("#/", width=390)
        for address in ("#/audit", "#/", "#/settings/tokens"):
            page.visit(address)
            edges = page.evaluate("(({left, right}) => [left, innerWidth - right])"
                                  "(document.querySelector('nav [aria-current]').getBoundingClientRect())")
            self.assertGreaterEqual(min(edges), 0, address)

    def test_an_address_that_is_no_page(self):
        page = self.open("#/no/such/page")
        page.get_by_text("There is no such page.").wait_for()
        page.visit("#/jobs")
        self.assertEqual(page.heading(), "Jobs")

    def test_language_and_theme_are_kept(self):
        page = self.open("#/jobs")
        page.get_by_label("Language").select_option("zh")
        page.get_by_role("heading", name="任务").wait_for()
        page.get_by_label("配色").select_option("dark")
        self.assertEqual(page.evaluate("getComputedStyle(document.documentElement).colorScheme"), "dark")
        page.reload()
        page.get_by_role("heading", name="任务").wait_for()
        self.assertEqual(page.evaluate("document.documentElement.dataset.theme"), "dark")

    def test_a_dashboard_that_is_older_than_the_service(self):
        page = self.open("#/jobs")
        self.assertEqual(page.get_by_text("has been updated").count(), 0)
        page.expect_fault(GONE)
        page.intercept("^/v1/me$", merge={"ui": "another"})
        self.gate.stop()
        page.get_by_text("espgate does not answer").wait_for()
        self.restart()
        page.get_by_text("has been updated").wait_for()
        self.assertEqual(page.heading(), "Jobs", "it goes on to work")
        page.release()
        page.get_by_role("button", name="Reload the page").click()
        page.get_by_role("button", name="Reload the page").wait_for(state="detached")

    def test_a_part_of_the_page_that_cannot_be_had(self):
        page = self.open("#/jobs")
        page.expect_fault("ERR_FAILED")
        page.intercept("pages/firmware.js$", fail="failed")
        page.visit("#/firmware")
        page.get_by_text("This part of the page could not be loaded.").wait_for()
        page.get_by_text("reload the page").wait_for()


class Service(UiCase):
    bench_options = {"boards": 1, "broker": False}

    def test_it_is_restarted_in_the_middle(self):
        page = self.open("#/")
        page.expect_fault(GONE)
        self.gate.stop()
        lost = page.locator("#connection .notice")
        lost.filter(has_text="espgate does not answer").wait_for()
        self.assertEqual(page.locator("#connection").get_attribute("role"), "status")
        self.restart()
        lost.wait_for(state="detached")
        self.bench.slot(self.bench.boards[0])
        page.get_by_text("board1").first().wait_for()

    def test_it_is_killed_and_comes_back_while_a_page_is_read(self):
        page = self.open("#/devices")
        page.visit("#/")
        page.expect_fault(GONE)
        self.gate.kill9()
        page.get_by_text("espgate does not answer").wait_for()
        for address, hint in (("#/devices", "Is it running"), ("#/firmware", "could not be loaded")):
            page.visit(address)
            page.get_by_role("alert").filter(has_text=hint).wait_for()
        self.restart()
        page.locator("#connection .notice").wait_for(state="detached")
        for address in ("#/devices", "#/firmware"):
            page.visit(address)
            self.assertEqual(page.get_by_role("alert").count(), 0, address)

    def test_an_answer_that_is_cut_off(self):
        page = self.open("#/")
        page.expect_fault("status of 502")
        for answer in ({"status": 200, "contentType": "application/json", "body": '{"items": ['},
                       {"status": 502, "contentType": "application/problem+json", "body": "{"}):
            page.intercept("^/v1/devices", answer=answer)
            page.visit("#/devices")
            page.get_by_role("alert").wait_for()
            page.visit("#/jobs")

    def unseen_since_a_restart(self):
        """A page that nobody looks at, and whose event stream has ended."""
        page = self.open("#/")
        page.expect_fault(GONE)
        page.locator('article[aria-label="board1-at"]').wait_for()
        ended = page.evaluate(STREAMS_ENDED)
        page.evaluate(f"({LOOK})(false)")
        self.gate.stop()
        page.until(f"{STREAMS_ENDED} > {ended}")
        self.restart()
        page.evaluate(f"({NOTE_REQUESTS})()")
        return page

    def test_a_tab_that_nobody_sees_comes_back_when_somebody_looks(self):
        page = self.unseen_since_a_restart()
        page.evaluate(f"({LOOK})(true)")
        page.until("window.asked.includes('/v1/events')")
        self.gate.post("/v1/slots/board1-at/pause").expect(200)
        page.locator('article[aria-label="board1-at"]').get_by_text("paused", exact=True).wait_for()

    def test_a_tab_that_nobody_sees_asks_nothing_when_it_is_signed_out(self):
        page = self.unseen_since_a_restart()
        page.get_by_role("button", name="Sign out").click()
        page.get_by_role("heading", name="Sign in").wait_for()
        self.assertEqual(page.evaluate("window.asked"), [])

    def test_it_is_gone_when_somebody_signs_in(self):
        page = self.open(signed_in=False)
        page.expect_fault(REFUSED)
        page.expect_fault(GONE)
        self.gate.stop()
        self.sign_in(page, self.gate.token)
        page.get_by_text("espgate does not answer").wait_for()
        self.assertEqual(page.locator("input[name=token]").input_value(), self.gate.token, "it need not be typed again")
        self.restart()
        page.locator("form button[type=submit]").click()
        page.get_by_role("navigation").wait_for()

    def test_a_proxy_answers_in_its_place(self):
        page = self.open("#/")
        page.expect_fault("status of 502")
        page.intercept("^/v1/(jobs|events|slots|devices)",
                       answer={"status": 502, "contentType": "text/html", "body": "<h1>Bad gateway</h1>"})
        page.visit("#/devices")
        page.get_by_role("alert").wait_for()
        self.assertIn("502", page.get_by_role("alert").inner_text())

    def test_what_is_served_says_that_nobody_else_may_frame_or_script_it(self):
        page = self.open("#/")
        head = page.evaluate("fetch('/').then((r) => Object.fromEntries(r.headers))")
        policy = head["content-security-policy"]
        for part in ("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'",
                     "form-action 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'"):
            self.assertIn(part, policy)
        page.expect_fault("Content Security Policy|TrustedScript|TrustedHTML|violates")
        for attack in ("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.hurt = 1\">')",
                       "Object.assign(document.createElement('script'), {textContent: 'hurt = 1'})",
                       "setTimeout('window.hurt = 1')", "new Function('window.hurt = 1')()"):
            # From a timer: what a debugger runs itself may do more.
            said = page.evaluate(f"new Promise((done) => setTimeout(() => {{ try {{ {attack}; done('ran'); }} "
                                 "catch (error) { done(error.name); } }))")
            self.assertIn(said, ("TypeError", "EvalError"), attack)
        self.assertIsNone(page.evaluate("window.hurt"))


if __name__ == "__main__":
    unittest.main()
