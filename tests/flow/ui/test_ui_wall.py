"""The wall: what somebody sees who stands before the bench."""
import random

import harness
import ui_case

NOISE = random.Random(7).randbytes(1 << 20)  # which takes its time, since it does not get smaller

# Counts what changes in a tile, and keeps where each of them is.
WATCH = """(name) => {
  window.changes = 0;
  const tile = document.querySelector(`article[aria-label="${name}"]`);
  new MutationObserver((all) => { window.changes += all.length; })
    .observe(tile, {subtree: true, childList: true, attributes: true, characterData: true});
}"""
PLACES = """() => JSON.stringify([...document.querySelectorAll('.tile')].map((tile) => {
  const {x, y, width, height} = tile.getBoundingClientRect();
  return [x, y, width, height];
}))"""
# The bar's values in the step that writes, one after the other.
BAR = """(name) => {
  const tile = document.querySelector(`article[aria-label="${name}"]`);
  const bar = tile.querySelector('progress');
  window.seen = [];
  new MutationObserver(() => {
    if (bar.value && tile.innerText.includes('Flash: write')) window.seen.push(bar.value);
  }).observe(bar, {attributeFilter: ['value']});
}"""
# What is said to screen readers from now on.
SAID = """() => {
  window.said = [];
  const place = document.getElementById('said');
  new MutationObserver(() => window.said.push(place.textContent)).observe(place, {childList: true});
}"""


class WallCase(ui_case.UiCase):
    def tile(self, page, name, look=""):
        """Its tile when it looks like this."""
        found = page.locator(f'article[aria-label="{name}"]{look and "." + look}')
        found.wait_for()
        return found

    def texts(self, page, name):
        return self.tile(page, name).inner_text()

    def names(self, page):
        return page.locator(".wall > li:not([hidden]) .name").all_text_contents()


class Wall(WallCase):
    bench_options = {"boards": 2, "broker": False}

    def test_a_tile_tells_its_ports_its_board_and_its_last_job(self):
        job = self.bench.run("identify", self.bench.boards[0])
        page = self.open("#/")
        self.tile(page, "board1", "good")
        said = self.texts(page, "board1")
        for text in ("Good", "board1-download", "board1-at", self.bench.boards[0].mac, "ESP32", "2.4.0.0",
                     "credentials in partitions", "last seen", "Identify: succeeded"):
            self.assertIn(text, said)
        link = self.tile(page, "board1").get_by_role("link", name="Identify: succeeded")
        self.assertEqual(link.get_attribute("href"), f"#/jobs/{job['id']}")
        self.tile(page, "board1").get_by_role("link", name="board1", exact=True).click()
        page.locator("h1").filter(has_text="board1").wait_for()

    def test_a_failed_job_says_what_to_do(self):
        job = self.bench.run("check", self.bench.boards[0], "failed", level="wifi", wifi={"password": "wrong-password"})
        self.bench.secrets.add("wrong-password")
        for language in ui_case.LANGUAGES:
            page = self.open("#/", language)
            said = self.tile(page, "board1", "bad").inner_text()
            self.assertIn({"en": "Failed", "zh": "失败"}[language], said)
            self.assertIn(job["error"]["hint"] if language == "en" else "检查：失败", said)

    def test_what_was_not_done_is_told_until_it_is_done(self):
        board, other = self.bench.boards
        self.bench.run("check", board, "failed", level="wifi", wifi={"ssid": "nowhere"})
        self.bench.slot(other)
        page = self.open("#/")
        failed = self.tile(page, board.name, "bad").locator(".end").inner_text()
        page.evaluate(f"({SAID})()")
        for job in ({"kind": "at", "lines": ["AT"]}, {"kind": "reset"}):
            self.gate.wait_job(self.gate.create_job({"slot": board.name, **job}))
        self.bench.run("identify", other)
        page.until(f"window.said.includes('{other.name}. Identify: succeeded')")
        self.assertEqual(self.tile(page, board.name, "bad").locator(".end").inner_text(), failed)
        self.bench.run("check", board, level="wifi")
        page.until(f"window.said.includes('{board.name}. Check: succeeded')")
        self.assertIn("Check: succeeded", self.tile(page, board.name, "good").inner_text())
        said = page.evaluate("window.said")
        self.assertEqual(said, [f"{other.name}. Identify: succeeded", f"{board.name}. Check: succeeded"])

    def test_progress_is_live_and_nothing_else_moves(self):
        slow, other = self.bench.boards
        self.bench.slot(other)
        slow.stop()
        slow.start(pace="full")
        name = self.bench.slot(slow)
        image = self.gate.post("/v1/firmware", files=[("firmware", "big.bin", NOISE)]).expect(201).json
        page = self.open("#/")
        self.tile(page, name, "idle")
        page.evaluate(f"({BAR})('{name}')")
        page.evaluate(f"({WATCH})('{other.name}')")
        before = page.evaluate(f"({PLACES})()")
        job = self.gate.create_job({"kind": "flash", "slot": name, "images": [{"firmware": image["id"],
                                                                              "offset": "0x200000"}]})
        working = self.tile(page, name, "working")
        page.until("window.seen.length > 2")
        said = working.inner_text()
        for text in ("Working", "Flash: write", "ordered by admin", " %"):
            self.assertIn(text, said)
        self.assertEqual(page.evaluate(f"({PLACES})()"), before)
        self.gate.post(f"/v1/jobs/{job}/cancel").expect(202)
        self.tile(page, name, "idle")
        self.assertIn("Flash: cancelled", self.texts(page, name))
        self.assertEqual(page.evaluate(f"({PLACES})()"), before)
        seen = page.evaluate("window.seen")
        self.assertEqual(seen, sorted(seen))
        self.assertEqual(page.evaluate("window.changes"), 0, "the tile of the other slot was not touched")

    def test_a_board_that_is_unplugged_is_absent_until_it_is_back(self):
        name = self.bench.slot(self.bench.boards[0])
        page = self.open("#/")
        self.tile(page, name, "idle")
        self.bench.boards[0].unplug()
        self.assertIn("Absent", self.tile(page, name, "absent").inner_text())
        self.bench.boards[0].start()
        self.tile(page, name, "idle")

    def test_holds_and_waiting_jobs_are_seen(self):
        name = self.bench.slot(self.bench.boards[0])
        page = self.open("#/")
        tile = self.tile(page, name)
        self.gate.post(f"/v1/slots/{name}/pause").expect(200)
        tile.get_by_text("paused", exact=True).wait_for()
        for text in ("1 waits", "2 wait"):
            self.gate.create_job({"kind": "reset", "slot": name})
            tile.get_by_text(text, exact=True).wait_for()
        self.gate.post(f"/v1/slots/{name}/resume").expect(200)
        tile.get_by_text("Reset: succeeded").wait_for()
        self.tile(page, name, "idle")  # a reset does not say that a board is good
        tile.get_by_text("paused", exact=True).wait_for(state="hidden")

    def test_tiles_stand_in_the_order_of_the_service(self):
        page = self.open("#/")
        self.tile(page, "board1-at")
        self.assertIn("board2-at", self.names(page))
        for made in ("m", "z", "a"):
            self.gate.put(f"/v1/slots/{made}", {"download_port": f"/dev/no-{made}"}).expect(201)
            self.tile(page, made, "absent")
        self.bench.slot(self.bench.boards[0])
        page.locator('article[aria-label="board1-at"]').wait_for(state="detached")
        slots = [slot["name"] for slot in self.gate.get("/v1/slots").expect(200).json["items"]]
        self.assertEqual(self.names(page), slots)
        self.gate.delete("/v1/slots/m").expect(204)
        page.locator('article[aria-label="m"]').wait_for(state="detached")
        self.assertEqual(self.names(page), [name for name in slots if name != "m"])

    def test_filters_show_those_that_work_or_failed(self):
        good, bad = self.bench.boards
        self.bench.run("identify", good)
        self.bench.run("check", bad, "failed", level="wifi", wifi={"ssid": "nowhere"})
        page = self.open("#/")
        self.tile(page, good.name, "good")
        page.get_by_role("button", name="Failed 1").click()
        self.assertEqual(self.names(page), [bad.name])
        page.get_by_role("button", name="Working 0").click()
        page.get_by_text("No slot works now.").wait_for()
        self.assertEqual(self.names(page), [])
        page.visit("#/jobs")
        page.visit("#/")
        self.assertEqual(page.get_by_role("button", name="Working").get_attribute("aria-pressed"), "true")
        page.locator(".filters button").first().press("Enter")
        self.assertEqual(len(self.names(page)), len(self.gate.get("/v1/slots").json["items"]))

    def test_a_board_is_identified_by_one_press(self):
        name = self.bench.slot(self.bench.boards[0])
        page = self.open("#/")
        page.get_by_role("button", name=f"Identify: {name}").press("Enter")
        self.assertIn(self.bench.boards[0].mac, self.tile(page, name, "good").inner_text())

    def test_a_refusal_is_told(self):
        name = self.bench.slot(self.bench.boards[0])
        self.gate.post(f"/v1/slots/{name}/drain").expect(200)
        page = self.open("#/")
        page.expect_fault("409")
        page.get_by_role("button", name=f"Identify: {name}").press("Enter")
        page.get_by_role("dialog").get_by_text("slot_draining").wait_for()
        page.keyboard.press("Escape")
        page.get_by_role("dialog").wait_for(state="detached")
        page.until(f"document.activeElement.ariaLabel === 'Identify: {name}'")

    def test_a_viewer_is_offered_nothing(self):
        name = self.bench.slot(self.bench.boards[0])
        _, token = self.token_of("viewer")
        page = self.open("#/", token=token)
        self.tile(page, name, "idle")
        self.assertEqual(page.locator(".tile button").count(), 0)

    def test_it_survives_a_restart(self):
        self.bench.run("identify", self.bench.boards[0])
        page = self.open("#/")
        page.expect_fault("ERR_|Failed to load resource")
        self.tile(page, "board1", "good")
        self.gate.stop()
        page.get_by_text("espgate does not answer").wait_for()
        self.restart()
        page.get_by_text("espgate does not answer").wait_for(state="detached")
        self.assertIn(self.bench.boards[0].mac, self.texts(page, "board1"))
        self.gate.post("/v1/slots/board1/pause").expect(200)
        self.tile(page, "board1").get_by_text("paused", exact=True).wait_for()


class Look(WallCase):
    """Pictures of all looks at once, for people; what can be judged without them is judged."""

    bench_options = {"boards": [{}, {}, {}, {"pace": "full"}], "broker": False}

    def test_it_is_fit_to_be_seen(self):
        good, bad, gone, busy = self.bench.boards
        self.bench.run("identify", good)
        self.bench.run("check", bad, "failed", level="wifi", wifi={"password": "wrong-password"})
        self.bench.slot(gone)
        gone.unplug()
        self.bench.slot(busy, flash_baud=115200)  # it is busy until all pictures are taken
        self.gate.post(f"/v1/slots/{good.name}/pause").expect(200)
        self.gate.create_job({"kind": "reset", "slot": good.name})
        self.gate.put(f"/v1/slots/{'a-long-name-' * 5}", {"download_port": "/dev/serial/by-id/" + "x" * 90}).expect(201)
        image = self.gate.post("/v1/firmware", files=[("firmware", "big.bin", NOISE)]).expect(201).json
        job = self.gate.create_job({"kind": "flash", "slot": busy.name, "images": [{"firmware": image["id"],
                                                                                   "offset": "0x100000"}]})
        for language in ui_case.LANGUAGES:
            for theme in ui_case.THEMES:
                for width in (390, 1920):
                    with self.subTest(language=language, theme=theme, width=width):
                        page = self.open("#/", language, theme, width)
                        self.tile(page, busy.name, "working")
                        self.tile(page, gone.name, "absent")
                        page.shot("wall")
                        self.assertAccessible(page)
                        self.assertLessEqual(page.overflow(), 0)
                        self.assertEqual(page.keys_without_words(), [])
        self.gate.post(f"/v1/jobs/{job}/cancel").expect(202)
        self.gate.wait_job(job)


class Empty(WallCase):
    bench_options = {"broker": False, "usb": True}

    def test_an_empty_bench_says_what_to_plug_in(self):
        page = self.open("#/")
        page.get_by_role("heading", name="Plug in a board").wait_for()
        self.assertAccessible(page)
        page.shot("wall-empty")
        self.bench.adapter(self.bench.boards[0])
        self.assertIn("Idle", self.tile(page, "ttyUSB0").inner_text())
        self.assertEqual(page.get_by_role("heading", name="Plug in a board").count(), 0)


if __name__ == "__main__":
    harness.unittest.main()
