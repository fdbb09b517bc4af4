"""The record of the boards, and the audit."""
import csv
import io
import unittest

import harness
import ui_case
from job_case import LOOKS, JobCase


class Devices(JobCase):
    bench_options = {"boards": [{}, {"firmware": "4.1"}]}

    def setUp(self):
        super().setUp()
        self.one, self.two = self.bench.boards
        self.bench.run("identify", self.one)
        self.job = self.bench.run("provision", self.two, method="rom")

    def macs(self, page, *boards):
        """Until these are shown, and no others."""
        page.until(f"[...document.querySelectorAll('tbody tr')].length === {len(boards)}")
        for board in boards:
            page.get_by_role("link", name=board.mac).wait_for()

    def test_search(self):
        page = self.open("#/devices")
        self.macs(page, self.one, self.two)
        for words, found in ((self.two.mac.replace(":", "").upper(), [self.two]), ("board1", [self.one]),
                             (self.job["credential"], [self.two]), ("esp32", [self.one, self.two])):
            with self.subTest(words=words):
                page.get_by_label("Search").fill(words)
                self.macs(page, *found)
        page.get_by_label("Search").fill("no such board")
        self.says(page, ".empty", "No board fits")
        page.reload()
        page.settled()
        self.says(page, ".empty", "No board fits")
        self.assertEqual(page.get_by_label("Search").input_value(), "no such board")

    def test_typing_asks_once(self):
        page = self.open("#/devices")
        page.evaluate("window.asked = []; performance.setResourceTimingBufferSize(1000)")
        page.get_by_label("Search").press_sequentially("board1")
        self.macs(page, self.one)
        asked = page.evaluate("performance.getEntriesByType('resource').filter((e) => e.name.includes('q=')).length")
        self.assertLess(asked, 4)  # a slow machine may pause between keys

    def test_what_is_shown_is_saved_whole(self):
        page = self.open("#/devices?q=board2")
        self.macs(page, self.two)
        kept = self.saved(page, page.get_by_role("button", name="Download as CSV")).decode()
        [row] = csv.DictReader(io.StringIO(kept))
        self.assertEqual((row["mac"], row["credential"]), (self.two.mac, self.job["credential"]))

    def test_all_pages_are_saved(self):
        page = self.open("#/devices")
        head = "mac,chip\r\n"
        first = {"status": 200, "contentType": "text/csv", "body": head + "a,esp32\r\n",
                 "headers": {"Link": '</v1/devices?cursor=a>; rel="next"'}}
        page.intercept("/v1/devices.limit=200", {"answer": first})
        page.intercept("/v1/devices.cursor=a", {"answer": {"status": 200, "contentType": "text/csv", "body": head + "b,esp32\r\n"}})
        kept = self.saved(page, page.get_by_role("button", name="Download as CSV"))
        self.assertEqual(kept.decode(), head + "a,esp32\r\nb,esp32\r\n")

    def test_a_board_and_its_history(self):
        page = self.open(f"#/devices/{self.two.mac}")
        history = page.get_by_role("region", name="History")
        history.get_by_text("wrote mfg_nvs").wait_for()
        history.get_by_text("The board did all that was asked.").wait_for()
        self.bench.run("identify", self.two)
        page.until("document.querySelectorAll('[aria-label=History] tbody tr').length === 2")
        history.locator("tbody tr").first().get_by_text("WROOM-32").wait_for()
        page.locator(f'a[href="#/credentials?id={self.job["credential"]}"]').first().wait_for()
        page.get_by_role("region", name="Backups").get_by_role("button", name="Restore").click()
        page.get_by_role("dialog").get_by_role("button", name="Restore").click()
        self.state(page, "succeeded")
        page.locator(f'a[href="#/devices/{self.two.mac}"]').first().click()
        history.get_by_text("restored mfg_nvs").wait_for()
        history.locator(f'a[href="#/jobs/{self.job["id"]}"]').click()
        self.state(page, "succeeded")

    def test_no_such_board(self):
        page = self.open()
        page.expect_fault("404")
        page.visit("#/devices/24:0a:c4:00:00:00")
        self.assertEqual(page.heading(), "There is no record of this board")
        page.get_by_role("link", name="All devices").click()
        self.macs(page, self.one, self.two)

    def test_every_look(self):
        for language, theme, width in LOOKS:
            page = self.open("#/devices", language=language, theme=theme, width=width)
            for name, address in (("devices", "#/devices"), ("device", f"#/devices/{self.two.mac}"), ("audit", "#/audit")):
                with self.subTest(name=name, look=page.look):
                    page.visit(address)
                    page.locator("tbody tr").first().wait_for()
                    self.assertEqual(page.keys_without_words(), [])
                    self.assertEqual(page.overflow(), 0)
                    self.assertAccessible(page)
                    page.shot(name)


class Audit(ui_case.UiCase):
    bench_options = {"boards": 1}

    def test_who_did_what(self):
        board = self.bench.boards[0]
        job = self.bench.run("identify", board)["id"]
        operator = self.token_of("operator")[1]
        self.gate.delete("/v1/slots/board1", headers={"Authorization": f"Bearer {operator}"}).expect(403)
        page = self.open("#/audit")
        page.get_by_label("Outcome").select_option("refused")
        page.until("document.querySelectorAll('tbody tr').length === 1")
        page.locator("tbody td code").filter(has_text="deleteSlot").first().wait_for()
        page.get_by_label("Outcome").select_option("")
        page.get_by_label("MAC").fill(board.mac)
        page.until("[...document.querySelectorAll('tbody tr')].map((row) => row.innerText.includes('job.end')).join() === 'true'")
        page.locator("tbody summary").click()
        page.locator("tbody pre").filter(has_text=job).wait_for()
        self.assertIn("mac=", page.evaluate("location.hash"))
        page.expect_fault("400")
        page.get_by_label("MAC").fill("no MAC")
        page.locator(".problem").filter(has_text="mac").wait_for()
        page.locator(f'a[href="#/jobs/{job}"]').first().wait_for()  # what was shown stays
        page.get_by_label("MAC").fill(board.mac)
        page.until("document.querySelector('.problem') === null")

    def test_only_for_admins(self):
        page = self.open("#/jobs", token=self.token_of("engineer")[1])
        self.assertEqual(page.get_by_role("link", name="Audit").count(), 0)
        page.evaluate("location.hash = '#/audit'")
        page.locator(".empty").filter(has_text="admin").wait_for(timeout=harness.PATIENCE * 1000)


if __name__ == "__main__":
    unittest.main()
