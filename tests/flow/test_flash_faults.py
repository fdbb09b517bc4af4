"""Flashing on a bad day: never half a firmware that starts, never one called good that is not, and the next job
mends it."""
import unittest

from flash_case import FlashCase, blank, esp_at, steps

BOOTLOADER = 0x1000
WAITS = True  # for the times of boards: run.py


class Flaky(FlashCase):
    content = blank()

    def survives(self, *faults):
        self.replug(fault=list(faults))
        job = self.flash(firmware=self.factory())
        self.assert_flash(esp_at().factory())
        return job["result"]["write"]

    def test_lost_bytes(self):
        write = self.survives("drop-byte:download:20000@once", "drop-byte:download:90000@once")
        self.assertGreaterEqual(write["retries"], 1)

    def test_flipped_bytes(self):
        write = self.survives("flip-byte:download:20001@once", "flip-byte:download:60003@once")
        self.assertGreaterEqual(write["retries"], 1)

    def test_a_reset_in_the_middle(self):
        self.survives("reset-at:download:50000@once")

    def test_a_wrong_md5_at_the_end(self):
        self.survives("bad-md5:80@once")


class CutOff(FlashCase):
    """A board that has a firmware, and gets another one."""

    content = esp_at(seed=1).factory()

    def assert_incomplete(self, job):
        """It says what is not valid, and nothing starts: the bootloader is away."""
        write = job["result"]["write"]
        self.assertTrue(write["incomplete"])
        self.assertLess(write["pieces_done"], write["pieces_total"])
        ranges = [(r["offset"], r["offset"] + r["size"]) for r in write["not_valid"]]
        self.assertTrue(any(a <= BOOTLOADER < b for a, b in ranges), ranges)
        self.assertIn("is not valid", job["error"]["detail"])
        self.assertIn(f"0x{ranges[0][0]:x} to 0x{ranges[0][1]:x}", job["error"]["detail"])
        self.assertEqual(self.flash_file()[BOOTLOADER:BOOTLOADER + 4096], blank(4096))
        now, wanted = self.flash_file(), esp_at().factory()
        wrong = [i for i in range(0, len(wanted), 4096) if now[i:i + 4096] != wanted[i:i + 4096]]
        self.assertEqual([hex(i) for i in wrong if not any(a <= i < b for a, b in ranges)], [])
        entry = self.gate.get(f"/v1/devices/{self.board.mac}").expect(200).json["history"][0]
        self.assertTrue(entry["detail"]["write"]["incomplete"])

    def test_the_cable_is_pulled_in_the_middle(self):
        self.replug(fault=["hangup:download:60000@once"])
        job = self.flash("failed", firmware=self.factory())
        self.assertEqual((job["error"]["code"], job["error"]["step"]), ("port_gone", "write"))
        self.assert_incomplete(job)
        self.replug(fault=[])
        self.flash(firmware=self.factory())
        self.assert_flash(esp_at().factory())

    def test_a_cancel_in_the_middle(self):
        self.replug(pace="wire")
        order = self.bench.command("flash", self.bench.slot(self.board, flash_baud=115200), firmware=self.factory())
        job = self.gate.create_job(order)
        while True:
            now = self.gate.job(job)
            self.assertIsNone(now["finished_at"])
            if now["steps"] and now["steps"][-1]["name"] == "write" and now["progress"]["done"] > 100000:
                break
        self.gate.post(f"/v1/jobs/{job}/cancel").expect(202)
        job = self.gate.wait_job(job)
        self.assertEqual((job["state"], job["error"]["code"]), ("cancelled", "cancelled"))
        self.assert_incomplete(job)
        self.replug(pace="off")
        self.flash(firmware=self.factory())
        self.assert_flash(esp_at().factory())

    def test_a_flash_that_keeps_nothing(self):
        self.replug(fault=["bad-md5"])
        job = self.flash("failed", firmware=self.factory(), diff=False)
        self.assertEqual((job["error"]["code"], job["error"]["step"]), ("flash_verify", "verify"))
        self.assertTrue(job["result"]["write"]["incomplete"])
        self.replug(fault=[])
        self.flash(firmware=self.factory())
        self.assert_flash(esp_at().factory())

    def test_a_board_that_comes_in_time_is_waited_for(self):
        self.board.unplug()
        job = self.gate.create_job({"kind": "flash", "slot": self.bench.slot(self.board), "firmware": self.factory()})
        while self.gate.job(job)["steps"][:1] == []:
            pass
        self.board.start()
        job = self.gate.wait_job(job)
        self.assertEqual((job["state"], steps(job)[:2]), ("succeeded", ["ports", "identify"]))
        self.assert_flash(esp_at().factory())

    def test_a_board_that_goes_away_while_it_is_met_is_met_again(self):
        self.replug(fault=["hangup:download:50@once"])
        mark = self.gate.child.mark()
        job = self.gate.create_job({"kind": "flash", "slot": self.bench.slot(self.board), "firmware": self.factory()})
        self.gate.child.wait_line(r"hotplug port left .*board1-download", since=mark)
        self.replug(fault=[])
        job = self.gate.wait_job(job)
        self.assertEqual((job["state"], steps(job)[0]), ("succeeded", "identify"), job["error"])
        self.assert_flash(esp_at().factory())

    def test_a_board_that_goes_away_for_good_fails_the_job(self):
        self.replug(fault=["hangup:download:50@once"])
        error = self.fails("flash", "port_gone", "identify", firmware=self.factory())
        self.assertNotIn("not valid", error["detail"])
        self.replug(fault=[])
        self.flash(firmware=self.factory())


if __name__ == "__main__":
    unittest.main()
