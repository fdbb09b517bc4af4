"""Each chip of the family, as a user meets it: who it is, a firmware onto it, and what of its flash is read, erased and
never touched. All nine at once."""
import functools
import time
import unittest

import firmware_files
from child import PATIENCE
from flash_case import MB, FlashCase, built_for, put, steps

CONCURRENT = True
CHIPS = list(firmware_files.CHIPS)
# The simulated board runs ESP-AT on these. The others have a ROM and a flash only: nothing speaks at their AT port.
SPEAKS = ("esp32", "esp32s2", "esp32c2", "esp32c3")
RESETS = ("auto", "classic", "tight", "D0|R1|W0.1|D1|R0|W0.05|D0")
NOT_FOR = dict(zip(CHIPS, CHIPS[1:] + CHIPS[:1]))  # chip: another one


def option(chip, **more):
    return {"chip": chip, **({} if chip in SPEAKS else {"firmware": "none"}), **more}


@functools.lru_cache
def used(chip):
    """A flash with another build of the chip's firmware, and something where none has anything."""
    dirt = bytes(range(256)) * 48
    return put(put(built_for(chip, seed=1).factory(), 0x3F1000, dirt), 0x3C000, dirt[:100])


class FamilyCase(FlashCase):
    def setUp(self):
        super().setUp()
        self.by_chip = {board.options["chip"]: board for board in self.bench.boards}

    def slot(self, chip):
        """Its slot, with an AT port where somebody speaks, and one of the ways to reset it."""
        board = self.by_chip[chip]
        body = {"download_port": board.download, "reset": RESETS[CHIPS.index(chip) % len(RESETS)]}
        if board.options.get("firmware") != "none":
            body["at_port"] = board.at
        self.gate.put(f"/v1/slots/{board.name}", body).expect(200, 201)
        return board.name

    def run_all(self, kind, order, state="succeeded"):
        """{chip: job}, after one job a board, all at once. order(chip): what is asked for."""
        jobs = {chip: self.gate.create_job({"kind": kind, "slot": self.slot(chip), **order(chip)})
                for chip in self.by_chip}
        done = {chip: self.gate.wait_job(job) for chip, job in jobs.items()}
        for chip, job in done.items():
            self.assertEqual(job["state"], state, (chip, job))
        return done

    def flash_of(self, chip):
        return self.by_chip[chip].flash_bytes(0, 4 * MB)

    def assert_holds(self, chip, expected):
        self.board = self.by_chip[chip]
        self.assert_flash(expected)

    def is_let_go(self, board):
        """The lines are at rest, and what the board said since then came from its flash, not from the loader."""
        entries = board.transcript()
        moves = [i for i, x in enumerate(entries) if x.get("note", "").startswith("download DTR")]
        resting = not moves or entries[moves[-1]]["note"] in ("download DTR 0 RTS 0", "download DTR 1 RTS 1")
        said = [x["port"] for x in entries[moves[-1] if moves else 0:] if x.get("dir") == "board"]
        return resting and "log" in said and "download" not in said

    def assert_runs(self, chip):
        end = time.monotonic() + PATIENCE
        while not self.is_let_go(self.by_chip[chip]):
            self.assertLess(time.monotonic(), end, f"the {chip} was not left running")


def sample(chip, revision, size_mb=4, mhz=40):
    """A blank board, not always like most of its chip, and what identify shall say of it."""
    options = {"chip": chip, "firmware": "none", "flash-size": f"{size_mb}MB", "crystal": str(mhz)}
    return options, (size_mb * MB, mhz, revision)


class Identified(FamilyCase):
    SAMPLES = (sample("esp32", "v3.0"), sample("esp32s2", "v1.0"), sample("esp32s3", "v0.2", 16),
               sample("esp32c2", "v1.0", 2, 26), sample("esp32c3", "v0.3"), sample("esp32c5", "v1.0", mhz=40),
               sample("esp32c6", "v0.1", 8), sample("esp32c61", "v1.0"), sample("esp32h2", "v0.1", mhz=32))
    bench_options = {"broker": False, "boards": [options for options, _ in SAMPLES]}

    def test_who_they_are(self):
        expected = {options["chip"]: told for options, told in self.SAMPLES}
        for chip, job in self.run_all("identify", lambda chip: {}).items():
            with self.subTest(chip):
                told, (size, mhz, revision) = job["result"]["board"], expected[chip]
                self.assertEqual(told["mac"], self.by_chip[chip].mac)
                self.assertEqual((told["chip"], told["revision"], told["crystal_mhz"], told["flash_bytes"]),
                                 (chip, revision, mhz, size))
                self.assertEqual(1 << int(told["flash_id"][:2], 16), size, told["flash_id"])
                self.assertEqual(told["security"],
                                 {"secure_boot": False, "flash_encryption": False, "secure_download": False})
                self.assert_runs(chip)


class Used(FamilyCase):
    bench_options = {"broker": False, "boards": [
        option(chip, **({"crystal": "26"} if chip == "esp32c2" else {})) for chip in CHIPS]}

    def setUp(self):
        super().setUp()
        for chip, board in self.by_chip.items():
            self.board = board
            self.set_flash(used(chip))

    def steps_of(self, chip):
        speaks = ["firmware"] if chip in SPEAKS else []
        return ["identify", "plan", "diff", "write", "verify", "reset", "boot", *speaks, "record"]

    def test_a_factory_image_then_a_range_of_it_read_and_erased(self):
        images = {chip: self.upload(built_for(chip).factory(), chip + ".bin") for chip in self.by_chip}
        for chip, job in self.run_all("flash", lambda chip: {"firmware": images[chip]}).items():
            with self.subTest(chip, kind="flash"):
                self.assert_holds(chip, built_for(chip).factory())
                self.assertEqual(steps(job), self.steps_of(chip))
                self.assertTrue(job["result"]["write"]["verified"])
                self.assertEqual(job["result"]["boot"]["heard"], "runs")
                self.assert_runs(chip)
        # Not on a sector's border, and across one.
        place = {"offset": built_for("esp32").chip.table_at - 10, "size": 0x2001}
        for chip, job in self.run_all("read", lambda chip: place).items():
            with self.subTest(chip, kind="read"):
                read = self.gate.get(job["result"]["read"]["url"]).expect(200).body
                self.assertEqual(read, self.flash_of(chip)[place["offset"]:place["offset"] + place["size"]])
                self.assert_runs(chip)
        app_at = {chip: built_for(chip).parts["esp-at.bin"][0] for chip in self.by_chip}
        for chip, _ in self.run_all("erase", lambda chip: {"offset": app_at[chip] + 0x8000, "size": 0x3000}).items():
            with self.subTest(chip, kind="erase"):
                self.assert_holds(chip, put(built_for(chip).factory(), app_at[chip] + 0x8000, b"", room=0x3000))
                self.assert_runs(chip)

    def test_a_release_leaves_the_rest_alone(self):
        zips = {chip: self.upload(built_for(chip).release("json" if chip == "esp32c5" else "line"), chip + ".zip")
                for chip in self.by_chip}
        for chip, job in self.run_all("flash", lambda chip: {"firmware": zips[chip]}).items():
            with self.subTest(chip):
                expected = used(chip)
                for offset, data in built_for(chip).parts.values():
                    expected = put(expected, offset, data)
                self.assert_holds(chip, expected)
                self.assertEqual(steps(job), self.steps_of(chip))
                self.assertEqual(job["result"]["boot"]["heard"], "runs")

    def test_another_chips_firmware_is_refused(self):
        images = {chip: self.upload(built_for(chip).factory(), chip + ".bin") for chip in self.by_chip}
        refused = self.run_all("flash", lambda chip: {"firmware": images[NOT_FOR[chip]]}, "failed")
        boots = {chip: self.upload(built_for(chip).parts["bootloader/bootloader.bin"][1]) for chip in self.by_chip}

        def bootloader(chip):
            return {"images": [{"firmware": boots[NOT_FOR[chip]], "offset": built_for(chip).chip.bootloader_at}],
                    "overwrite": ["bootloader"]}
        for jobs in (refused, self.run_all("flash", bootloader, "failed")):
            for chip, job in jobs.items():
                with self.subTest(chip):
                    error = job["error"]
                    self.assertEqual((error["code"], error["step"]), ("wrong_chip", "plan"), error)
                    self.assertTrue(error["hint"])
                    self.assertEqual(self.flash_of(chip), used(chip))
                    self.assert_runs(chip)


class Noise(FamilyCase):
    """A ROM that takes its crystal for another one cannot be read, and nothing speaks after it."""

    bench_options = {"broker": False, "boards": [{"chip": "esp32c2", "firmware": "none", "crystal": "26"}]}

    def test_what_cannot_be_read_is_no_failure(self):
        image = self.upload(built_for("esp32c2").factory())
        job = self.run_all("flash", lambda chip: {"firmware": image})["esp32c2"]
        self.assertEqual(job["result"]["boot"]["heard"], "noise")
        self.assert_holds("esp32c2", built_for("esp32c2").factory())


class Cancelled(FamilyCase):
    """In the middle of what takes long, one board of each generation."""

    bench_options = {"broker": False, "boards": [option(c, pace="wire") for c in ("esp32", "esp32c3", "esp32h2")]}

    def setUp(self):
        super().setUp()
        for chip, board in self.by_chip.items():
            self.board = board
            self.set_flash(built_for(chip).factory())

    def test_a_board_runs_on(self):
        jobs = {chip: self.gate.create_job({"kind": "read", "slot": self.slot(chip), "whole": True})
                for chip in self.by_chip}
        for chip, job in jobs.items():
            while not self.gate.job(job)["progress"]["done"]:
                self.assertIsNone(self.gate.job(job)["finished_at"])
            self.gate.post(f"/v1/jobs/{job}/cancel").expect(202)
        for chip, job in jobs.items():
            with self.subTest(chip):
                job = self.gate.wait_job(job)
                self.assertEqual((job["state"], job["steps"][-1]["name"]), ("cancelled", "read"))
                self.assert_runs(chip)
                self.assert_holds(chip, built_for(chip).factory())
                if chip in SPEAKS:
                    self.bench.run("at", self.by_chip[chip], lines=["AT"])


if __name__ == "__main__":
    unittest.main()
