"""The dashboard without a mouse: where the focus is, that it is seen, and where it goes. A whole provision by keyboard
is test_ui_provision's."""
import unittest

import ui_case
from test_ui_sweep import PAGES

# One look at everything that Tab can reach: what has the focus there and shows it by no outline.
UNSEEN = """(() => {
  const able = 'a[href], button, input, select, textarea, summary, [tabindex="0"]';
  const seen = (node) => node.checkVisibility({visibilityProperty: true}) && !node.disabled;
  return [...document.querySelectorAll(able)].filter(seen).filter((node) => {
    node.focus();
    const {outlineStyle, outlineWidth} = getComputedStyle(node);
    return document.activeElement !== node || outlineStyle === 'none' || parseFloat(outlineWidth) < 2;
  }).map((node) => node.outerHTML.slice(0, 120));
})()"""
HAS_FOCUS = "document.activeElement.tagName + ' ' + document.activeElement.textContent"
IN_DIALOG = "document.activeElement.closest('dialog') !== null || document.activeElement === document.body"


class Keyboard(ui_case.UiCase):
    bench_options = {"boards": 1, "broker": False}

    def press(self, page, *keys):
        for key in keys:
            page.keyboard.press(key)

    def test_the_focus_is_seen_wherever_it_goes(self):
        slot = self.bench.slot(self.bench.boards[0])
        job = self.bench.run("identify", self.bench.boards[0])["id"]
        page = self.open()
        made = {"mac": self.bench.boards[0].mac, "provisioned": job, "asked": job, "failed": job}
        self.gate.put("/v1/profiles/hostile", {"mqtt": {"host": "broker.example"}}).expect(201)
        for theme in ui_case.THEMES:
            page.get_by_label("Colours").select_option(theme)
            for name, address, _ in PAGES:
                with self.subTest(page=name, theme=theme, slot=slot):
                    page.visit(address.format(**made))
                    self.press(page, "Tab")
                    self.assertEqual(page.evaluate(UNSEEN), [])

    def test_after_a_change_of_page_the_heading_has_the_focus(self):
        page = self.open("#/")
        page.get_by_role("link", name="Devices").focus()
        self.press(page, "Enter")
        page.get_by_role("heading", name="Devices").wait_for()
        page.until("document.activeElement.tagName === 'H1'")
        self.assertEqual(page.evaluate(HAS_FOCUS), "H1 Devices")
        self.assertIn("Devices", page.locator("#said").text_content())
        self.assertTrue(page.title().startswith("Devices"))
        page.go_back()
        page.until("document.activeElement.textContent === 'Bench'")

    def test_the_first_stop_leads_past_the_links(self):
        page = self.open("#/jobs")
        page.evaluate("document.activeElement.blur()")
        page.reload()
        page.settled()
        page.get_by_role("link", name="Skip to the content").focus()
        self.assertTrue(page.evaluate("document.activeElement.getBoundingClientRect().left >= 0"), "it is seen then")
        self.press(page, "Enter")
        self.assertEqual(page.evaluate(HAS_FOCUS), "H1 Jobs")
        self.assertEqual(page.evaluate("location.hash"), "#/jobs")
        self.press(page, "Tab")
        self.assertTrue(page.evaluate("document.activeElement.closest('main') !== null"))

    def test_a_dialog_keeps_the_focus_and_gives_it_back(self):
        self.gate.put("/v1/profiles/line", {"mqtt": {"host": "broker.example"}}).expect(201)
        page = self.open("#/settings/profiles")
        delete = page.get_by_role("button", name="Delete")
        delete.focus()
        self.press(page, "Enter")
        page.get_by_role("dialog").wait_for()
        self.assertEqual(page.evaluate(HAS_FOCUS), "BUTTON Cancel", "the safe one")
        for key in ["Tab"] * 4 + ["Shift+Tab"] * 3:
            self.press(page, key)
            self.assertTrue(page.evaluate(IN_DIALOG))
        self.assertAccessible(page)
        page.shot("dialog")
        self.press(page, "Escape")
        page.until(f"({HAS_FOCUS}) === 'BUTTON Delete'")
        self.assertEqual(page.locator("dialog").count(), 0)
        self.gate.get("/v1/profiles/line").expect(200)
        self.press(page, "Enter")
        page.get_by_role("dialog").get_by_role("button", name="Delete").focus()
        self.press(page, "Enter")
        page.get_by_text("line", exact=True).wait_for(state="detached")
        self.gate.get("/v1/profiles/line").expect(404)

    def test_signing_in_takes_no_mouse(self):
        page = self.open(signed_in=False)
        page.expect_fault("status of 401")
        page.keyboard.type(self.gate.token)
        self.press(page, "Enter")
        page.get_by_role("heading", name="Bench").wait_for()
        page.until("document.activeElement.tagName === 'H1'")


if __name__ == "__main__":
    unittest.main()
