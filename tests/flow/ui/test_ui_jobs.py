"""The list of jobs and the page of one: what an operator sees while it runs, and what an engineer finds afterwards."""
import json
import os
import unittest

import harness
from job_case import LOOKS, JobCase

SLOW_AT, SLOW_SIZE = 0x200000, 0x20000


class Jobs(JobCase):
    bench_options = {"boards": 1}

    def test_the_list_is_live(self):
        board = self.bench.boards[0]
        self.bench.slot(board)
        page = self.open("#/jobs")
        self.says(page, ".empty", "No job fits")
        job = self.order("identify", board)
        self.says(page, "tbody tr", "succeeded")
        row = self.row(page, job)
        row.get_by_text(board.mac).wait_for()
        later = self.order("at", board, lines=["AT+NOPE"])
        self.row(page, later).get_by_text("AT+NOPE was refused").wait_for()
        self.assertIn("AT commands", page.locator("tbody tr").first().inner_text())  # the newest is the first
        page.get_by_role("link", name="Identify").click()
        self.state(page, "succeeded")

    def test_filters_are_in_the_address(self):
        board = self.bench.boards[0]
        job, other = self.order("identify", board), self.order("at", board, lines=["AT+NOPE"])
        self.ends(job, "succeeded")
        self.ends(other, "failed")
        page = self.open("#/jobs")
        page.get_by_label("State").select_option("failed")
        page.until("document.querySelectorAll('tbody tr').length === 1")
        self.row(page, other).wait_for()
        self.assertIn("state=failed", page.evaluate("location.hash"))
        page.get_by_label("Slot").fill("nowhere")
        self.says(page, ".empty", "No job fits")
        page.reload()
        page.settled()
        self.assertEqual(page.get_by_label("Slot").input_value(), "nowhere")
        page.get_by_label("Slot").fill("board1")
        self.row(page, other).wait_for()
        page.get_by_label("Slot").fill("not a slot")
        page.expect_fault("400")
        self.says(page, ".problem", "slot")

    def test_the_jobs_of_a_credential(self):
        board = self.bench.boards[0]
        self.ends(self.order("identify", board), "succeeded")
        job = self.failed_check(board)
        page = self.open(f"#/jobs?credential={job['credential']}")
        self.row(page, job["id"]).wait_for()
        self.assertEqual(page.locator("tbody tr").count(), 1)
        page.get_by_label("Credential").fill("")
        page.until("document.querySelectorAll('tbody tr').length === 2")
        self.assertNotIn("credential", page.evaluate("location.hash"))

    def test_a_job_leaves_the_running_ones_when_it_ends(self):
        job = self.waits_at_the_clock(self.bench.boards[0])
        page = self.open("#/jobs?state=running")
        self.row(page, job).get_by_text("clock").first().wait_for()
        self.gate.post(f"/v1/jobs/{job}/cancel").expect(202)
        self.says(page, ".empty", "No job fits")

    def test_more_than_a_page(self):
        board = self.bench.boards[0]
        jobs = [self.order("reset", board) for _ in range(53)]
        self.ends(jobs[-1], "succeeded")
        page = self.open("#/jobs")
        self.assertEqual(page.locator("tbody tr").count(), 50)
        page.get_by_role("button", name="Show more").click()
        self.row(page, jobs[0]).wait_for()
        self.assertEqual(page.locator("tbody tr").count(), 53)
        self.assertEqual(page.get_by_role("button", name="Show more").count(), 0)

    def test_a_failed_check_says_what_to_do(self):
        job = self.failed_check(self.bench.boards[0])
        page = self.open(f"#/jobs/{job['id']}")
        problem = page.locator(".problem").first()
        for text in (job["error"]["detail"], job["error"]["hint"], "wifi_wrong_password", "+CWJAP:2", "in step Wi-Fi"):
            problem.get_by_text(text).wait_for()
        self.says(page, ".card", "Look at the Wi-Fi.")
        page.get_by_text("What this was drawn from").click()
        self.says(page, ".facts", "It works with the job’s credential.")
        self.says(page, ".steps li.failed", "Wi-Fi")
        page.get_by_role("link", name="board1", exact=True).first().wait_for()
        page.locator(f'a[href="#/credentials?id={job["credential"]}"]').wait_for()
        chinese = self.open(f"#/jobs/{job['id']}", language="zh")
        self.says(chinese, ".problem [lang=en]", job["error"]["detail"])  # the service's own words stay beside it
        self.assertEqual(chinese.keys_without_words(), [])

    def test_stopped_and_done_again(self):
        board = self.bench.boards[0]
        job = self.waits_at_the_clock(board)
        queued = self.order("reset", board)
        page = self.open(f"#/jobs/{queued}")
        self.state(page, "It waits for its turn at the slot.")
        page.visit(f"#/jobs/{job}")
        self.says(page, ".steps li.running", "clock")
        self.assertEqual(page.evaluate("[...document.querySelectorAll('.steps .ahead .name')].map((n) => n.textContent)"),
                         ["network", "TLS", "connect", "subscribe", "publish", "received", "check from here", "record"])
        page.get_by_role("button", name="Stop the job").click()
        page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
        self.state(page, "running")
        page.get_by_role("button", name="Stop the job").click()
        page.get_by_role("dialog").get_by_role("button", name="Stop the job").click()
        self.state(page, "cancelled")
        self.assertEqual(page.locator(".steps li.ahead").count(), 0)
        self.assertEqual(page.locator(".problem").count(), 0)  # nothing went wrong
        self.bench.clock.silent = False
        page.get_by_role("button", name="Do it again").click()
        page.until(f"location.hash.startsWith('#/jobs/') && location.hash !== '#/jobs/{job}'")
        self.state(page, "succeeded")
        page.locator(f'a[href="#/jobs/{job}"]').wait_for()
        self.says(page, ".card", "The board did all that was asked.")

    def test_stopping_what_has_just_ended(self):
        job = self.waits_at_the_clock(self.bench.boards[0])
        page = self.open(f"#/jobs/{job}")
        page.get_by_role("button", name="Stop the job").click()
        self.gate.post(f"/v1/jobs/{job}/cancel").expect(202)
        self.ends(job, "cancelled")
        self.state(page, "cancelled")
        page.expect_fault("409")
        page.get_by_role("dialog").get_by_role("button", name="Stop the job").click()
        self.says(page, ".problem", "ended")
        page.get_by_role("button", name="Do it again").wait_for()

    def test_the_service_ends_and_comes_back(self):
        job = self.waits_at_the_clock(self.bench.boards[0])
        page = self.open(f"#/jobs/{job}")
        page.expect_fault("ERR_CONNECTION|ERR_INCOMPLETE|ERR_EMPTY|CONNECTION_RE")
        self.gate.kill9()
        self.says(page, ".notice", "espgate does not answer")
        self.restart()
        self.state(page, "interrupted")
        self.says(page, ".steps li.interrupted", "clock")
        page.get_by_role("button", name="Do it again").wait_for()
        page.visit("#/jobs")
        self.row(page, job).get_by_text("interrupted").first().wait_for()

    def test_no_such_job(self):
        page = self.open()
        page.expect_fault("404")
        page.visit("#/jobs/job_1m805h3vyf68xcfncs9bzdjx7")
        self.assertEqual(page.heading(), "There is no such job")
        page.locator(".problem").wait_for()
        page.get_by_role("link", name="All jobs").click()
        page.get_by_role("heading", name="Jobs").wait_for()

    def test_a_viewer_is_offered_nothing_that_he_may_not(self):
        job = self.failed_check(self.bench.boards[0])
        page = self.open(f"#/jobs/{job['id']}", token=self.token_of("viewer")[1])
        self.says(page, ".problem", job["error"]["detail"])
        self.assertEqual(page.get_by_role("button", name="Do it again").count(), 0)

    def test_answers_to_lines_are_text(self):
        line = "AT+<img src=x onerror=alert(1)>"
        job = self.order("at", self.bench.boards[0], lines=["AT", "AT+GMR", line])
        self.ends(job, "failed")
        page = self.open(f"#/jobs/{job}")
        self.says(page, ".problem", line)
        answers = page.locator(".console li")
        self.assertEqual(answers.count(), 3)
        answers.nth(1).get_by_text("AT version:2.4.0.0").wait_for()
        answers.nth(2).get_by_text("refused").wait_for()
        self.open_log(page)
        self.says(page, ".log tbody tr", line)
        self.assertEqual(page.locator("main img").count(), 0)

    def test_the_log(self):
        job = self.failed_check(self.bench.boards[0])
        page = self.open(f"#/jobs/{job['id']}")
        self.open_log(page)
        log = page.locator(".log tbody")
        log.get_by_text("••• ").first().wait_for()
        self.assertNotIn("not-the-password", page.words())
        self.assertIn("AT+GMR", log.inner_text())
        page.get_by_label("View").select_option("hex")
        log.get_by_text("41 54 2b 47 4d 52 0d 0a").wait_for()  # AT+GMR
        page.get_by_label("View").select_option("auto")
        page.get_by_label("Search").fill("at+cwqap")
        self.says(page, ".filter", "1 of 1")
        self.says(page, ".log tr.found mark", "AT+CWQAP")
        page.get_by_label("Search").fill("at+cw")
        self.says(page, ".filter", "1 of ")
        first = page.locator(".log tr.found").inner_text()
        page.get_by_label("Search").press("Enter")
        self.says(page, "#said", "2 of ")
        self.assertNotEqual(page.locator(".log tr.found").inner_text(), first)
        page.get_by_role("button", name="Previous").click()
        self.says(page, "#said", "1 of ")
        self.assertEqual(page.locator(".log tr.found").inner_text(), first)
        page.get_by_label("Search").fill("nowhere to be found")
        self.says(page, ".filter", "Not found")
        page.get_by_label("Port").select_option("download")
        page.until("![...document.querySelectorAll('.log tbody td')].some((cell) => cell.textContent.includes('AT+GMR'))")
        kept = self.saved(page, page.get_by_role("button", name="Download"))
        self.assertEqual(kept, self.gate.get(f"/v1/jobs/{job['id']}/log").body)

    def test_of_a_big_log_a_page_shows_a_part(self):
        job = self.order("reset", self.bench.boards[0])
        self.ends(job, "succeeded")
        lines = [json.dumps({"ms": i, "dir": "host", "port": "download", "hex": f"{i % 256:02x}" * 256}) for i in range(9999)]
        lines.append(json.dumps({"ms": 9999, "dir": "board", "port": "at", "hex": b"the very end\r\n".hex()}))
        page = self.open(f"#/jobs/{job}")
        page.intercept("/log$", {"answer": {"status": 200, "contentType": "application/x-ndjson", "body": "\n".join(lines)}})
        self.open_log(page)
        self.assertEqual(page.locator(".log tbody tr").count(), 200)
        page.get_by_text("Rows 1 to 200 of 10,000").first().wait_for()
        page.get_by_role("button", name="Last rows").first().click()
        self.says(page, ".log tbody tr", "the very end")
        page.until("document.activeElement.textContent === 'First rows'")  # the button that was pressed is of no use now
        page.get_by_role("button", name="First rows").first().click()
        page.locator(".filter input").fill("very end")
        self.says(page, ".log tr.found", "the very end")
        self.assertEqual(page.locator(".log tbody tr").count(), 200)


class SlowBoard(JobCase):
    bench_options = {"boards": [{"pace": "wire"}]}

    def setUp(self):
        super().setUp()
        self.board = self.bench.boards[0]
        self.board.stop()
        with open(self.board.flash, "r+b") as f:  # what is erased or repeats itself would be read in no time
            f.seek(SLOW_AT)
            f.write(os.urandom(SLOW_SIZE))
        self.board.start()

    def read(self):
        """A job of 12 s."""
        slot = self.bench.slot(self.board, flash_baud=115200)
        return self.gate.create_job(self.bench.command("read", slot, offset=hex(SLOW_AT), size=SLOW_SIZE))

    def test_progress_has_a_rate(self):
        path = f"/v1/slots/{self.bench.slot(self.board)}"
        self.gate.post(f"{path}/pause").expect(200)  # until somebody looks
        job = self.read()
        jobs, page = self.open("#/jobs"), self.open(f"#/jobs/{job}")
        self.gate.post(f"{path}/resume").expect(200)
        self.says(page, ".figures", "KiB/s")
        self.row(jobs, job).locator("progress").wait_for()
        self.row(jobs, job).get_by_text("%").wait_for()
        page.shot("job-running")
        self.assertAccessible(page)
        self.state(page, "succeeded")
        self.assertEqual(page.locator(".figures").count(), 0)
        data = self.saved(page, page.get_by_role("button", name="Download").first())
        self.assertEqual(data, self.board.flash_bytes(SLOW_AT, SLOW_SIZE))
        page.get_by_role("button", name="Forget").click()
        page.get_by_role("dialog").get_by_role("button", name="Forget").click()
        page.get_by_text("It is gone.").wait_for()
        self.gate.get(f"/v1/jobs/{job}/data").problem(404, "dump_not_found")

    def test_a_board_that_is_unplugged(self):
        job = self.read()
        page = self.open(f"#/jobs/{job}")
        self.says(page, ".figures", "read")
        self.board.unplug()
        self.state(page, "failed")
        self.says(page, ".problem", "plug it in again")
        page.get_by_role("button", name="Do it again").wait_for()


class Restored(JobCase):
    bench_options = {"boards": [{"firmware": "4.1"}]}

    def test_what_was_there_is_put_back(self):
        board = self.bench.boards[0]
        job = self.bench.run("provision", board, method="rom")
        [backup] = job["result"]["backups"]
        page = self.open(f"#/jobs/{job['id']}")
        for text in ("Written", "Network", "mfg_nvs", "The board did all that was asked."):
            self.says(page, ".card", text)
        page.get_by_role("button", name="Restore").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_text(board.mac).wait_for()
        self.assertEqual(dialog.get_by_label("Slot where the board is now").input_value(), "board1")
        dialog.get_by_role("button", name="Restore").click()
        page.get_by_role("heading", name="Restore · board1").wait_for()
        self.state(page, "succeeded")
        restored = self.gate.job(page.evaluate("location.hash").rpartition("/")[2])
        self.assertEqual((restored["kind"], restored["result"]["restore"]["backup"]), ("restore", backup["id"]))


class Looks(JobCase):
    bench_options = {"boards": [{}, {"firmware": "4.1"}]}

    def test_every_look(self):
        one, two = self.bench.boards
        failed = self.failed_check(one)["id"]
        at = self.order("at", one, lines=["AT", "AT+GMR", "AT+NOPE"])
        self.ends(at, "failed")
        good = self.bench.run("provision", two, method="rom")["id"]
        for language, theme, width in LOOKS:
            page = self.open("#/jobs", language=language, theme=theme, width=width)
            for name, address in (("jobs", "#/jobs"), ("job-failed", f"#/jobs/{failed}"), ("job-at", f"#/jobs/{at}"),
                                  ("job", f"#/jobs/{good}")):
                with self.subTest(name=name, look=page.look):
                    page.visit(address)
                    if name != "jobs":
                        for summary in range(page.locator("main summary").count()):
                            page.locator("main summary").nth(summary).click()
                        page.locator(".log tbody tr").first().wait_for()
                    self.assertEqual(page.keys_without_words(), [])
                    self.assertEqual(page.overflow(), 0)
                    self.assertAccessible(page)
                    page.shot(name)


if __name__ == "__main__":
    unittest.main()
