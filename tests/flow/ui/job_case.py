"""What tests of jobs and of what they leave behind have in common."""
import json
import threading

import harness
import ui_case

LOOKS = [("en", "light", 1280), ("zh", "dark", 390), ("zh", "light", 1920), ("en", "dark", 390)]


class JobCase(ui_case.UiCase):
    def order(self, kind, board, **more):
        return self.gate.create_job(self.bench.command(kind, self.bench.slot(board), **more))

    def ends(self, job, state):
        got = self.gate.wait_job(job)
        self.assertEqual(got["state"], state, json.dumps(got, indent=1))
        return got

    def failed_check(self, board):
        job = self.order("check", board, credential=self.bench.upload(), wifi={"password": "not-the-password"})
        self.bench.secrets.add("not-the-password")
        return self.ends(job, "failed")

    def waits_at_the_clock(self, board):
        """A job that runs until somebody stops it, or the time server speaks."""
        self.bench.clock.silent = True
        self.addCleanup(setattr, self.bench.clock, "silent", False)
        job = self.order("provision", board, credential=self.bench.upload())
        self.until_step(job, "time")
        return job

    def state(self, page, word):
        page.locator(".job-state").filter(has_text=word).wait_for()

    def row(self, page, job):
        return page.locator("tbody tr").filter(has=page.locator(f'a[href="#/jobs/{job}"]'))

    def says(self, page, selector, text):
        page.locator(selector).filter(has_text=text).first().wait_for()

    def saved(self, page, button):
        """The bytes of the file that this button hands over."""
        got = []
        waiter = threading.Thread(target=lambda: got.append(page.browser.ask(page.handle, [["waitForEvent", "download"],
                                                                                          ["path"]])))
        waiter.start()
        button.click()
        waiter.join(harness.PATIENCE)
        with open(got[0], "rb") as f:
            return f.read()

    def open_log(self, page):
        page.locator("summary").filter(has_text="What passed on the wire").click()
        page.locator(".log tbody tr").first().wait_for()
