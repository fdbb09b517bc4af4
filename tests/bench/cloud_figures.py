"""A hundred registrations at once, then a hundred boards, in an account that is 50 ms away and as strict as AWS: wall,
calls and TLS handshakes beside the least that the account's rates, the way there and the making of keys allow.
"""
import contextlib
import math
import os
import resource
import subprocess
import sys
import time

import harness

sys.path += [os.path.join(harness.ROOT, "tests", "flow", "cloud"), os.path.join(harness.ROOT, "tests", "cloud")]

import rates  # noqa: E402  (of the stand-in)
from standin import Standin  # noqa: E402

THINGS, BOARDS, RTT_MS = 100, 100, 50
LIMIT_S = 300
SHARE = 80  # percent of the account's rates: what espgate takes where nothing is said


@contextlib.contextmanager
def account(bench):
    """A stand-in, known to the bench's espgate as "bench"."""
    standin = Standin(bench.folder, "--rtt", str(RTT_MS))
    try:
        bench.secrets.add(standin.secret_access_key)
        bench.gate.put("/v1/clouds/bench", standin.settings(rate=SHARE)).expect(200, 201)
        yield standin
    finally:
        standin.stop()


class Calls:
    """What the account was called for, and how fast that could have been done."""

    def __init__(self, standin):
        events = standin.journal()
        answered = [e for e in events if e["event"] == "answered"]
        self.all, self.done = len(answered), [e["operation"] for e in answered if e["status"] < 300]
        counts = standin.counts()
        self.throttled, self.handshakes = counts.get("throttled", 0), counts.get("control_handshakes", 0)

    def least_s(self, things, key_s):
        """The way of one thing; and what the slowest of the rates takes for all, evenly, or both cores for their keys."""
        waits = [(self.done.count(o) - 1) / (rates.RATES.get(o, rates.OTHERS) * SHARE / 100) for o in set(self.done)]
        keys = things * key_s / len(os.sched_getaffinity(0))
        return len(self.done) / things * RTT_MS / 1000 + max(keys, *waits)

    def least_handshakes(self, seconds):
        """Connections that are never idle for that long."""
        return max(1, math.ceil(len(self.done) * RTT_MS / 1000 / seconds))


def judge(standin, things):
    """Each thing has one active certificate with its policy, and nothing else is there."""
    state = standin.state()
    certificates = list(state["certificates"].values())
    good = [c for c in certificates if c["status"] == "ACTIVE" and len(c["things"]) == 1 and len(c["policies"]) == 1]
    owners = {c["things"][0] for c in good}
    if not len(certificates) == len(good) == len(owners) == len(state["things"]) == things:
        raise AssertionError(f"{len(state['things'])} things, {len(certificates)} certificates, {len(good)} as they should be")


def key_s(kind, keys=20):
    """CPU that openssl takes for one."""
    argv = {"RSA-2048": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"], "P-256": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"]}
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    for _ in range(keys):
        subprocess.run(["openssl", "genpkey", "-algorithm", *argv[kind]], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
    return (resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before) / keys


def tell(row, what, standin, wall, things, kind):
    judge(standin, things)
    calls = Calls(standin)
    one = key_s(kind)
    least = calls.least_s(things, one)
    what += f", {kind}"
    row(f"{what}: wall", round(wall, 2), "s")
    row(f"{what}: least possible, by rates, round trips and {round(one * 1000)} ms of CPU for a key", round(least, 2), "s")
    # Two cores that make RSA keys have nothing left for the boards and the stand-in, which run on them, too.
    row(f"{what}: wall / least", round(wall / least, 2), "x", 1.3 if kind == "P-256" else None, "above")
    row(f"{what}: calls", calls.all, "calls")
    row(f"{what}: calls refused by the account's rates", calls.throttled, "calls", 0, "above")
    row(f"{what}: TLS handshakes", calls.handshakes, "handshakes", 8, "above")
    row(f"{what}: TLS handshakes, least possible in that time", calls.least_handshakes(wall), "handshakes")


def registrations(row, kind):
    """Without boards: POST /v1/registrations."""
    with harness.Bench(0, broker=False) as bench, account(bench) as standin:
        start = time.monotonic()
        ids = [bench.gate.post("/v1/registrations", {"cloud": {"name": "bench", "thing": f"thing-{n}", "key": kind}})
               .expect(201, 202).json["id"] for n in range(THINGS)]
        for one in ids:
            while (got := bench.gate.get(f"/v1/registrations/{one}").expect(200).json)["state"] != "active":
                if got["state"] not in ("registering", "registered") or time.monotonic() - start > LIMIT_S:
                    raise AssertionError(got)
        wall = time.monotonic() - start
        tell(row, f"{THINGS} registrations at once, {RTT_MS} ms away", standin, wall, THINGS, kind)


def boards(row, kind):
    """The main job: each board is registered, written to, verified, and its certificate activated."""
    with harness.Bench(BOARDS, broker=False) as bench, account(bench) as standin:
        slots = [bench.slot(b) for b in bench.boards]
        start = time.monotonic()
        ids = [bench.gate.create_job({"kind": "provision", "slot": s, "method": "rom", "check": "none",
                                      "cloud": {"name": "bench", "thing": "board-{mac}", "key": kind}}) for s in slots]
        jobs = [bench.gate.wait_job(i, LIMIT_S) for i in ids]
        wall = time.monotonic() - start
        for job in jobs:
            if job["state"] != "succeeded":
                raise AssertionError(job)
        tell(row, f"{BOARDS} boards registered and written at once, {RTT_MS} ms away", standin, wall, BOARDS, kind)


def figures(row):
    registrations(row, "P-256")
    boards(row, "P-256")
    boards(row, "RSA-2048")
