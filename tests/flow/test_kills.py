"""Five hundred kills at random instants, with clients that go on ordering: whatever was acknowledged is there after
each restart, what has ended keeps its end, nothing runs twice, and no board is left in its loader.

What ran is asked of the boards, not of espgate: each job leaves a mark of its own on the wire (a name in an AT command,
an address that is read through the loader), and the boards' boot texts tell in which mode each came up last."""
import collections
import http.client
import json
import os
import random
import re
import struct
import threading
import time

import harness
from child import PATIENCE, Child

WAITS = True  # for the times of boards: run.py

KILLS = 500
BOARDS = 4
CLIENTS = 3
OUTSTANDING = 16  # jobs that the clients leave open
CHECK_EVERY = 20  # kills between two looks at boards that only a recovery can have brought back
FIRST_ADDRESS, SPAN = 0x200000, 0x80  # of the marks of reads
OVER = (ConnectionError, http.client.HTTPException, OSError, json.JSONDecodeError)


def can_be(number):
    """Does an order of this number leave its mark as it is? SLIP writes two bytes otherwise."""
    return number % 2 or not {0xC0, 0xDB} & set(struct.pack("<I", address_of(number)))


def address_of(number):
    return FIRST_ADDRESS + number * SPAN


def order_of(number, slot):
    """It tells its board a number that no other order does: the name of a time server, or an address to read."""
    if number % 2:
        return {"kind": "at", "slot": slot, "lines": [f'AT+CIPSNTPCFG=1,0,"kill-{number}"']}
    return {"kind": "read", "slot": slot, "offset": address_of(number), "size": 64}


class Wire:
    """What went over a board's ports so far; each look reads only what is new."""

    def __init__(self, board):
        self.board, self.at = board, 0
        self.heard = collections.defaultdict(bytes)  # port -> what came from espgate
        self.text = b""  # the board's last words on all but its AT port
        self.mode = b""

    def look(self):
        with open(self.board.transcript_path, "rb") as f:
            f.seek(self.at)
            for line in f:
                if not line.endswith(b"\n"):
                    break
                self.at += len(line)
                entry = json.loads(line)
                said = bytes.fromhex(entry.get("hex", ""))
                if entry.get("dir") == "host":
                    self.heard[entry["port"]] += said
                elif entry.get("port") != "at":
                    self.text += said

    def is_in_loader(self):
        """By the board's own word at its last boot."""
        self.look()
        self.mode = [self.mode, *re.findall(rb"boot:0x\w+ \((\w+)", self.text)][-1]
        self.text = self.text[-100:]  # a word may have been cut
        return self.mode.startswith(b"DOWNLOAD")

    def assert_runs(self):
        end = time.monotonic() + PATIENCE  # its words get into the transcript a little later
        while self.is_in_loader():
            if time.monotonic() > end:
                raise AssertionError(f"{self.board.name} was left in its loader")

    def orders(self):
        """How often the board was told the number of each order."""
        self.look()
        names = re.findall(rb'"kill-(\d+)"', self.heard["at"])
        reads = re.findall(rb"\xc0\x00\x0e\x08\x00.{4}(.{4})\x40\x00\x00\x00\xc0", self.heard["download"], re.S)
        addresses = [struct.unpack("<I", read)[0] for read in reads]
        return collections.Counter([int(name) for name in names] + [(a - FIRST_ADDRESS) // SPAN for a in addresses])


class Clients:
    """They order work as long as the test lasts. A request that has got no answer is made again under its key."""

    def __init__(self, gate, slots):
        self.gate, self.slots = gate, slots
        self.lock = threading.Condition()
        self.numbers, self.repeated = 0, 0
        self.refusals = []
        self.acknowledged = {}  # number -> job id
        self.ends = {}  # id -> the job as it was when it had ended
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.order_on, args=(random.Random(i),), daemon=True)
                        for i in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.over.set()
        with self.lock:
            self.lock.notify_all()
        for thread in self.threads:
            thread.join(PATIENCE)

    def open_jobs(self):
        with self.lock:
            return [job for job in self.acknowledged.values() if job not in self.ends]

    def is_full(self):
        return len(self.acknowledged) - len(self.ends) >= OUTSTANDING

    def next_number(self):
        with self.lock:
            while self.is_full() and not self.over.is_set():
                self.lock.wait(PATIENCE)
            self.numbers += 1
            while not can_be(self.numbers):
                self.numbers += 1
            return self.numbers

    def order_on(self, chance):
        while not self.over.is_set():
            number = self.next_number()
            body = order_of(number, chance.choice(self.slots))
            if chance.random() < 0.2:
                body["depends_on"] = self.any_job(chance)
            body["priority"] = chance.randint(-2, 2)
            self.insist(number, {k: v for k, v in body.items() if v is not None})

    def any_job(self, chance):
        with self.lock:
            return chance.choice(list(self.acknowledged.values())[-8:] or [None])

    def insist(self, number, body):
        while not self.over.is_set():
            try:
                reply = self.gate.post("/v1/jobs", body, headers={"Idempotency-Key": f"order-{number}"})
            except OVER:
                self.repeated += 1
                self.over.wait(0.02)  # espgate is down
                continue
            with self.lock:
                if reply.status == 202:
                    self.acknowledged[number] = reply.json["id"]
                else:
                    self.refusals.append(str(reply))
                return

    def look(self):
        """Each job that was acknowledged must be there."""
        for job in self.open_jobs():
            got = self.gate.job(job)
            if got["state"] in harness.ENDED:
                with self.lock:
                    self.ends[job] = got
                    self.lock.notify_all()


class KillsTest(harness.BenchCase):
    bench_options = {"boards": BOARDS, "broker": False, "gate_args": ("--log-level", "info")}

    def setUp(self):
        super().setUp()
        self.chance = random.Random()
        # a name that no other bench's espgate has, should it get our port
        self.slots = []
        for board in self.bench.boards:
            name = f"{board.name}-{os.urandom(4).hex()}"
            self.gate.put(f"/v1/slots/{name}", {"download_port": board.download, "at_port": board.at}).expect(201)
            self.slots.append(name)
        self.wires = [Wire(board) for board in self.bench.boards]
        self.loaders = 0  # boards that a kill left in their loader

    def test_500_kills(self):
        clients = Clients(self.gate, self.slots)
        try:
            for kill in range(1, KILLS + 1):
                if kill % CHECK_EVERY == 0:
                    self.kill_and_look_at_the_boards()
                else:
                    self.live(clients)
                    self.gate.kill9()
                    self.restart()
                clients.look()
                self.assert_kept(clients, self.chance.sample(sorted(clients.ends), min(5, len(clients.ends))))
        finally:
            clients.stop()
        self.judge(clients)

    # ---- a life of the service ----

    def live(self, clients):
        """Until any instant: in its first work, in a job, or right after one."""
        jobs = clients.open_jobs()
        if jobs and self.chance.random() < 0.15:
            self.gate.get(f"/v1/jobs/{self.chance.choice(jobs)}?wait=2").expect(200)
        else:
            clients.over.wait(self.chance.uniform(0, 0.45))

    def restart(self):
        """Often it is killed again before it is ready."""
        while self.chance.random() < 0.2:
            gate = self.gate
            gate.children.append(Child(f"espgate{len(gate.children)}", gate.argv, gate.env, gate.preload))
            threading.Event().wait(self.chance.uniform(0, 0.06))
            gate.kill9()
        self.gate.start()

    def kill_and_look_at_the_boards(self):
        """On slots that are paused nothing runs but what brings a board back."""
        threading.Event().wait(self.chance.uniform(0, 0.5))
        for slot in self.slots:
            self.gate.post(f"/v1/slots/{slot}/pause").expect(200)
        self.gate.kill9()
        self.loaders += sum(wire.is_in_loader() for wire in self.wires)
        self.restart()
        for job in self.gate.get("/v1/jobs?kind=reset&state=queued").expect(200).json["items"]:
            self.assertEqual((job["priority"], job["actor"]), (11, "espgate"))
            self.gate.wait_job(job["id"])
        for job in self.gate.get("/v1/jobs?state=running").expect(200).json["items"]:
            self.assertEqual(job["kind"], "reset")
            self.gate.wait_job(job["id"])
        for wire in self.wires:
            wire.assert_runs()
        for slot in self.slots:
            self.gate.post(f"/v1/slots/{slot}/resume").expect(200)

    # ---- what must be true ----

    def assert_kept(self, clients, jobs):
        for job in jobs:
            self.assertEqual(self.gate.job(job), clients.ends[job])

    def judge(self, clients):
        for job in clients.open_jobs():
            self.gate.wait_job(job)
        clients.look()
        self.assertEqual(clients.refusals, [])
        self.assert_kept(clients, clients.ends)
        self.assertEqual(len(clients.ends), len(clients.acknowledged))
        for wire in self.wires:
            wire.assert_runs()
            wire.board.stop()  # its transcript is whole then
        told = sum((wire.orders() for wire in self.wires), collections.Counter())
        self.assertEqual([number for number, times in told.items() if times > 1], [])  # also without an answer
        tally = collections.Counter()
        for number, job in clients.acknowledged.items():
            tally[clients.ends[job]["state"]] += 1
            self.judge_job(clients.ends[job], told[number])
        print(f"{KILLS} kills, {len(self.gate.children)} starts, {clients.repeated} requests made again, jobs: {dict(tally)}, "
              f"boards that a kill left in their loader, of those looked at: {self.loaders}", flush=True)
        self.assertGreater(tally["succeeded"], KILLS // 10)
        self.assertGreater(tally["interrupted"], KILLS // 10)
        self.assertGreater(self.loaders, 0)

    def judge_job(self, job, told):
        text = json.dumps(job)
        if job["state"] == "succeeded":
            self.assertEqual(told, 1, text)
        elif job["state"] != "interrupted":
            self.assertEqual((job["state"], job["error"]["code"], told), ("failed", "dependency_failed", 0), text)
        if "depends_on" in job:
            other = self.gate.job(job["depends_on"])
            self.assertEqual(other["state"] == "succeeded", job["started_at"] is not None, text)
            if job["started_at"]:
                self.assertGreaterEqual(job["started_at"], other["finished_at"], text)
