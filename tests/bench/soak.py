"""Works espgate for long, and watches what it holds: its memory and its open files must stay flat.

soak.py BUILD_DIR SECONDS. Simulated boards are provisioned, read and identified without end, credentials and firmwares
come and go, readers poll and follow the event streams. Prints a table of samples; exit status 1 when something grew or
went wrong.
"""
import contextlib
import http.client
import itertools
import os
import statistics
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
os.environ["BIN_DIR"] = os.path.abspath(sys.argv[1])
sys.path.insert(0, os.path.join(ROOT, "tests", "flow"))

import harness  # noqa: E402  (needs BIN_DIR)

SECONDS = float(sys.argv[2])
BOARDS = 8
SAMPLES = 60
SPARE_KB = 1024  # what the memory may vary by
SPARE_FILES = 8


class Soak:
    def __init__(self, bench):
        self.bench, self.gate = bench, bench.gate
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.done = dict.fromkeys(("jobs", "reads", "uploads", "events"), 0)
        self.faults = []

    def count(self, what, n=1):
        with self.lock:
            self.done[what] += n

    def loop(self, what, *args):
        """Until the end, or until it went wrong."""
        try:
            for turn in itertools.count():
                if self.over.is_set():
                    return
                what(turn, *args)
        except Exception as fault:  # pylint: disable=broad-except
            if not self.over.is_set():
                self.faults.append(f"{what.__name__}: {fault!r}")
                self.over.set()

    # ---- what is done without end ----

    def work(self, turn, board, credentials):
        slot = board.name
        order = [lambda: self.bench.command("provision", slot, credential=credentials[turn % 2]),
                 lambda: {"kind": "identify", "slot": slot},
                 lambda: {"kind": "read", "slot": slot, "partition": "mqtt_ca"},
                 lambda: {"kind": "write", "slot": slot, "credential": credentials[(turn + 1) % 2], "method": "rom"}][turn % 4]()
        job = self.gate.create_job(order, headers={"Idempotency-Key": f"{slot}-{turn}"})
        if turn % 16 == 15:
            self.gate.post(f"/v1/jobs/{job}/cancel")  # perhaps in time
        ended = self.gate.wait_job(job)
        if ended["state"] != "succeeded" and turn % 16 != 15:
            raise AssertionError(ended)
        self.gate.get(f"/v1/jobs/{job}/log").expect(200)
        self.count("jobs")

    def read(self, turn):
        for path in ("/v1/jobs?limit=20", "/v1/slots", "/v1/devices", "/readyz", "/metrics", "/v1/audit?limit=20",
                     "/v1/ports", "/openapi.json", "/v1/nothing"):
            self.gate.get(path)
            self.count("reads")
        self.over.wait(0.05)

    def upload(self, turn):
        data = os.urandom(200_000)
        made = self.gate.post("/v1/firmware", files=[("f", "a.bin", data)]).expect(201).headers["Location"]
        self.gate.post("/v1/firmware", data[:1000], headers={"Content-Type": "text/plain"}).expect(415)
        self.gate.delete(made).expect(204)
        made = self.gate.post("/v1/authorities", {"name": f"line{turn}"}).expect(201).headers["Location"]
        self.gate.delete(made).expect(204)
        self.count("uploads", 2)

    def follow(self, turn):
        """A stream for some events, then another one from where it ended."""
        connection = http.client.HTTPConnection("127.0.0.1", self.gate.port, timeout=60)
        headers = dict(line.split(": ", 1) for line in getattr(self.gate, "credentials", ()))
        with contextlib.closing(connection):
            connection.request("GET", "/v1/events", headers=headers)
            stream = connection.getresponse()
            if stream.status != 200:
                raise AssertionError(stream.status)
            for line in itertools.islice(stream, 200):
                self.count("events", line.startswith(b"id:"))
                if self.over.is_set():
                    return

    # ---- what it holds ----

    def sample(self):
        pid = self.gate.child.process.pid
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            status = dict(line.split(":", 1) for line in f)
        return {"rss": int(status["VmRSS"].split()[0]), "threads": int(status["Threads"]), "files": len(os.listdir(f"/proc/{pid}/fd"))}

    def watch(self):
        """A line now and then; the samples."""
        start, samples = time.monotonic(), []
        print(f"{'s':>6} {'RSS kB':>8} {'files':>6} {'threads':>8} {'jobs':>7} {'reads':>8} {'uploads':>8} {'events':>8}", flush=True)
        for i in range(1, SAMPLES + 1):
            self.over.wait(max(0, start + i * SECONDS / SAMPLES - time.monotonic()))
            if self.over.is_set():
                break
            s = self.sample()
            samples.append(s)
            d = self.done
            print(f"{time.monotonic() - start:6.0f} {s['rss']:8} {s['files']:6} {s['threads']:8} {d['jobs']:7} {d['reads']:8}"
                  f" {d['uploads']:8} {d['events']:8}", flush=True)
        return samples

    def run(self):
        credentials = [self.bench.upload(one) for one in (self.bench.pki.device, self.bench.pki.other_device)]
        for board in self.bench.boards:
            self.bench.slot(board)
        loops = [(self.work, board, credentials) for board in self.bench.boards]
        loops += [(self.read,)] * 2 + [(self.upload,)] + [(self.follow,)] * 4
        threads = [threading.Thread(target=self.loop, args=one) for one in loops]
        for thread in threads:
            thread.start()
        try:
            samples = self.watch()
        finally:
            self.over.set()
            for thread in threads:
                thread.join()
        return samples


def growth(samples, what):
    """From the second quarter, when it has warmed up, to the last."""
    quarter = len(samples) // 4
    early, late = ([s[what] for s in part] for part in (samples[quarter:2 * quarter], samples[-quarter:]))
    return statistics.median(late) - statistics.median(early)


def main():
    with harness.Bench(BOARDS, gate_args=["--log-level", "warn"]) as bench:
        soak = Soak(bench)
        samples = soak.run()
    faults = soak.faults
    if not faults:
        for what, unit, spare in (("rss", "kB", SPARE_KB), ("files", "", SPARE_FILES)):
            grown = growth(samples, what)
            print(f"{what}: {grown:+g} {unit} from the second quarter to the last (at most {spare})")
            if grown > spare:
                faults.append(f"{what} grew")
    for fault in faults:
        print(f"FAILED: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
