"""The wizard: what an operator does with files, slots and a profile, and what he is told when something is wrong."""
import base64
import io
import zipfile

import browser
import harness
import ui_case
from ports import free_port

PICTURE = b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(range(256)) * 40
# What has the focus: its label or text.
FOCUSED = """(({id, textContent}) => id && document.querySelector(`label[for="${id}"]`)?.textContent || textContent)(
  document.activeElement)"""
LOOKS = (("en", "light", 390), ("zh", "dark", 390), ("zh", "light", 1920), ("en", "dark", 1280))


def pem(name, data):
    return browser.payload(name, data, "application/x-pem-file")


class WizardCase(ui_case.UiCase):
    def files_of(self, one, name, root=True):
        """What somebody drops for one board."""
        self.bench.secrets.update(one.secrets())
        own = [pem(f"{name}.crt", one.cert), pem(f"{name}.key", one.key)]
        return [*own, pem("root.pem", self.bench.pki.ca.cert)] if root else own

    def profile(self, name="line", **more):
        body = self.bench.command("provision", "", **more)
        body = {key: body[key] for key in ("wifi", "time", "mqtt", "check", "purge_key") if key in body}
        self.gate.put(f"/v1/profiles/{name}", body).expect(200, 201)
        return name

    def slots(self):
        return [self.bench.slot(board) for board in self.bench.boards]

    def device_for(self, board):
        return self.bench.pki.issue("pump-" + board.mac.replace(":", ""), self.bench.pki.ca, kind="rsa")

    # ---- what the operator does ----

    def drop(self, page, *files):
        page.drop("main", *files)

    def ready(self, page, n):
        text = "One credential is ready." if n == 1 else f"{n} credentials are ready."
        page.locator(".sum").filter(has_text=text).wait_for()

    def to_slots(self, page):
        page.get_by_role("button", name="Choose slots").click()
        page.get_by_label("Profile", exact=True).wait_for()

    def start(self, page):
        page.get_by_role("button", name="Start", exact=True).click()
        page.get_by_role("heading", name="The batch").wait_for()

    def card(self, page, slot, look=""):
        found = page.locator(f'.job-card[data-slot="{slot}"]{look and "." + look}')
        found.wait_for(timeout=harness.JOB_S * 1000)
        return found

    def row(self, page, slot):
        return page.locator(".slot-rows tbody tr").filter(has=page.get_by_role("rowheader", name=slot, exact=True))

    def newest(self, slot, kind="provision"):
        return self.gate.get(f"/v1/jobs?slot={slot}&kind={kind}&limit=1").expect(200).json["items"][0]


class Wizard(WizardCase):
    bench_options = {"boards": 2}

    def test_files_become_a_board_that_works(self):
        board = self.bench.boards[0]
        self.slots()
        page = self.open("#/provision")
        self.drop(page, *self.files_of(self.bench.pki.device, "device"))
        self.ready(page, 1)
        card = page.locator(".set").filter(has_text="device")
        for check in ("Readable", "Complete", "Key belongs to certificate", "Chain leads to the root CA", "Valid now"):
            card.get_by_text(check, exact=True).wait_for()
        self.assertIn("Private key · RSA-2048", page.locator(".files").inner_text())
        self.assertEqual(self.gate.get("/v1/credentials").json["items"], [])  # nothing is stored before the start
        page.shot("provision-1")
        self.to_slots(page)
        self.row(page, "board1").get_by_role("checkbox", checked=True).wait_for()
        page.get_by_label("Wi-Fi network", exact=True).fill(harness.SSID)
        page.get_by_label("Wi-Fi password", exact=True).fill(harness.PASSWORD)
        page.get_by_label("MQTT broker", exact=True).fill("localhost")
        page.get_by_text("Seldom needed").click()
        page.get_by_label("Port of the broker", exact=True).fill(str(self.bench.broker.port))
        page.get_by_label("Time server", exact=True).fill("127.0.0.1")
        page.shot("provision-2")
        self.start(page)
        card = self.card(page, "board1", "succeeded")
        card.get_by_text("It works.").wait_for()
        page.shot("provision-3")
        job = self.newest("board1")
        self.assertEqual(job["result"]["verdict"]["code"], "works")
        self.assertEqual(job["result"]["board"]["mac"], board.mac)
        self.assertEqual(card.get_by_role("link").get_attribute("href"), f"#/jobs/{job['id']}")
        stored = self.gate.get(f"/v1/credentials/{job['credential']}").expect(200).json
        self.assertEqual(stored["common_name"], "device")
        # the next batch needs no root CA again, and knows what is stored
        page.get_by_role("button", name="Next batch").click()
        page.locator(".files").filter(has_text="root.pem").wait_for()
        self.drop(page, *self.files_of(self.bench.pki.device, "device", root=False))
        page.locator(".set").filter(has_text="stored already").wait_for()
        self.ready(page, 0)  # it is on its board

    def test_two_sets_in_a_zip_go_to_the_boards_that_they_name(self):
        first, second = self.bench.boards
        self.slots()
        self.profile()
        page = self.open("#/provision")
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as z:
            for board in (second, first):  # not in the order of the slots
                one = self.device_for(board)
                self.bench.secrets.update(one.secrets())
                z.writestr(f"{board.name}/device.crt", one.cert)
                z.writestr(f"{board.name}/device.key", one.key)
            z.writestr("root.pem", self.bench.pki.ca.cert)
        self.drop(page, browser.payload("line.zip", packed.getvalue(), "application/zip"))
        self.ready(page, 2)
        self.to_slots(page)
        page.get_by_role("button", name="Ask the boards who they are").click()
        for board in (first, second):
            row = self.row(page, board.name)
            row.filter(has_text=board.mac).wait_for()
            name = "pump-" + board.mac.replace(":", "")
            row.get_by_role("combobox").filter(has=page.locator("option:checked", has_text=name)).wait_for()
        self.start(page)
        for board in (first, second):
            self.card(page, board.name, "succeeded").get_by_text("It works.").wait_for()
            job = self.newest(board.name)
            stored = self.gate.get(f"/v1/credentials/{job['credential']}").expect(200).json
            self.assertEqual(stored["common_name"], "pump-" + job["result"]["board"]["mac"].replace(":", ""))
        page.locator("p.sum").filter(has_text="All have ended: 2 of 2 succeeded.").wait_for()

    def test_a_service_that_was_away_loses_nothing(self):
        self.slots()
        self.profile()
        page = self.open("#/provision")
        page.expect_fault("ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE_CHUNKED")
        self.drop(page, *self.files_of(self.bench.pki.device, "device"))
        self.ready(page, 1)
        self.to_slots(page)
        self.gate.stop()
        page.get_by_role("button", name="Start", exact=True).click()
        refused = self.card(page, "board1", "refused")
        refused.get_by_text("espgate does not answer.").wait_for()
        self.restart()
        self.card(page, "board1", "succeeded")  # it was sent again by itself
        self.assertEqual(len(self.gate.get("/v1/jobs?kind=provision").json["items"]), 1)
        self.assertEqual(len(self.gate.get("/v1/credentials").json["items"]), 1)
        # and once more, by kill -9 in the middle of a job
        page.get_by_role("button", name="Next batch").click()
        page.locator(".files").filter(has_text="root.pem").wait_for()
        self.drop(page, *self.files_of(self.bench.pki.ec_device, "ec", root=False))
        self.ready(page, 1)
        self.to_slots(page)
        self.start(page)
        self.card(page, "board1", "running")
        self.gate.kill9()
        self.restart()
        card = self.card(page, "board1", "interrupted")
        card.get_by_role("button", name="Retry", exact=True).click()
        self.card(page, "board1", "succeeded").get_by_text("It works.").wait_for()

    def test_a_board_unplugged_in_the_middle_is_told_and_tried_again(self):
        board = self.bench.boards[0]
        self.slots()
        self.profile()
        board.stop()
        board.start(pace="full")
        page = self.open("#/provision")
        self.drop(page, *self.files_of(self.bench.pki.device, "device"))
        self.ready(page, 1)
        self.to_slots(page)
        self.start(page)
        self.card(page, "board1", "running").locator(".step-chips .running").first().wait_for()
        board.unplug()
        card = self.card(page, "board1", "failed")
        error = self.newest("board1")["error"]
        card.get_by_text(error["hint"]).wait_for()
        page.locator("p.sum").filter(has_text="All have ended: 0 of 1 succeeded.").wait_for()
        page.shot("provision-3-unplugged")
        board.start()
        card.get_by_role("button", name="Retry", exact=True).click()
        self.card(page, "board1", "succeeded").get_by_text("It works.").wait_for()

    def test_what_is_typed_outlives_another_page_another_language_and_another_token(self):
        self.slots()
        token, text = self.token_of("operator", name="first")
        page = self.open("#/provision", token=text)
        self.drop(page, *self.files_of(self.bench.pki.device, "device"))
        self.ready(page, 1)
        self.to_slots(page)
        page.get_by_label("Wi-Fi network", exact=True).fill("hall 3")
        page.get_by_text("Seldom needed").click()
        page.get_by_label("Topic of the check", exact=True).fill("a/b")
        page.visit("#/jobs")
        page.visit("#/provision")
        page.get_by_label("Language").select_option("zh")
        page.get_by_label("Wi-Fi 网络", exact=True).wait_for()
        self.assertEqual(page.get_by_label("Wi-Fi 网络", exact=True).input_value(), "hall 3")
        page.get_by_label("语言").select_option("en")
        page.get_by_label("Wi-Fi network", exact=True).wait_for()
        page.expect_fault("401")
        self.gate.delete(f"/v1/tokens/{token}").expect(204)
        page.get_by_role("heading", name="Sign in").wait_for()
        _, again = self.token_of("operator", name="somebody-else")
        self.sign_in(page, again)
        page.get_by_role("heading", name="What goes on the boards?").wait_for()  # another person begins anew
        self.assertEqual(page.locator(".files").count(), 0)


class WrongFiles(WizardCase):
    bench_options = {"boards": 1, "broker": False}

    def setUp(self):
        super().setUp()
        self.slots()
        self.page = self.open("#/provision")

    def says(self, text):
        self.page.get_by_text(text).first().wait_for()

    def test_a_key_of_another_certificate_is_named_and_can_be_replaced(self):
        pki = self.bench.pki
        self.bench.secrets.update(pki.other_device.secrets())
        self.drop(self.page, pem("a.crt", pki.device.cert), pem("b.key", pki.other_device.key),
                  pem("root.pem", pki.ca.cert))
        self.says("cannot be used")
        self.says("stands in the way")
        self.assertTrue(self.page.get_by_role("button", name="Choose slots").is_disabled())
        self.page.get_by_role("button", name="Remove b.key").click()
        self.bench.secrets.update(pki.device.secrets())
        self.drop(self.page, pem("right.key", pki.device.key))
        self.ready(self.page, 1)

    def test_a_picture_is_of_no_use_and_spoils_nothing(self):
        self.drop(self.page, *self.files_of(self.bench.pki.device, "device"),
                  browser.payload("bench.jpg", PICTURE, "image/jpeg"))
        self.ready(self.page, 1)
        self.says("one of no use")
        self.says("No credential here needs it.")

    def test_a_picture_alone_says_what_is_missing(self):
        self.drop(self.page, browser.payload("bench.jpg", PICTURE, "image/jpeg"))
        self.says("There is no device certificate among these files")
        self.says("Something else")

    def test_20_mb_are_refused_here_with_the_limit_and_never_sent(self):
        self.drop(self.page, *self.files_of(self.bench.pki.device, "device"))
        self.ready(self.page, 1)
        self.page.intercept("/v1/credentials/inspect", {"fail": "failed"})  # a request would be a fault
        self.drop(self.page, ("holiday.jpg", 20 << 20))
        self.says("holiday.jpg was left out: it has 20 MiB, and a certificate or key has 128 KiB at most.")
        self.says("The other files are still here.")
        self.ready(self.page, 1)
        self.assertEqual(self.page.locator(".files tbody tr").count(), 3)

    def test_a_zip_is_opened_here_and_what_is_too_large_in_it_is_named(self):
        pki = self.bench.pki
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as z:
            for one in self.files_of(pki.device, "device"):
                z.writestr(one["name"], base64.b64decode(one["buffer"]["$base64"]))
            z.writestr("photos/large.jpg", bytes(1 << 20))
        self.drop(self.page, browser.payload("all.zip", packed.getvalue()))
        self.says("all.zip/photos/large.jpg was left out: it has 1 MiB")
        self.ready(self.page, 1)
        self.drop(self.page, browser.payload("broken.zip", packed.getvalue()[:500]))
        self.page.locator(".files").get_by_role("rowheader", name="broken.zip", exact=True).wait_for()
        self.ready(self.page, 1)

    def test_an_empty_file_and_a_name_with_markup_are_only_text(self):
        name = "<img src=x onerror=alert(1)>.pem"
        self.drop(self.page, browser.payload(name, b""), browser.payload("b" + name, b"<b>x</b>"))
        self.says(f"{name} was left out: it is empty.")
        self.page.locator(".files").get_by_role("rowheader", name="b" + name, exact=True).wait_for()
        self.assertEqual(self.page.locator("main img").count(), 0)

    def test_an_encrypted_key_asks_for_its_password(self):
        pki = self.bench.pki
        self.bench.secrets.add("a wrong one")
        self.drop(self.page, pem("a.crt", pki.device.cert), pem("a.key", pki.encrypted_key(pki.device)),
                  pem("r", pki.ca.cert))
        field = self.page.get_by_label("Password of the encrypted files")
        field.fill("a wrong one")
        field.press("Enter")
        self.says("the password does not open it")
        field.fill("secret")
        field.press("Enter")
        self.ready(self.page, 1)

    def test_an_expired_certificate_can_be_taken_all_the_same(self):
        self.drop(self.page, *self.files_of(self.bench.pki.expired_device, "old"))
        self.says("cannot be used")
        self.page.get_by_label("Take certificates that have expired or are not valid yet").check()
        self.ready(self.page, 1)
        self.says("ready, with remarks")

    def test_text_is_pasted_by_keyboard_alone_and_what_is_no_pem_is_told(self):
        self.page.get_by_text("Paste text instead").press("Enter")
        area = self.page.get_by_label("PEM text")
        area.fill("hello")
        self.page.get_by_role("button", name="Use this text").press("Enter")
        self.says("paste the whole PEM text")
        pki = self.bench.pki
        self.bench.secrets.update(pki.device.secrets())
        area.fill((pki.device.cert + pki.device.key + pki.ca.cert).decode())
        self.page.get_by_role("button", name="Use this text").press("Enter")
        self.ready(self.page, 1)
        self.assertEqual(area.input_value(), "")


class Slots(WizardCase):
    bench_options = {"boards": 2, "broker": False}

    def setUp(self):
        super().setUp()
        self.slots()

    def test_what_is_amiss_with_a_slot_is_said_before_the_start(self):
        self.gate.post("/v1/slots/board1/drain").expect(200)
        page = self.open("#/provision?slot=board1")
        self.drop(page, *self.files_of(self.bench.pki.device, "device"))
        self.ready(page, 1)
        self.to_slots(page)
        self.row(page, "board1").get_by_text("The slot takes no jobs").wait_for()
        page.get_by_role("button", name="Start", exact=True).click()
        page.get_by_text("This cannot go yet: look at board1 above.").wait_for()
        self.gate.post("/v1/slots/board1/pause").expect(200)
        self.row(page, "board1").get_by_text("its job waits until it runs again").wait_for()
        self.bench.boards[0].unplug()
        self.row(page, "board1").get_by_text("The board is not plugged in").wait_for()
        page.get_by_text("This cannot go yet").wait_for(state="detached")

    def test_the_same_credential_at_two_slots_is_said_and_a_left_over_one_waits(self):
        page = self.open("#/provision")
        self.drop(page, *self.files_of(self.bench.pki.device, "a"),
                  *self.files_of(self.bench.pki.ec_device, "b", root=False))
        self.ready(page, 2)
        self.to_slots(page)
        both = {self.row(page, name).get_by_role("combobox").input_value() for name in ("board1", "board2")}
        self.assertEqual(len(both), 2)
        self.row(page, "board2").get_by_role("combobox").select_option("device")
        self.row(page, "board1").get_by_role("combobox").select_option("device")
        self.row(page, "board1").get_by_text("Another slot has the same credential").wait_for()
        page.locator(".sum").filter(has_text="One credential has no slot yet").wait_for()

    def test_two_credentials_in_one_file_are_stored_each_by_itself(self):
        page = self.open("#/provision")
        pki = self.bench.pki
        ours = (pki.device, pki.ec_device)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as z:
            z.writestr("line/all.pem", b"".join([one.cert + one.key for one in ours] + [pki.ca.cert]))
        for one in ours:
            self.bench.secrets.update(one.secrets())
        self.drop(page, browser.payload("line.zip", packed.getvalue(), "application/zip"))
        self.ready(page, 2)
        self.to_slots(page)
        page.get_by_label("How far to check", exact=True).select_option("none")
        self.start(page)
        page.locator("p.sum").filter(has_text="All have ended: 2 of 2 succeeded.").wait_for(timeout=harness.JOB_S * 1000)
        stored = {one["id"]: one["common_name"] for one in self.gate.get("/v1/credentials").expect(200).json["items"]}
        on_boards = [stored[self.newest(slot)["credential"]] for slot in ("board1", "board2")]
        self.assertEqual(sorted(on_boards), sorted(stored.values()))
        self.assertEqual(len(set(on_boards)), 2)

    def test_what_the_service_refuses_leads_back_to_the_settings(self):
        page = self.open("#/provision")
        page.expect_fault("400")
        self.drop(page, *self.files_of(self.bench.pki.device, "device"))
        self.ready(page, 1)
        self.to_slots(page)
        page.get_by_label("Wi-Fi network", exact=True).fill("bench")
        self.start(page)
        card = self.card(page, "board1", "refused")
        card.get_by_text("/mqtt").first().wait_for()
        card.get_by_role("button", name="Change the settings").click()
        page.get_by_label("Wi-Fi network", exact=True).wait_for()
        self.assertEqual(page.get_by_label("Wi-Fi network", exact=True).input_value(), "bench")
        page.get_by_label("How far to check", exact=True).select_option("none")
        self.start(page)
        self.card(page, "board1", "succeeded").get_by_text("It is on the board; it was not checked.").wait_for()

    def test_a_stored_credential_is_written_again(self):
        stored = self.bench.upload()
        page = self.open(f"#/credentials?id={stored}")
        page.get_by_role("link", name="Provision with it").click()
        self.ready(page, 1)
        self.assertTrue(page.get_by_role("checkbox", name="device").is_checked())
        self.to_slots(page)
        page.get_by_label("How far to check", exact=True).select_option("none")
        self.start(page)
        self.card(page, "board1", "succeeded")
        self.assertEqual(self.newest("board1")["credential"], stored)

    def test_a_cloud_makes_each_board_its_own_and_says_why_not(self):
        port = free_port()
        keys = {"from": "request", "access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "no-such-secret-key"}
        body = {"provider": "aws", "region": "eu-central-1", "keys": keys,
                "control": {"endpoint": f"http://127.0.0.1:{port}"}}
        self.gate.put("/v1/clouds/prod", body).expect(201)
        page = self.open("#/provision")
        page.get_by_label("A cloud", exact=True).check()
        page.get_by_label("Cloud", exact=True).select_option("prod")
        self.to_slots(page)
        page.locator(".slot-rows").get_by_role("checkbox", name="board2").check()
        page.get_by_label("How far to check", exact=True).select_option("none")
        self.start(page)
        self.card(page, "board2", "failed").get_by_text("register").first().wait_for()
        job = self.newest("board2")
        self.assertEqual(job["error"]["step"], "register")
        self.assertNotIn("credential", job)

    def test_a_viewer_is_told_what_he_would_need(self):
        _, text = self.token_of("viewer", name="watcher")
        page = self.open("#/provision", token=text)
        page.get_by_text("you need a token with the scope operator").wait_for()
        self.assertEqual(page.locator("main input").count(), 0)

    def test_all_of_it_by_keyboard(self):
        page = self.open("#/provision")
        pki = self.bench.pki
        self.bench.secrets.update(pki.device.secrets())
        files = [pem("a", pki.device.cert), pem("b", pki.device.key), pem("c", pki.ca.cert)]
        page.locator("#file-input").set_input_files(files)
        self.ready(page, 1)
        self.tab_to(page, "Choose slots")
        page.keyboard.press("Enter")
        page.get_by_label("Profile", exact=True).wait_for()
        self.assertEqual(page.evaluate("document.activeElement.textContent"), "Which boards?")
        self.tab_to(page, "How far to check")
        page.keyboard.press("ArrowDown")
        self.tab_to(page, "Start")
        page.keyboard.press("Enter")
        self.card(page, "board1", "succeeded")
        self.tab_to(page, "Next batch")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="What goes on the boards?").wait_for()

    def tab_to(self, page, name):
        for _ in range(60):
            page.keyboard.press("Tab")
            said = page.evaluate(FOCUSED)
            if said == name:
                return
        self.fail(f"no way to {name} by Tab")


class Looks(WizardCase):
    """In both languages and themes, on a phone and a wall screen: everything has words, fits, and is accessible."""
    bench_options = {"boards": 1, "broker": False}

    def test_each_step(self):
        self.slots()
        pki = self.bench.pki
        for language, theme, width in LOOKS:
            page = self.open("#/provision", language, theme, width)
            self.looks_right(page, "provision-1-empty")
            self.drop(page, *self.files_of(pki.device, "device"), *self.files_of(pki.expired_device, "old", root=False),
                      browser.payload("bench.jpg", PICTURE), ("film.mp4", 20 << 20))
            page.locator(".files").wait_for()
            self.looks_right(page, "provision-1-files")
            page.locator("#to-slots").click()
            page.locator("#profile").wait_for()
            self.looks_right(page, "provision-2-slots")
            page.locator("select[name=check]").select_option("none")
            page.locator(".form button[type=submit]").click()
            self.card(page, "board1", "succeeded")
            self.looks_right(page, "provision-3-run")

    def looks_right(self, page, name):
        page.settled()
        page.shot(name)
        self.assertEqual(page.keys_without_words(), [])
        self.assertEqual(page.overflow(), 0)
        self.assertAccessible(page)


if __name__ == "__main__":
    import unittest
    unittest.main()
