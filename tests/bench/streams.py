"""A thousand event streams of everything while 32 boards are written to: how late an event comes to each client, and
what the streams cost in memory. The boards' wires take their time; the clients run on the same computer.
"""
import json
import os
import random
import subprocess

import harness
import whole_flash

STREAMS, BOARDS = 1000, 32
IMAGE = random.Random(5).randbytes(1 << 20)  # 12 s on the wire
BENCH = os.path.join(harness.BIN, "tests", "bench", "bench_streams")


def memory_mb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return [int(line.split()[1]) / 1024 for line in f if line.startswith("VmRSS")][0]


class Clients:
    """The streams, open until said() is called."""

    def __init__(self, gate, count):
        self.process = subprocess.Popen([BENCH, str(gate.port), str(count), gate.token], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        if self.process.stdout.readline() != "open\n":
            raise AssertionError("the streams were not opened")

    def said(self):
        out = self.process.communicate(timeout=60)[0]
        return json.loads(out)


def figures(row):
    with harness.Bench([whole_flash.PACED] * BOARDS, broker=False) as bench:
        pid = bench.gate.child.process.pid
        firmware = whole_flash.upload(bench.gate, IMAGE)
        orders = [{"kind": "flash", "slot": bench.slot(b, flash_baud=whole_flash.BAUD),
                   "images": [{"firmware": firmware, "offset": 0x280000}]}
                  for b in bench.boards]
        before = memory_mb(pid)
        clients = Clients(bench.gate, STREAMS)
        opened = memory_mb(pid)
        meter = whole_flash.Meter(pid)
        wall, _ = whole_flash.run_all(bench.gate, orders)
        cpu, memory = meter.used()
        said = clients.said()
    if said["ended"] or said["gaps"] or not said["told"]:
        raise AssertionError(f"streams were cut off or missed something: {said}")
    what = f"{STREAMS} event streams"
    row(f"{what}: RSS of espgate for each", round((opened - before) * 1024 / STREAMS, 1), "KiB")
    row(f"{what} while {BOARDS} boards are written: RSS of espgate at most", round(memory, 1), "MB", 40, "above")
    row(f"{what}: events told to clients", round(said["told"] / wall), "1/s")
    row(f"{what}: CPU of espgate, of one core", round(cpu / wall, 2), "x")
    row(f"{what}: from event to client, p50", said["p50_ms"], "ms")
    row(f"{what}: from event to client, p99", said["p99_ms"], "ms", 50, "above")
    row(f"{what}: from event to client, at most", said["most_ms"], "ms")
