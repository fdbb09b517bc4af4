"""What goes wrong below the store: full and read-only disks (small_disk.py), a database that another program holds, a
log that power loss has torn; and ports that go at any moment of a job. What was acknowledged is there, what cannot be
done is refused with a reason, and the service goes on when the fault has ended."""
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import unittest

import harness

WAITS = True  # for the times of boards and locks: run.py
FLOW = os.path.dirname(os.path.abspath(__file__))


class Disks(unittest.TestCase):
    """Each in namespaces of its own, where it may mount."""

    def run_case(self, name):
        argv = ["unshare", "-rm", sys.executable, "-m", "unittest", f"small_disk.SmallDisk.{name}"]
        done = subprocess.run(argv, cwd=FLOW, env=dict(os.environ, BIN_DIR=harness.BIN), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_full(self):
        self.run_case("test_a_full_disk_refuses_what_is_new_and_loses_nothing")

    def test_full_and_power_lost(self):
        self.run_case("test_power_is_lost_while_the_disk_is_full")

    def test_read_only_at_the_start(self):
        self.run_case("test_a_start_on_a_read_only_disk_says_why_it_cannot")


class Locked(harness.BenchCase):
    bench_options = {"boards": [{"pace": "full"}], "broker": False}

    def hold(self):
        """Another program's transaction; roll it back to let go."""
        other = sqlite3.connect(os.path.join(self.bench.folder, "data", "espgate.db"), isolation_level=None)
        self.addCleanup(other.close)
        other.execute("BEGIN EXCLUSIVE")
        return other

    def test_writing_is_refused_and_reading_goes_on(self):
        slot = self.bench.slot(self.bench.boards[0])
        running = self.gate.create_job({"kind": "write", "slot": slot, "credential": self.bench.upload(), "method": "rom"})
        while not self.gate.job(running)["steps"]:
            pass
        other = self.hold()
        replies = []
        order = {"kind": "reset", "slot": slot}
        clients = [threading.Thread(target=lambda: replies.append(self.gate.post("/v1/jobs", order))) for _ in range(6)]
        for client in clients:
            client.start()
        reads = 0
        while any(client.is_alive() for client in clients):
            self.gate.job(running)
            self.gate.get("/v1/slots").expect(200)
            reads += not replies
        for reply in replies:
            problem = reply.problem(503, "store_busy")
            self.assertTrue(problem["hint"], problem)
            self.assertTrue(reply.headers["Retry-After"])
        self.assertGreater(reads, 20, "reading waited for those that wanted to write")
        self.gate.get("/readyz").problem(503, "not_ready")
        other.execute("ROLLBACK")
        self.assertEqual(self.gate.wait_job(running)["state"], "succeeded")
        self.assertEqual(self.gate.wait_job(self.gate.create_job(order))["state"], "succeeded")
        self.assertEqual(len(self.gate.get("/v1/jobs").expect(200).json["items"]), 2)


class TornLog(harness.BenchCase):
    """Power loss leaves any beginning of the log, or one with rubbish behind it."""

    bench_options = {"boards": 0, "broker": False}
    CUTS = 16

    def test_every_commit_whose_bytes_are_there_is_there(self):
        data = os.path.join(self.bench.folder, "data")
        log = os.path.join(data, "espgate.db-wal")
        self.gate.put("/v1/slots/none", {"at_port": "/dev/nosuch"}).expect(201)
        self.gate.post("/v1/slots/none/pause").expect(200)  # nothing but the orders is written
        taken = []  # (id, bytes of the log that are its)
        for _ in range(24):
            job = self.gate.create_job({"kind": "reset", "slot": "none"})
            taken.append((job, os.path.getsize(log)))
        self.assertEqual(taken, sorted(taken, key=lambda one: one[1]), "the log was folded meanwhile")
        self.gate.kill9()
        kept = os.path.join(self.bench.folder, "kept")
        shutil.move(data, kept)
        seed = random.randrange(1 << 30)
        chance = random.Random(seed)
        for n in range(self.CUTS):
            cut = chance.randrange(taken[0][1], taken[-1][1] + 1)
            rubbish = chance.randbytes(chance.randrange(9000)) if n % 2 else b""
            with self.subTest(seed=seed, cut=cut, rubbish=len(rubbish)):
                self.restart_with(kept, data, cut, rubbish)
                there = [job["id"] for job in self.gate.get("/v1/jobs?limit=100").expect(200).json["items"]]
                self.assertLessEqual({job for job, end in taken if end <= cut}, set(there))
                self.assertEqual(sorted(there), [job for job, _ in taken][:len(there)], "a gap among the jobs")
                self.gate.create_job({"kind": "reset", "slot": "none"})
                self.gate.kill9()
        self.gate.start()

    def restart_with(self, kept, data, cut, rubbish):
        shutil.rmtree(data, ignore_errors=True)
        shutil.copytree(kept, data)
        os.unlink(os.path.join(data, "espgate.db-shm"))  # is never synced
        with open(os.path.join(data, "espgate.db-wal"), "r+b") as f:
            f.truncate(cut)
            f.seek(cut)
            f.write(rubbish)
        self.gate.start()


class PortGone(harness.BenchCase):
    """The cable is pulled at moments all over a job; the slot's next job finds a board that can be worked with."""

    bench_options = {"boards": [{"firmware": "2.4"}]}
    MOMENTS = 6

    def replug(self, *faults):
        self.bench.boards[0].stop()
        self.bench.boards[0].start(fault=list(faults))

    def moments(self, port):
        """Bytes that the board had said at moments all over its transcript."""
        ends = [0]
        for entry in self.bench.boards[0].transcript():
            if entry.get("dir") == "board" and entry.get("port") == port:
                ends.append(ends[-1] + len(entry["hex"]) // 2)
        return [ends[len(ends) * n // self.MOMENTS] + 1 for n in range(self.MOMENTS)]

    def run_job(self, kind, credential, method):
        more = {"method": method, "credential": credential} if kind == "provision" else {}
        body = self.bench.command(kind, self.bench.slot(self.bench.boards[0]), **more)
        return self.gate.wait_job(self.gate.create_job(body))

    def sweep(self, kind, port, method=None):
        """The steps in which the port went."""
        credentials = [self.bench.upload(), self.bench.upload(self.bench.pki.ec_device)]
        self.replug()
        self.assertEqual(self.run_job("provision", credentials[1], "rom")["state"], "succeeded")
        self.replug()
        self.assertEqual(self.run_job(kind, credentials[0], method)["state"], "succeeded")
        met = set()
        for at in self.moments(port):
            with self.subTest(kind, port=port, at=at):
                self.replug(f"hangup:{port}:{at}@once")
                job = self.run_job(kind, credentials[1], method)
                if job["state"] == "failed":
                    self.assertIn(job["error"]["code"], ("port_gone", "port_not_found", "usb_gone"), job["error"])
                    self.assertTrue(job["error"]["hint"])
                    met.add(job["error"]["step"])
                self.replug()
                after = self.run_job(kind, credentials[0], method)
                self.assertEqual(after["state"], "succeeded", after)
        return met

    def test_in_a_provision_by_rom(self):
        self.assertGreaterEqual(len(self.sweep("provision", "download", "rom")), 2)

    def test_in_a_provision_by_at(self):
        self.assertGreaterEqual(len(self.sweep("provision", "at", "at")), 2)

    def test_in_a_check(self):
        self.assertGreaterEqual(len(self.sweep("check", "at")), 3)


if __name__ == "__main__":
    unittest.main()
