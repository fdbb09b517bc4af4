"""espgate on a disk that fills up, or on one that nothing may be written to: cases that need to mount a disk of their own, so
test_store_faults.py runs each within namespaces of its own (unshare -rm)."""
import json
import os
import subprocess
import unittest

import harness

SMALL, LARGE = "size=6m", "size=64m"


def mount(*argv):
    subprocess.run(["mount", *argv], check=True)


class SmallDisk(unittest.TestCase):
    def setUp(self):
        bench = harness.Bench(boards=[{"pace": "full"}], broker=False, gate=False)
        self.bench = self.enterContext(bench)
        self.data = os.path.join(bench.folder, "data")
        os.makedirs(self.data, mode=0o700)
        mount("-t", "tmpfs", "-o", SMALL, "tmpfs", self.data)
        self.addCleanup(subprocess.run, ["umount", self.data], check=True)
        self.gate = bench.gate = harness.Espgate(bench.folder, bench.env)
        self.addCleanup(lambda: self.gate.stop())

    def remount(self, how):
        mount("-o", f"remount,{how}", self.data)

    def fill(self):
        """To the last byte."""
        with open(os.path.join(self.data, "filler"), "wb", buffering=0) as f:
            try:
                while f.write(bytes(4096)):
                    pass
            except OSError as e:
                self.assertEqual(os.strerror(e.errno), "No space left on device")

    def order_until_refused(self, slot, status, *codes):
        """(ids of the jobs that were taken, the refusal); what the log has room for is still taken."""
        taken = []
        for _ in range(900):
            reply = self.gate.post("/v1/jobs", {"kind": "reset", "slot": slot})
            if reply.status != 202:
                self.assertIn(reply.json["code"], codes, reply)
                problem = reply.problem(status, reply.json["code"])
                self.assertTrue(problem["hint"], problem)
                return taken, problem
            taken.append(reply.json["id"])
        raise AssertionError("every order was taken")

    def assert_reads_go_on(self, jobs):
        self.gate.get("/healthz").expect(200)
        self.gate.get("/v1/slots").expect(200)
        self.gate.get("/v1/jobs?limit=5").expect(200)
        for job in jobs[-3:]:
            self.gate.job(job)
        checks = self.gate.get("/readyz").problem(503, "not_ready")["checks"]
        self.assertIn(False, [one["ok"] for one in checks if one["name"] == "store"])

    def assert_all_ended_well(self, jobs):
        for job in jobs:
            got = self.gate.wait_job(job)
            self.assertEqual(got["state"], "succeeded", json.dumps(got, indent=1))

    def start_a_write(self):
        """A job that is at work on the board, and the slot."""
        credential = self.bench.upload()
        slot = self.bench.slot(self.bench.boards[0])
        job = self.gate.create_job({"kind": "write", "slot": slot, "credential": credential, "method": "rom"})
        while not self.gate.job(job)["steps"]:
            pass
        return job, slot

    def test_a_full_disk_refuses_what_is_new_and_loses_nothing(self):
        running, slot = self.start_a_write()
        self.fill()
        taken, _ = self.order_until_refused(slot, 507, "store_full")
        self.assert_reads_go_on([running, *taken])
        octets = {"Content-Type": "application/octet-stream"}
        self.gate.post("/v1/firmware", bytes(1 << 20), headers=octets).problem(507, "disk_full")
        self.gate.put("/v1/slots/more", {"at_port": "/dev/nosuch"}).problem(507, "store_full")
        self.remount(LARGE)
        later = self.gate.create_job({"kind": "reset", "slot": slot})
        self.assert_all_ended_well([running, *taken, later])
        self.gate.get("/readyz").expect(200)
        self.gate.kill9()
        self.gate.start()
        self.assert_all_ended_well([running, *taken, later])

    def test_power_is_lost_while_the_disk_is_full(self):
        running, slot = self.start_a_write()
        self.fill()
        taken, _ = self.order_until_refused(slot, 507, "store_full")
        self.gate.kill9()
        self.remount(LARGE)
        self.gate.start()
        self.assertIn(self.gate.wait_job(running)["state"], ("succeeded", "interrupted"))
        self.assert_all_ended_well(taken)
        self.assert_all_ended_well([self.gate.create_job({"kind": "reset", "slot": slot})])

    def test_a_start_on_a_read_only_disk_says_why_it_cannot(self):
        self.gate.stop()
        self.remount("ro")
        argv = ["env", "LD_PRELOAD=" + " ".join(self.gate.preload), *self.gate.argv]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=harness.PATIENCE, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stderr, r"cannot start.*(Read-only|readonly)")
        self.remount("rw")
        self.gate.start()
        self.gate.get("/readyz").expect(200)


if __name__ == "__main__":
    unittest.main()
