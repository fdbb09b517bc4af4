"""A slot's page and its console: AT commands as jobs."""
import json

import browser
import harness
import ui_case

SECRET = "a-secret-that-nobody-keeps"


class SlotCase(ui_case.UiCase):
    bench_options = {"broker": False}

    def setUp(self):
        super().setUp()
        self.slot = self.bench.slot(self.bench.boards[0])

    def enter(self, page, *lines):
        for line in lines:
            page.locator("#at").fill(line)
            page.locator("#at").press("Enter")

    def paste(self, page, text):
        """As the keyboard does it."""
        page.locator("#at").focus()
        page.evaluate("""(() => {
          const data = new DataTransfer();
          data.setData('text', %s);
          document.activeElement.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true,
            cancelable: true}));
        })()""" % json.dumps(text))

    def entry(self, page, n, badge=""):
        """The n-th thing in the console, when its job stands like this."""
        found = page.locator(".at-log > .turn").nth(n)
        if badge:
            found.locator(".badge").filter(has_text=browser.regexp(f"^{badge}$")).wait_for()
        return found

    def at_jobs(self):
        """The AT jobs of the slot, the oldest first."""
        items = self.gate.get(f"/v1/jobs?slot={self.slot}&kind=at").expect(200).json["items"]
        return items[::-1]


class Console(SlotCase):
    def test_a_line_is_a_job_and_its_answer_is_shown(self):
        page = self.open(f"#/slots/{self.slot}")
        self.enter(page, "AT+GMR")
        said = self.entry(page, 0, "succeeded").inner_text()
        job = self.at_jobs()[0]
        self.assertIn("\n".join([*job["result"]["lines"][0]["answer"], "OK"]), said)
        self.assertEqual(page.locator("#at").input_value(), "")
        page.locator(".slot-jobs").get_by_role("link", name="AT commands").wait_for()
        self.assertAccessible(page)

    def test_lines_are_done_in_the_order_that_they_were_entered_in(self):
        page = self.open(f"#/slots/{self.slot}")
        self.enter(page, "AT+CWMODE=1", "AT+CWMODE?", "AT+CWMODE=3", "AT+CWMODE?")
        self.assertIn("+CWMODE:3", self.entry(page, 3, "succeeded").inner_text())
        self.assertIn("+CWMODE:1", self.entry(page, 1, "succeeded").inner_text())

    def test_a_refused_line_says_why_and_what_follows_is_not_sent(self):
        page = self.open(f"#/slots/{self.slot}")
        self.paste(page, "AT\r\nAT+<b>NO</b>\r\n\r\nAT+GMR\r\n")
        self.assertEqual(page.locator("#at-many").input_value().split(), ["AT", "AT+<b>NO</b>", "AT+GMR"])
        page.locator("#at-many").press("Enter")
        said = self.entry(page, 0, "failed").inner_text()
        job = self.at_jobs()[0]
        self.assertEqual([line["ok"] for line in job["result"]["lines"]], [True, False])
        for text in ("AT+<b>NO</b>", "ERROR", job["error"]["hint"], "AT+GMR not sent"):
            self.assertIn(text, said)
        page.locator("#at").wait_for()
        page.locator(".tile.idle").wait_for()  # it says nothing of whether the board is good

    def test_history_keeps_no_secret(self):
        self.bench.secrets.add(SECRET)
        page = self.open(f"#/slots/{self.slot}")
        self.enter(page, "AT+CWMODE=1", f'AT+CWJAP="nowhere","{SECRET}"', "AT")
        masked = 'AT+CWJAP="nowhere","•••"'
        self.entry(page, 2, "succeeded")
        self.assertIn(masked, self.entry(page, 1, "failed").inner_text())
        entry = page.locator("#at")
        entry.fill("AT+dra")
        seen = []
        for key in ["ArrowUp"] * 4 + ["ArrowDown"] * 3:
            entry.press(key)
            seen.append(entry.input_value())
        self.assertEqual(seen, ["AT", masked, "AT+CWMODE=1", "AT+CWMODE=1", masked, "AT", "AT+dra"])
        entry.press("ArrowUp")
        entry.press("ArrowUp")
        entry.press("Enter")
        page.get_by_text("Put in again what stands where ••• is").wait_for()
        self.assertEqual(len(self.at_jobs()), 3)
        page.keyboard.type("another-secret")
        self.assertEqual(entry.input_value(), 'AT+CWJAP="nowhere","another-secret"')
        entry.fill("")
        kept = page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}, document.body.innerHTML])")
        self.assertNotIn(SECRET, kept)
        self.assertIn("CWJAP", kept)
        page.reload()
        page.locator("#at").press("ArrowUp")
        self.assertEqual(page.locator("#at").input_value(), "AT")

    def test_arrows_go_among_several_lines_first(self):
        page = self.open(f"#/slots/{self.slot}")
        self.enter(page, "AT")
        self.entry(page, 0, "succeeded")
        self.paste(page, "AT+GMR\nAT+CWMODE?")
        several = page.locator("#at-many")
        page.until("document.activeElement.id === 'at-many' && document.activeElement.selectionEnd === 17")
        several.press("ArrowUp")
        self.assertEqual(several.input_value(), "AT+GMR\nAT+CWMODE?")
        several.press("ArrowUp")  # to the beginning, as keyboards have it
        several.press("ArrowUp")
        page.until("document.activeElement.id === 'at' && document.activeElement.value === 'AT'")
        page.locator("#at").press("ArrowDown")
        page.until("document.activeElement.id === 'at-many'")
        self.assertEqual(page.locator("label[for=at-many]").count(), 1)
        several.press("Escape")
        page.until("document.activeElement.id === 'at' && document.activeElement.value === ''")

    def test_it_waits_behind_another_job_and_can_be_cancelled(self):
        self.gate.post(f"/v1/slots/{self.slot}/pause").expect(200)
        page = self.open(f"#/slots/{self.slot}")
        self.enter(page, "AT+GMR")
        waiting = self.entry(page, 0, "queued")
        waiting.get_by_text("The slot is paused").wait_for()
        waiting.get_by_role("button", name="Cancel").press("Enter")
        self.entry(page, 0, "cancelled")
        self.assertEqual(self.at_jobs()[0]["state"], "cancelled")

    def test_a_viewer_sees_no_entry(self):
        _, token = self.token_of("viewer")
        page = self.open(f"#/slots/{self.slot}", token=token)
        page.get_by_text("Your token may look only.").wait_for()
        self.assertEqual(page.locator("main").get_by_role("textbox").count(), 0)
        self.assertEqual(page.locator("main").get_by_role("button").count(), 0)
        self.assertAccessible(page)

    def test_what_is_not_taken_can_be_sent_again(self):
        self.gate.post(f"/v1/slots/{self.slot}/drain").expect(200)
        page = self.open(f"#/slots/{self.slot}")
        page.expect_fault("409")
        self.enter(page, "AT+GMR")
        page.get_by_text("not taken").wait_for()
        self.assertEqual(page.locator("#at").input_value(), "AT+GMR")
        page.get_by_role("button", name="Run", exact=True).press("Enter")
        page.get_by_text("Jobs begin as soon as the slot is free.").wait_for()
        page.locator("#at").press("Enter")
        self.assertIn("AT version", self.entry(page, 1, "succeeded").inner_text())

    def test_it_goes_on_after_a_restart(self):
        self.gate.post(f"/v1/slots/{self.slot}/pause").expect(200)
        page = self.open(f"#/slots/{self.slot}")
        page.expect_fault("ERR_|Failed to load resource")
        self.enter(page, "AT")
        self.entry(page, 0, "queued")
        self.gate.kill9()
        page.get_by_text("espgate does not answer").wait_for()
        self.enter(page, "AT+GMR")
        page.get_by_text("Is it running, and is this computer on its network?").wait_for()
        self.assertEqual(page.locator("#at").input_value(), "AT+GMR")
        self.restart()
        self.gate.post(f"/v1/slots/{self.slot}/resume").expect(200)
        self.entry(page, 0, "succeeded")


class Behind(SlotCase):
    bench_options = {"broker": False, "boards": [{"pace": "full"}]}

    def test_it_says_behind_whom_it_waits(self):
        self.bench.slot(self.bench.boards[0], flash_baud=115200)
        job = self.gate.create_job({"kind": "read", "slot": self.slot, "offset": 0, "size": 1 << 20})
        page = self.open(f"#/slots/{self.slot}")
        page.locator(".tile.working").wait_for()
        self.enter(page, "AT")
        reason = browser.regexp(r"It waits behind Read: .* \(ordered by admin\)")
        self.entry(page, 0, "queued").get_by_text(reason).wait_for()
        self.gate.post(f"/v1/jobs/{job}/cancel").expect(202)
        self.entry(page, 0, "succeeded")


class Slot(SlotCase):
    def test_its_queue_is_paused_run_dry_and_run(self):
        page = self.open(f"#/slots/{self.slot}")
        for button, sentence, state in (("Pause", "No job begins here.", "paused"),
                                        ("Run dry", "no new one is taken until it runs again", "drained"),
                                        ("Run", "Jobs begin as soon as the slot is free.", None)):
            page.get_by_role("button", name=button, exact=True).press("Enter")
            page.get_by_text(sentence).wait_for()
            pressed = page.locator("main [aria-pressed=true]")
            self.assertEqual(pressed.all_text_contents(), [button])
            page.until(f"document.activeElement.textContent === '{button}'")
            hold = self.gate.get(f"/v1/slots/{self.slot}").json["hold"]
            self.assertEqual(hold and hold["state"], state)
        self.gate.post(f"/v1/slots/{self.slot}/pause").expect(200)  # somebody else
        page.get_by_text("By admin, since").wait_for()

    def test_work_is_ordered(self):
        page = self.open(f"#/slots/{self.slot}")
        for kind, name in (("identify", "Identify"), ("reset", "Reset")):
            page.get_by_role("button", name=f"{name}: {self.slot}").click()
            page.locator(".slot-jobs tbody tr").filter(has_text=name).get_by_text("succeeded").wait_for()
        self.assertEqual(page.get_by_role("link", name="Provision", exact=True).last().get_attribute("href"),
                         f"#/provision?slot={self.slot}")

    def test_a_check_takes_a_profile(self):
        page = self.open(f"#/slots/{self.slot}")
        page.get_by_role("button", name="Check…").click()
        page.get_by_text("A check needs a profile").wait_for()
        page.keyboard.press("Escape")
        self.gate.put("/v1/profiles/bench", {"wifi": {"ssid": harness.SSID, "password": harness.PASSWORD}}).expect(201)
        page.get_by_role("button", name="Check…").click()
        page.get_by_label("How far").select_option("wifi")
        page.get_by_role("dialog").get_by_role("button", name="Check", exact=True).click()
        page.locator(".tile.good").get_by_text("Check: succeeded").wait_for()

    def test_a_slot_that_goes_says_so_and_comes_back(self):
        page = self.open(f"#/slots/{self.slot}")
        body = {"download_port": self.bench.boards[0].download}
        self.gate.delete(f"/v1/slots/{self.slot}").expect(204)
        page.get_by_text("This slot is not there now").wait_for()
        self.gate.put(f"/v1/slots/{self.slot}", body).expect(201)
        page.get_by_text("This slot is not there now").wait_for(state="hidden")

    def test_a_slot_that_never_was(self):
        page = self.open("#/")
        page.expect_fault("404")
        page.evaluate("location.hash = '#/slots/%3Cb%3Enobody%3C%2Fb%3E'")
        page.locator(".problem").wait_for()

    def test_it_is_fit_to_be_seen(self):
        page = self.open(f"#/slots/{self.slot}")
        self.enter(page, "AT+GMR", 'AT+CWJAP="nowhere","12345678"', "AT+NONSENSE")
        self.entry(page, 2, "failed")
        for language in ui_case.LANGUAGES:
            for theme in ui_case.THEMES:
                for width in (390, 1920):
                    with self.subTest(language=language, theme=theme, width=width):
                        page = self.open(f"#/slots/{self.slot}", language, theme, width)
                        self.enter(page, "AT+GMR", "AT+NONSENSE")
                        self.entry(page, 1, {"en": "failed", "zh": "失败"}[language])
                        page.shot("slot")
                        self.assertAccessible(page)
                        self.assertLessEqual(page.overflow(), 0)
                        self.assertEqual(page.keys_without_words(), [])


if __name__ == "__main__":
    harness.unittest.main()
