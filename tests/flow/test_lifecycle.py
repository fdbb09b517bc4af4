"""Cancel, time limit, kill -9, shutdown, and several boards at once: nothing acknowledged is lost, no board is left in
its loader, and what happens to one slot is no matter of another."""
import signal
import threading
import unittest

import harness

CONCURRENT = True
WAITS = True  # for the times of boards: run.py


class Lifecycle(harness.BenchCase):
    bench_options = {"boards": [{"pace": "full"}]}

    def start(self, kind="provision", method="rom", board=None, **more):
        board = board or self.bench.boards[0]
        if kind in ("provision", "write"):
            more.setdefault("credential", self.bench.upload())
            more["method"] = method
        return self.gate.create_job(self.bench.command(kind, self.bench.slot(board), **more))

    def assert_board_runs(self, board=None):
        self.bench.run("at", board or self.bench.boards[0], lines=["AT"])

    def cancel_in(self, step, method):
        job = self.start(method=method)
        self.until_step(job, step)
        self.gate.post(f"/v1/jobs/{job}/cancel").expect(200, 202)
        got = self.gate.wait_job(job)
        self.assertEqual((got["state"], got["steps"][-1]["name"]), ("cancelled", step))
        self.assert_board_runs()
        self.bench.run("write", self.bench.boards[0], method="rom")

    def test_cancel_in_a_rom_write(self):
        self.cancel_in("write", "rom")

    def test_cancel_in_an_at_write(self):
        self.cancel_in("write", "at")

    def test_cancel_while_the_board_joins(self):
        self.cancel_in("wifi", "rom")

    def test_cancel_while_it_waits_in_the_queue(self):
        first = self.start()
        second = self.start("reset")
        got = self.gate.post(f"/v1/jobs/{second}/cancel").expect(200, 202).json
        self.assertEqual((got["state"], got["started_at"]), ("cancelled", None))
        self.gate.post(f"/v1/jobs/{first}/cancel").expect(200, 202)
        self.assertEqual(self.gate.wait_job(first)["state"], "cancelled")
        self.gate.post(f"/v1/jobs/{first}/cancel").problem(409, "job_ended")

    def test_the_time_limit(self):
        self.bench.clock.silent = True
        job = self.gate.wait_job(self.start(timeout=5))
        self.assertEqual((job["state"], job["error"]["code"]), ("failed", "job_timeout"))
        self.assert_board_runs()

    def test_kill_9_in_a_write(self):
        running = self.start()
        queued = self.start("reset")
        self.until_step(running, "write")
        self.gate.kill9()
        self.gate.start()
        got = self.gate.job(running)
        self.assertEqual((got["state"], got["steps"][-1]["name"], got["steps"][-1]["state"]),
                         ("interrupted", "write", "interrupted"))
        self.assertEqual(self.gate.wait_job(queued)["state"], "succeeded")
        self.assert_board_runs()

    def test_a_clean_stop_in_a_write(self):
        running = self.start()
        queued = self.start("reset")
        self.until_step(running, "write")
        self.gate.stop(signal.SIGTERM)
        self.gate.start()
        self.assertEqual(self.gate.job(running)["state"], "interrupted")
        self.assertEqual(self.gate.wait_job(queued)["state"], "succeeded")
        self.assert_board_runs()

    def test_jobs_of_one_slot_run_in_order(self):
        jobs = [self.start("reset") for _ in range(5)]
        ended = [self.gate.wait_job(j) for j in jobs]
        started = [j["started_at"] for j in ended]
        self.assertEqual(started, sorted(started))
        for one, next_one in zip(ended, ended[1:]):
            self.assertLessEqual(one["finished_at"], next_one["started_at"])

    def test_a_waiting_request_is_answered_when_the_service_stops(self):
        self.bench.clock.silent = True
        job = self.start()
        replies = []
        waiter = threading.Thread(target=lambda: replies.append(self.gate.get(f"/v1/jobs/{job}?wait=30")))
        waiter.start()
        self.until_step(job, "wifi")
        self.gate.stop()
        waiter.join(harness.PATIENCE)
        self.assertEqual(len(replies), 1)
        self.assertIn(replies[0].status, (200, 503))
        self.gate.start()


class TwoBoards(harness.BenchCase):
    bench_options = {"boards": [{"pace": "full"}, {"pace": "full"}]}

    def test_one_unplugged_in_a_write_is_no_matter_of_the_other(self):
        one, two = self.bench.boards
        credential = self.bench.upload()
        jobs = [self.gate.create_job(self.bench.command("provision", self.bench.slot(b), method="rom",
                                                        credential=credential)) for b in (one, two)]
        while True:
            got = self.gate.job(jobs[0])
            if got["steps"] and got["steps"][-1]["name"] == "write":
                break
            self.assertIsNone(got["finished_at"], got)
        one.unplug()
        failed, whole = (self.gate.wait_job(j) for j in jobs)
        self.assertEqual((failed["state"], failed["error"]["code"]), ("failed", "port_gone"))
        self.assertEqual(whole["state"], "succeeded", whole)

    def test_two_slots_that_share_a_port_wait_for_each_other(self):
        one = self.bench.boards[0]
        self.bench.slot(one)
        self.gate.put("/v1/slots/twin", {"download_port": one.download}).expect(201)
        credential = self.bench.upload()
        jobs = [self.gate.create_job({"kind": "write", "slot": slot, "credential": credential, "method": "rom"})
                for slot in (one.name, "twin", one.name, "twin")]
        ended = sorted((self.gate.wait_job(j) for j in jobs), key=lambda j: j["finished_at"])
        self.assertEqual({j["state"] for j in ended}, {"succeeded"}, ended)


if __name__ == "__main__":
    unittest.main()
