"""The bench set up in the dashboard: what is typed into its forms is what the service keeps."""
import json
import unittest

import browser
import flash_case
from ui_case import UiCase


# A field's kind of element, once the groups that it is in are open.
REVEAL = """(() => {
  const field = document.querySelector(%s);
  for (let at = field.closest('details'); at; at = at.parentElement.closest('details')) at.open = true;
  return field.tagName;
})()"""


class Settings(UiCase):
    def fill(self, page, **fields):
        """By a field's name; __ stands for the dots in it."""
        for name, value in fields.items():
            selector = f"form.form [name='{name.replace('__', '.')}']"
            field = page.locator(selector)
            kind = page.evaluate(REVEAL % json.dumps(selector))
            if isinstance(value, bool):
                field.set_checked(value)
            elif kind == "SELECT":
                field.select_option(value)
            else:
                field.fill(value)

    def save(self, page):
        page.locator("form.form button[type=submit]").click()

    def edit(self, page, name):
        page.get_by_role("row", name=name).get_by_role("link", name="Edit").click()
        page.locator("form.form").wait_for()

    def test_a_slot_is_made_changed_and_deleted(self):
        board = self.bench.boards[0]
        page = self.open("#/settings/slots")
        page.get_by_role("link", name="New slot").click()
        page.locator("form.form").wait_for()
        self.fill(page, name="left", download_port=board.download, at_port=board.at, flash_baud="460800")
        self.save(page)
        page.get_by_role("link", name="left", exact=True).wait_for()
        slot = self.gate.get("/v1/slots/left").expect(200).json
        self.assertEqual((slot["flash_baud"], slot["at_baud"], slot["reset"]), (460800, 115200, "auto"))
        self.edit(page, "left")
        self.fill(page, reset="classic", flash_baud="")
        self.save(page)
        page.get_by_role("row", name="left").get_by_text("classic").wait_for()
        self.assertEqual(self.gate.get("/v1/slots/left").json["flash_baud"], 921600)
        page.get_by_role("row", name="left").get_by_role("button", name="Delete").click()
        page.locator("dialog").get_by_role("button", name="Delete").click()
        page.get_by_role("link", name="left", exact=True).wait_for(state="detached")
        self.assertTrue(all(one["implicit"] for one in self.gate.get("/v1/slots").json["items"]))

    def test_two_people_at_one_slot(self):
        board = self.bench.boards[0]
        body = {"download_port": board.download}
        self.gate.put("/v1/slots/shared", body).expect(201)
        page = self.open("#/settings/slots?edit=shared")
        self.gate.put("/v1/slots/shared", {**body, "at_port": board.at}).expect(200)
        self.fill(page, at_baud="9600")
        page.expect_fault("412")
        self.save(page)
        page.get_by_text("Somebody else changed or deleted it while you were at it.").wait_for()
        self.assertEqual(page.locator("[name=at_baud]").input_value(), "9600")
        self.assertEqual(self.gate.get("/v1/slots/shared").json["at_baud"], 115200)
        page.visit("#/settings/slots?new=1")
        self.fill(page, name="shared", download_port=board.download)
        self.save(page)
        page.get_by_text("There is one of this name already.").wait_for()
        self.gate.delete("/v1/slots/shared").expect(204)

    def test_a_bad_field_says_so_itself(self):
        page = self.open("#/settings/slots?new=1")
        self.save(page)
        page.get_by_text("This is needed.").wait_for()
        self.assertEqual(page.evaluate("document.activeElement.name"), "name")
        page.expect_fault("400")
        self.fill(page, name="odd", download_port="/dev/x", reset="whatever")
        self.save(page)
        page.locator(".problem").wait_for()
        self.assertEqual(page.locator("[name=reset]").get_attribute("aria-invalid"), "true")

    def test_a_profile_keeps_what_its_form_does_not_show(self):
        page = self.open("#/settings/profiles?new=1")
        self.fill(page, name="line3", wifi__ssid="bench", wifi__password="12345678", mqtt__host="broker.example",
                  mqtt__port="8884", check="connect", purge_key=True)
        self.save(page)
        page.get_by_role("row", name="line3").wait_for()
        settings = self.gate.get("/v1/profiles/line3").json["settings"]
        self.assertEqual((settings["wifi"], settings["mqtt"]["port"], settings["check"], settings["purge_key"]),
                         ({"ssid": "bench", "password_set": True}, 8884, "connect", True))
        self.gate.put("/v1/profiles/line3", {**settings, "flash_bytes": 4194304}).expect(200)
        self.edit(page, "line3")
        self.fill(page, mqtt__port="", mqtt__topic="t/{mac}", purge_key=False)
        self.save(page)
        page.get_by_role("row", name="line3").wait_for()
        settings = self.gate.get("/v1/profiles/line3").json["settings"]
        self.assertEqual(settings["wifi"]["password_set"], True)
        self.assertEqual(settings["flash_bytes"], 4194304)
        self.assertEqual(settings["mqtt"], {"host": "broker.example", "topic": "t/{mac}", "password_set": False})
        self.assertNotIn("purge_key", settings)
        self.edit(page, "line3")
        self.fill(page, wifi__password_set=False)
        self.save(page)
        page.get_by_role("row", name="line3").wait_for()
        self.assertEqual(self.gate.get("/v1/profiles/line3").json["settings"]["wifi"]["password_set"], False)

    def test_a_form_that_is_saved_as_it_opened_changes_nothing(self):
        board = self.bench.boards[0]
        kept = {
            "slots/mid": {"download_port": board.download, "at_port": board.at, "reset": "classic", "flash_baud": 460800},
            "clouds/mill": {"provider": "aws", "region": "eu-west-1", "rate": 40,
                            "keys": {"from": "request", "access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "x" * 40},
                            "data": {"endpoint": "abc-ats.iot.eu-west-1.amazonaws.com", "mqtt_port": 443}},
            "profiles/line4": {
                "wifi": {"ssid": "bench", "password": "12345678", "keep": True}, "time": {"zone": 0},
                "mqtt": {"host": "broker.example", "scheme": 4, "qos": 0}, "host_check": False, "method": "rom",
                "target": {"kind": "client", "index": 1}, "layout": {"module": "WROOM-32", "release": "v3.4.0.0"},
                "cloud": {"name": "mill", "groups": ["north", "new"], "certificate": "aws", "policy": "least",
                          "attributes": {"line": "4"}}},
        }
        page = self.open("#/")
        for path, settings in kept.items():
            self.gate.put(f"/v1/{path}", settings).expect(201)
            before = self.gate.get(f"/v1/{path}").json
            kind, name = path.split("/")
            page.visit(f"#/settings/{kind}")
            self.edit(page, name)
            self.save(page)
            page.get_by_role("link", name=f"Edit: {name}").wait_for()
            after = self.gate.get(f"/v1/{path}").json
            self.assertEqual({**after, "changed_at": None}, {**before, "changed_at": None}, path)

    def test_a_token_is_shown_once_and_revoked(self):
        page = self.open("#/settings/tokens?new=1")
        self.fill(page, name="watcher", scope="viewer")
        self.save(page)
        text = page.locator("dialog code.once").text_content()
        self.assertRegex(text, "^egt_[0-9a-f]{64}$")
        page.locator("dialog").get_by_role("button", name="Close").click()
        row = page.get_by_role("row", name="watcher")
        row.get_by_text("valid", exact=True).wait_for()
        self.assertNotIn(text, page.words())
        row.get_by_role("button", name="Revoke").click()
        page.locator("dialog").get_by_role("button", name="Revoke").click()
        row.get_by_text("revoked").wait_for()
        self.assertEqual(row.get_by_role("button", name="Revoke").count(), 0)

    def test_an_authority_is_made_saved_and_deleted(self):
        page = self.open("#/settings/authorities?new=1")
        self.fill(page, name="lab", key="P-256", days="30", subject__O="Acme")
        self.save(page)
        row = page.get_by_role("row", name="lab")
        row.get_by_text("CN=lab").wait_for()
        row.get_by_text("P-256").wait_for()
        row.get_by_role("button", name="Delete").click()
        page.locator("dialog").get_by_role("button", name="Delete").click()
        page.get_by_text("There is no authority yet.").wait_for()

    def test_a_cloud_without_keys_and_what_its_test_says(self):
        page = self.open("#/settings/clouds?new=1")
        self.assertFalse(page.locator("[name='keys.role_alias']").is_visible())
        self.fill(page, name="prod", region="eu-west-1", keys__from="none", data__endpoint="abc-ats.iot.eu-west-1.amazonaws.com")
        self.assertFalse(page.locator("[name='keys.access_key_id']").is_visible())
        self.save(page)
        page.get_by_role("row", name="prod").wait_for()
        self.assertEqual(self.gate.get("/v1/clouds/prod").json["settings"]["keys"], {"from": "none"})
        self.edit(page, "prod")
        self.fill(page, keys__from="request", keys__access_key_id="AKIAIOSFODNN7EXAMPLE", keys__secret_access_key="x" * 40)
        self.save(page)
        page.get_by_role("row", name="prod").get_by_text("given here").wait_for()
        self.assertNotIn("x" * 40, page.words())

    def test_a_webhook_is_made_and_its_key_shown_once(self):
        page = self.open("#/settings/webhooks?new=1")
        self.fill(page, url="http://127.0.0.1:9/hook", states__cancelled=False)
        self.save(page)
        self.assertRegex(page.locator("dialog code.once").text_content(), "^whsec_")
        page.locator("dialog").get_by_role("button", name="Close").click()
        page.get_by_role("row", name="http://127.0.0.1:9/hook").wait_for()
        self.assertEqual(self.gate.get("/v1/webhooks").json["items"][0]["states"], ["succeeded", "failed", "interrupted"])
        page.get_by_role("button", name="Test").click()
        page.locator("dialog tbody tr").first().wait_for()

    def test_who_may_not_sees_no_button(self):
        _, viewer = self.token_of("viewer")
        page = self.open("#/settings/profiles", token=viewer)
        page.get_by_text("There is no profile yet.").or_(page.locator("tbody tr")).first().wait_for()
        self.assertEqual(page.get_by_role("link", name="New profile").count(), 0)
        page.visit("#/settings/tokens")
        page.get_by_text("Your token may not see this; it needs the scope admin.").wait_for()


class Firmware(UiCase):
    def test_a_file_is_uploaded_and_deleted(self):
        page = self.open("#/firmware")
        page.get_by_text("There is no firmware yet.").wait_for()
        page.locator("#firmware-file").set_input_files([browser.payload("<b>app</b>.bin", bytes(range(256)) * 64)])
        row = page.get_by_role("row", name="<b>app</b>.bin")
        row.get_by_text("binary").wait_for()
        row.get_by_role("button", name="Delete").click()
        page.locator("dialog").get_by_role("button", name="Delete").click()
        page.get_by_text("There is no firmware yet.").wait_for()

    def test_a_release_is_flashed_after_a_question(self):
        slot = self.bench.slot(self.bench.boards[0])
        kept = self.gate.post("/v1/firmware", files=[("file", "factory.bin", flash_case.esp_at().factory())]).expect(201).json
        page = self.open("#/firmware")
        flash = page.get_by_role("row", name="factory.bin").get_by_role("button", name="Flash")
        flash.click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_text("factory.bin replaces the firmware").wait_for()
        dialog.get_by_role("button", name="Cancel").click()
        page.until("document.activeElement.textContent === 'Flash'")
        self.assertEqual(self.gate.get("/v1/jobs").json["items"], [])
        flash.click()
        dialog.get_by_label("Slot").select_option(slot)
        dialog.get_by_role("button", name="Flash").click()
        page.get_by_role("heading", name=f"Flash · {slot}").wait_for()
        [job] = self.gate.get("/v1/jobs").json["items"]
        self.assertEqual((job["kind"], job["firmware"]), ("flash", kept["id"]))
        self.assertNotIn("credential", job)

    def test_what_is_too_large_is_not_sent(self):
        page = self.open("#/firmware")
        page.evaluate("""{ const files = new DataTransfer();
            files.items.add(new File([new Blob(Array(65).fill(new Uint8Array(1 << 20)))], 'film.mp4'));
            const input = document.getElementById('firmware-file'); input.files = files.files;
            input.dispatchEvent(new Event('change')); }""")
        page.get_by_text("At most 64 MiB are taken.").wait_for()


if __name__ == "__main__":
    unittest.main()
