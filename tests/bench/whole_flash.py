"""Whole firmwares over HTTP: one board against the wire and against esptool-js, then 8 and 32 boards at once, then the
fault run. All at 921600 on boards whose wires take their time; erasing and programming take none, so that what is
compared is what the flasher can do something about.
"""
import contextlib
import json
import os
import random
import subprocess
import time
import zlib

import firmware_files
import harness

BAUD = 921600
MB = 1 << 20
OCTETS = {"Content-Type": "application/octet-stream"}
PACED = {"pace": "wire"}
USED = random.Random(9).randbytes(4 * MB)  # what the flash holds before: nothing of it may stay


def upload(gate, data):
    return gate.post("/v1/firmware", data, headers=OCTETS).expect(200, 201).json["id"]


@contextlib.contextmanager
def used_boards(n):
    """A bench of boards whose flash is full of something else."""
    with harness.Bench([PACED] * n, broker=False) as bench:
        for board in bench.boards:
            board.stop()
            with open(board.flash, "r+b") as f:
                f.write(USED)
            board.start()
        yield bench


def run_all(gate, orders):
    """Wall in seconds from the first order to the last end, and the jobs."""
    start = time.monotonic()
    ids = [gate.create_job(o) for o in orders]
    jobs = [gate.wait_job(i, 600) for i in ids]
    wall = time.monotonic() - start
    for job in jobs:
        if job["state"] != "succeeded":
            raise AssertionError(json.dumps(job, indent=1))
    return wall, jobs


def step_s(job, name):
    return sum(s["ms"] for s in job["steps"] if s["name"] == name) / 1000


class Meter:
    """CPU seconds and the highest memory of a process since it was made."""

    def __init__(self, pid):
        self.pid, self.start = pid, self.cpu(pid)
        with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as f:
            f.write("5")  # the high-water mark begins anew

    @staticmethod
    def cpu(pid):
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            fields = f.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def used(self):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as f:
            peak = [int(line.split()[1]) / 1024 for line in f if line.startswith("VmHWM")]
        return self.cpu(self.pid) - self.start, peak[0]


def one_board(row, image, esptool_js):
    """The image, the same again, and the peer on a board of its own."""
    with used_boards(1) as bench:
        firmware = upload(bench.gate, image)
        order = {"kind": "flash", "slot": bench.slot(bench.boards[0], flash_baud=BAUD), "firmware": firmware}
        first, jobs = run_all(bench.gate, [order])
        again, same = run_all(bench.gate, [order])
        write, wire = jobs[0]["result"]["write"], step_s(jobs[0], "write")
        if bench.boards[0].flash_bytes(0, len(image)) != image:
            raise AssertionError("the flash holds something else")
        if same[0]["result"]["write"]["written_bytes"]:
            raise AssertionError("the same image was written again")
    packed = len(zlib.compress(image, 9))
    least = packed * 10 / BAUD
    row("4 MB factory image: compressed by zlib at its best", packed, "bytes")
    row("4 MB factory image: bytes to the board", write["bytes_out"], "bytes")
    row("4 MB factory image: step write", round(wire, 2), "s")
    row("4 MB factory image: step write / wire time of its compressed bytes", round(wire / least, 3), "x", 1.10, "above")
    row("4 MB factory image: whole job, with connect, diff, verify, boot", round(first, 2), "s")
    row("the same image again / the first, whole jobs", round(again / first, 3), "x", 0.15, "above")
    with harness.Bench([dict(PACED, firmware="none")], broker=False, gate=False) as bench:
        path = os.path.join(bench.folder, "factory.bin")
        with open(path, "wb") as f:
            f.write(image)
        peer = esptool_js(bench, bench.boards[0], ["--baud", str(BAUD)], ["0x0", path])
    row("peer esptool-js, 4 MB: bytes to the board", peer["write_bytes_out"], "bytes")
    row("peer esptool-js, 4 MB: write and verify", round(peer["write_ms"] / 1000, 2), "s")
    row("peer esptool-js, 4 MB: reset, detection, stub, write, verify",
        round((peer["connect_ms"] + peer["write_ms"]) / 1000, 2), "s")


def many_boards(row, image, counts=(1, 8, 32)):
    """All at once; each count on boards of its own."""
    alone = None
    for n in counts:
        with used_boards(n) as bench:
            firmware = upload(bench.gate, image)
            slots = [bench.slot(b, flash_baud=BAUD) for b in bench.boards]
            meter = Meter(bench.gate.child.process.pid)
            wall, _ = run_all(bench.gate, [{"kind": "flash", "slot": s, "firmware": firmware} for s in slots])
            cpu, memory = meter.used()
            for board in bench.boards:
                if board.flash_bytes(0, len(image)) != image:
                    raise AssertionError(f"the flash of {board.name} holds something else")
        alone = alone or wall
        what = f"4 MB to {n} board{'s' if n > 1 else ''} at once"
        row(f"{what}: wall", round(wall, 2), "s")
        if n > 1:
            row(f"{what} / one", round(wall / alone, 3), "x", 1.15, "above")
        row(f"{what}: CPU of espgate", round(cpu, 2), "s")
        row(f"{what}: RSS of espgate at most", round(memory, 1), "MB", 40, "above")


def random_fault(chance):
    """A byte of those that a write sends, lost or flipped, once."""
    return f"{chance.choice(('drop', 'flip'))}-byte:download:{chance.randrange(1, 9000)}@once"


def fault_run(row, writes=1000, boards=8):
    """Small images over and over, in every tenth job a byte is lost or flipped. Each ends verified, or failed with a
    cause; after each the whole flash is looked at."""
    chance = random.Random(1)
    verified = failed = wrong = faulted = again = 0
    codes = {}
    with harness.Bench(boards, broker=False) as bench:
        slots = [bench.slot(b) for b in bench.boards]
        files = [random.Random(k).randbytes(6000) for k in range(16)]
        ids = [upload(bench.gate, f) for f in files]
        held = [bytearray(b.flash_bytes(0, 4 * MB)) for b in bench.boards]
        for done in range(0, writes, boards):
            jobs = []
            for k, board in enumerate(bench.boards):
                board.clear_faults()
                if (done + k) % 10 == 0:
                    board.fault(random_fault(chance))
                    faulted += 1
                which, at = chance.randrange(len(ids)), 0x80000 + 0x2000 * chance.randrange(8)
                order = {"kind": "flash", "slot": slots[k], "images": [{"firmware": ids[which], "offset": at}]}
                jobs.append((k, which, at, bench.gate.create_job(order)))
            for k, which, at, job in jobs:
                ended = bench.gate.wait_job(job)
                now = bench.boards[k].flash_bytes(0, 4 * MB)
                want = bytearray(held[k])
                want[at:at + 0x2000] = files[which] + b"\xff" * (0x2000 - len(files[which]))
                if ended["state"] == "succeeded":
                    verified += 1
                    wrong += now != want
                    again += ended["result"]["write"]["retries"]
                else:
                    failed += 1
                    codes[ended["error"]["code"]] = codes.get(ended["error"]["code"], 0) + 1
                held[k] = bytearray(now)
    row(f"fault run over HTTP: {writes} writes, {faulted} with a byte lost or flipped: verified", verified, "writes")
    row("fault run over HTTP: tries of a region more than one", again, "tries")
    row("fault run over HTTP: failed with a cause" + (f" {codes}" if codes else ""), failed, "writes")
    row("fault run over HTTP: called good and wrong somewhere in the flash", wrong, "writes", 0, "above")


def figures(row, esptool_js):
    image = firmware_files.esp_at("esp32-v2.4", 1300 * 1024).factory()
    one_board(row, image, esptool_js)
    many_boards(row, image)
    fault_run(row)
