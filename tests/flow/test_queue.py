"""How jobs queue on real slots: priorities, jobs that follow others, deadlines, slots that are held, and a board that a
killed espgate left in its loader."""
import harness

CONCURRENT = True
WAITS = True  # for the times of boards: run.py


class Queue(harness.BenchCase):
    bench_options = {"boards": [{"pace": "full"}, {}], "broker": False}

    def setUp(self):
        super().setUp()
        self.slots = [self.bench.slot(board) for board in self.bench.boards]

    def order(self, kind, slot=0, **more):
        return self.gate.create_job({"kind": kind, "slot": self.slots[slot], **more})

    def hold(self, what, slot=0):
        return self.gate.post(f"/v1/slots/{self.slots[slot]}/{what}").expect(200).json["hold"]

    def write(self, **more):
        return self.order("write", credential=self.bench.upload(), method="rom", **more)

    def test_the_higher_one_runs_first_and_the_dependent_one_last(self):
        self.hold("pause")  # however slow we are, all of them wait side by side
        low = self.order("reset", priority=-1)
        after = self.order("reset", slot=1, depends_on=low)
        usual = self.order("identify")
        high = self.order("reset", priority=10)
        self.hold("resume")
        jobs = [self.gate.wait_job(job) for job in (high, usual, low, after)]
        self.assertEqual([job["state"] for job in jobs], ["succeeded"] * 4)
        for earlier, later in zip(jobs, jobs[1:]):
            self.assertGreaterEqual(later["started_at"], earlier["finished_at"])
        self.assertEqual((jobs[0]["priority"], jobs[3]["depends_on"]), (10, low))

    def test_a_deadline_stops_a_write_and_the_board_runs(self):
        job = self.gate.wait_job(self.write(deadline=1))
        self.assertEqual((job["state"], job["error"]["code"]), ("failed", "deadline_passed"))
        self.assertIsNotNone(job["started_at"])
        self.bench.run("at", self.bench.boards[0], lines=["AT"])

    def test_a_paused_slot_stands_still_over_a_restart(self):
        self.assertEqual(self.hold("pause")["state"], "paused")
        job = self.order("reset")
        self.gate.kill9()
        self.gate.start()
        self.gate.wait_job(self.order("reset", slot=1))
        slot = self.gate.get(f"/v1/slots/{self.slots[0]}").expect(200).json
        self.assertEqual((slot["hold"]["state"], slot["queued"], slot["job"]), ("paused", 1, None))
        self.assertIsNone(self.hold("resume"))
        self.assertEqual(self.gate.wait_job(job)["state"], "succeeded")

    def test_a_drained_slot_takes_nothing_on_until_it_is_resumed(self):
        running = self.order("identify")
        self.assertIn(self.hold("drain")["state"], ("draining", "drained"))
        self.gate.post("/v1/jobs", {"kind": "reset", "slot": self.slots[0]}).problem(409, "slot_draining")
        self.assertEqual(self.gate.wait_job(running)["state"], "succeeded")
        self.assertEqual(self.hold("drain")["state"], "drained")
        self.gate.stop()
        self.gate.start()
        self.gate.post(f"/v1/jobs/{running}/retry").problem(409, "slot_draining")
        self.hold("resume")
        self.gate.wait_job(self.order("reset"))

    def test_the_board_of_a_killed_write_is_reset_before_all_else(self):
        cut = self.write()
        while self.gate.job(cut)["state"] == "queued":
            pass  # what comes now would be before it
        waits = self.order("reset", priority=10)
        self.until_step(cut, "write")
        self.gate.kill9()
        self.gate.start()
        self.assertEqual(self.gate.wait_job(waits)["state"], "succeeded")
        own = [job for job in self.gate.get(f"/v1/jobs?kind=reset&slot={self.slots[0]}").expect(200).json["items"]
               if job["id"] != waits]
        self.assertEqual([(job["actor"], job["priority"], job["state"]) for job in own], [("espgate", 11, "succeeded")])
        self.assertLessEqual(own[0]["finished_at"], self.gate.job(waits)["started_at"])
        self.assertEqual(self.gate.job(cut)["state"], "interrupted")
