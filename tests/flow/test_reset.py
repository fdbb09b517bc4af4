"""How a slot's board is brought into its loader: by the ways that have names, and by steps of the user's own."""
import harness


class Reset(harness.BenchCase):
    bench_options = {"broker": False}

    def identify(self, state="succeeded", **slot):
        board = self.bench.boards[0]
        name = self.bench.slot(board, **slot)
        self.assertEqual(self.gate.get(f"/v1/slots/{name}").expect(200).json["reset"], slot["reset"])
        job = self.gate.wait_job(self.gate.create_job({"kind": "identify", "slot": name}))
        self.assertEqual(job["state"], state, job)
        if state == "succeeded":
            self.assertEqual(job["result"]["board"]["mac"], board.mac)
        return job

    def test_every_way_in(self):
        for way in ("classic", "tight", "auto", "D0|R1|W0.1|D1|R0|W0.05|D0", "U1,1|U0,1|W0.1|U1,0|W0.05|U0,0"):
            with self.subTest(way):
                self.identify(reset=way)

    def test_steps_that_lead_elsewhere_are_told_and_the_slot_recovers(self):
        job = self.identify("failed", reset="R1|W0.1|R0")
        self.assertEqual((job["error"]["code"], job["error"]["step"]), ("board_wrong_boot_mode", "identify"))
        self.assertIn("FLASH_BOOT", job["error"]["device"])
        self.identify(reset="auto")

    def test_nonsense_is_refused_where_it_stands(self):
        for way, said in (("hard", "position 1: expected auto, tight, classic, usb-jtag, none, or steps"),
                          ("D0|R2|W0.1", "position 5: expected 0 or 1"),
                          ("D0|W0.1s", "position 8: expected | or the end"),
                          ("D0|W100", "position 5: expected at most 10 s"),
                          ("D0|" * 32 + "D0", "position 97: expected the end")):
            with self.subTest(way):
                body = {"download_port": self.bench.boards[0].download, "reset": way}
                problem = self.gate.put("/v1/slots/wrong", body).problem(400, "bad_body")
                self.assertEqual(problem["errors"][0]["pointer"], "/reset")
                self.assertTrue(problem["errors"][0]["detail"].startswith(said), problem["errors"])
        self.gate.get("/v1/slots/wrong").problem(404, "slot_not_found")


class NothingToRun(harness.BenchCase):
    """Boards with an empty flash whose boot pin is not connected."""

    bench_options = {"broker": False, "boards": [
        {"chip": chip, "firmware": "none", "fault": ["wrong-boot"]} for chip in ("esp32", "esp32c3", "esp32c6")]}

    def test_both_causes_are_told(self):
        for board in self.bench.boards:
            with self.subTest(board.options["chip"]):
                self.gate.put("/v1/slots/bare", {"download_port": board.download}).expect(200, 201)
                job = self.gate.wait_job(self.gate.create_job({"kind": "identify", "slot": "bare"}))
                error = job["error"]
                self.assertEqual((error["code"], error["step"]), ("board_no_firmware", "identify"), error)
                self.assertIn("did not enter its loader", error["detail"])
                self.assertIn("invalid header", error["device"])
                self.assertIn("boot pin", error["hint"])


if __name__ == "__main__":
    harness.unittest.main()
