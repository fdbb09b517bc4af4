"""The list of credentials, and one of them."""
import unittest

import ui_case

LOOKS = (("en", "light", 390), ("zh", "dark", 390), ("zh", "light", 1920), ("en", "dark", 1280))


class Credentials(ui_case.UiCase):
    bench_options = {"boards": 1, "broker": False}

    def row(self, page, name):
        return page.locator("tbody tr").filter(has=page.get_by_role("rowheader", name=name, exact=True))

    def test_the_list_says_what_needs_a_look(self):
        pki = self.bench.pki
        self.bench.upload(pki.issue("soon", pki.ca, (-20, 3)))
        self.bench.upload(pki.issue("fine", pki.ca, (-1, 400), kind="rsa"))
        page = self.open("#/credentials")
        self.row(page, "soon").get_by_text("expires in 2 days").wait_for()
        self.row(page, "soon").get_by_text("Kind of key").wait_for()
        fine = self.row(page, "fine").inner_text()
        self.assertIn("kept here, sealed", fine)
        self.assertNotIn("expires", fine)
        page.shot("credentials")

    def test_nothing_is_stored_yet(self):
        self.open("#/credentials").get_by_text("No credential is stored yet.").wait_for()

    def test_one_tells_its_checks_and_is_deleted_after_a_question(self):
        stored = self.bench.upload()
        page = self.open("#/credentials")
        page.get_by_role("link", name="device", exact=True).click()
        page.get_by_text("Key belongs to certificate").wait_for()
        one = self.gate.get(f"/v1/credentials/{stored}").expect(200).json
        self.assertIn(one["fingerprint_sha256"], page.locator("main").inner_text())
        page.get_by_role("button", name="Delete", exact=True).click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_text("cannot be had back").wait_for()
        dialog.get_by_role("button", name="Cancel").click()
        self.gate.get(f"/v1/credentials/{stored}").expect(200)
        page.get_by_role("button", name="Delete", exact=True).click()
        dialog.get_by_role("button", name="Delete").click()
        page.get_by_text("No credential is stored yet.").wait_for()
        self.gate.get(f"/v1/credentials/{stored}").problem(404, "credential_not_found")

    def test_a_name_with_markup_is_only_text(self):
        pki = self.bench.pki
        name = "<b>x<b> onerror=alert(1)"
        self.bench.upload(pki.issue(name, pki.ca))
        page = self.open("#/credentials")
        page.get_by_role("link", name=name, exact=True).click()
        page.locator("h1").filter(has_text=name).wait_for()
        self.assertEqual(page.locator("main b b").count(), 0)

    def test_one_that_is_not_there_is_told(self):
        page = self.open("#/credentials")
        page.expect_fault("404")
        page.evaluate("location.hash = '#/credentials?id=cred_1m805h3s9h1bw2w5tq2xadpvk'")
        page.get_by_text("credential_not_found").wait_for()

    def test_it_looks_right_everywhere(self):
        stored = self.bench.upload()
        for language, theme, width in LOOKS:
            page = self.open("#/credentials", language, theme, width)
            for address in ("#/credentials", f"#/credentials?id={stored}"):
                page.visit(address)
                page.shot("credentials" if address == "#/credentials" else "credential")
                self.assertEqual(page.keys_without_words(), [])
                self.assertEqual(page.overflow(), 0)
                self.assertAccessible(page)

    def test_a_key_that_was_purged_is_on_the_board_alone(self):
        stored = self.bench.upload()
        self.bench.run("provision", self.bench.boards[0], credential=stored, check="none", wifi=None, time=None,
                       mqtt=None, purge_key=True)
        page = self.open("#/credentials")
        self.row(page, "device").get_by_text("on the board alone").wait_for()
        page.get_by_role("link", name="device", exact=True).click()
        page.get_by_text("Key purged").wait_for()
        self.assertEqual(page.get_by_role("link", name="Provision with it").count(), 0)


if __name__ == "__main__":
    unittest.main()
