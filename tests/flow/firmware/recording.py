"""The recorded sessions of a real module, cut into cases that stand for themselves, and their replay.

What the board says is compared byte by byte with what was recorded between two host writes. Addresses and ports
are put in for the recorded ones, clock readings and signal strengths are masked; nothing else may differ. Where
the recorded module paused for 5 s or more, it was its own time-out, and the board must pause as long."""
import collections
import json
import os
import re
import time

from simboard import DATA, PATIENCE

OWN_S = 5.0      # the firmware's time-outs are multiples of this
EARLY_S = 1.0    # a loaded machine hears the beginning late,
LATE_S = 10.0    # and the end
RETRY_S = 10.0   # from a loss until it tries again
CALM_S = 0.03    # between an answer and the next write; the recorded host waited, too
SILENCE_S = 0.3  # what a write that was not answered is given to be answered after all

Step = collections.namedtuple("Step", "sent ms notes said")  # said: [(ms, what the AT port said)]


def steps(name):
    """The host's writes to the AT port, each with the notes before it and what came until the next."""
    out, notes = [Step(b"", 0, [], [])], []
    with open(os.path.join(DATA, "at-transcripts", name + ".jsonl"), encoding="utf-8") as f:
        for line in f:
            e = json.loads(line)
            if "note" in e and acts_on_board(e["note"]):
                out.append(Step(b"", e["ms"], notes + [e["note"]], []))
                notes = []
            elif "note" in e:
                notes.append(e["note"])
            elif e.get("dir") == "host":
                out.append(Step(bytes.fromhex(e["hex"]), e["ms"], notes, []))
                notes = []
            elif e.get("port") == "at":
                out[-1].said.append((e["ms"], bytes.fromhex(e["hex"])))
    return out


def acts_on_board(note):
    """Is it about something that was done to the board from outside, and that it answers?"""
    return re.match(r"host publishes|broker (killed|started|ended)", note) is not None


def cases(name):
    """(what every case begins with, {case: its steps}). A case of MQTT ends with AT+MQTTCLEAN, which leaves nothing
    behind; other sessions are one."""
    preamble, rest = [], steps(name)
    if not name.startswith("v41-mqtt"):
        return [], {"all": rest}
    while not rest[0].notes and not rest[0].sent.startswith((b"AT+MQTT", b"AT+SYSMFG")):
        preamble.append(rest.pop(0))
    found, now = {}, []
    for step in rest:
        now.append(step)
        if step.sent.startswith(b"AT+MQTTCLEAN"):
            found[title(now, found)], now = now, []
    if now:
        found[title(now, found)] = now
    return preamble, found


def title(case, taken):
    notes = [note for step in case for note in step.notes if not acts_on_board(note)]
    scheme = re.search(rb"USERCFG=0,(\d)", b"".join(step.sent for step in case))
    words = (notes or ["as usual"])[0] + (" scheme %s" % scheme[1].decode() if scheme else "")
    words = re.sub(r"\W+", "_", words).strip("_").lower()
    return words if words not in taken else "%s_%d" % (words, len(taken))


CLOCK = re.compile(rb"(?<=\+CIPSNTPTIME:)\w{3} \w{3} [ \d]\d (\d\d):\d\d:\d\d")
STAMP = re.compile(rb"(?<=\+SYSTIMESTAMP:)\d{10}")
FOUND = re.compile(rb'(?<=\+CWLAP:\(0,")(\w+)",-\d\d,"[0-9a-f:]{17}",\d+')
JOINED = re.compile(rb'(?<=\+CWJAP:")(\w+)","[0-9a-f:]{17}",\d+,-\d\d')


def masked(said):
    """Without what no two sessions have in common."""
    for pattern, keep in ((CLOCK, rb"day \1 hours"), (STAMP, rb"stamp"), (FOUND, rb"\1"), (JOINED, rb"\1")):
        said = pattern.sub(keep, said)
    return said


COUNTED = re.compile(rb'\+MQTTSUBRECV:0,"[^"]+",(\d+),|\+SYSMFG:"\w+","\w+",8,(\d+),')


def is_whole(said):
    """The recorder lost bytes of long bursts: is all data there that is announced?"""
    at = 0
    while (head := COUNTED.search(said, at)) is not None:
        at = head.end() + int(head[1] or head[2])
        if said[at:at + 2] != b"\r\n":
            return False
    return True


def is_thinned(kept, whole):
    """Can `kept` be made from `whole` by leaving bytes out?"""
    rest = iter(whole)
    return all(b in rest for b in kept)


def has_come(moves, said, before):
    """Since the last start."""
    _, start, rest = said.rpartition(b"ready\r\n")
    return bool(moves.search(rest)) or (before and not start)


class Replay:
    """One case on one board. translate: recorded bytes as they are here. actions: {note: function of this replay},
    called where the note stands. quiet: {what was written: seconds that nothing may be said}. moves: what may come at
    any other place, too. turns: answers are other ones after that; the session has both. skip: the times of writes
    that say nothing about a real module."""

    def __init__(self, test, board, translate, actions, quiet=(), moves=None, turns=False, skip=()):
        self.test, self.board, self.translate, self.actions = test, board, translate, actions
        self.quiet, self.moves, self.skip = dict(quiet), moves or re.compile(b"(?!)"), skip
        self.heard = []     # (seconds, what the AT port said) since the last write
        self.moved = []     # what of it may move, of the whole case
        self.turns = turns
        self.answers = {}   # {(what was written, had that come?): what was answered}
        self.came = False
        self.then = None    # (what the board says, function to call then)
        self.lost_at = None

    def pump(self, seconds):
        self.board.at.pump(seconds)
        data, self.board.at.seen = self.board.at.seen, b""
        if data:
            self.heard.append((time.monotonic(), data))
        if b"+MQTTDISCONNECTED" in data:
            self.lost_at = time.monotonic()
        if self.then and self.then[0] in self.raw():
            call, self.then = self.then[1], None
            call()

    def raw(self):
        return b"".join(data for _, data in self.heard)

    def said(self):
        return masked(self.moves.sub(b"", self.raw()))

    def run(self, all_steps):
        all_steps = [step for step in all_steps if step.ms not in self.skip]
        if self.turns:
            self.read_answers(all_steps)
        for step in all_steps:
            for note in step.notes:
                if note in self.actions:
                    self.actions[note](self)
            if self.turns and step.sent.startswith(b"AT+RST"):  # behind it, it would not come any more
                self.listen(time.monotonic() + PATIENCE, lambda: has_come(self.moves, self.raw(), self.came))
            if step.sent:
                self.board.at.write(self.translate(step.sent))
            self.step(step, time.monotonic())
        recorded = self.moves.findall(b"".join(data for step in all_steps for _, data in step.said))
        self.listen(time.monotonic() + PATIENCE,
                    lambda: len(self.moved + self.moves.findall(self.raw())) == len(recorded))
        self.step(Step(b"", 0, [], []), time.monotonic())
        self.test.assertEqual(self.moved, recorded)

    def read_answers(self, all_steps):
        came = False
        for step in all_steps:
            said = b"".join(data for _, data in step.said)
            if step.sent:
                self.answers[step.sent, came or bool(self.moves.match(said))] = said
            came = has_come(self.moves, said, came)

    def wanted(self, step):
        said = b"".join(data for _, data in step.said)
        said = self.answers.get((step.sent, self.came or bool(self.moves.match(self.raw()))), said)
        return masked(self.moves.sub(b"", self.translate(said)))

    def is_answered(self, step):
        want = self.wanted(step)
        return self.said() == want if is_whole(want) else is_whole(self.said()) and is_thinned(want, self.said())

    def step(self, step, began):
        if self.wanted(step):
            self.listen(began + PATIENCE, lambda: self.is_answered(step))
        else:
            self.listen(began + self.quiet.get(step.sent, SILENCE_S))
        self.listen(time.monotonic() + CALM_S)
        if not self.is_answered(step):
            self.test.assertEqual(self.said(), self.wanted(step), "after %r" % step.sent[:80])
        if is_whole(self.wanted(step)):
            self.compare_times(step, began)
        self.moved += self.moves.findall(self.raw())
        self.came = has_come(self.moves, self.raw(), self.came)
        self.heard = []

    def listen(self, end, enough=lambda: False):
        while time.monotonic() < end and not enough():
            self.pump(min(0.2, max(0.0, end - time.monotonic())))

    def compare_times(self, step, began):
        """The pauses of the recorded module that were its own."""
        recorded, at, place = step.ms, began, 0
        for ms, data in step.said:
            came = self.came_at(place)
            own = (ms - recorded + 100) / 1000 // OWN_S * OWN_S
            if own and data.startswith((b"\r\nERROR", b"+MQTTDISCONNECTED", b"+CWJAP:")):
                self.test.assertGreater(came - at, own - EARLY_S, data)
                self.test.assertLess(came - at, own + LATE_S, data)
            if data.startswith(b"+MQTTCONNECTED") and not step.sent.startswith(b"AT+MQTTCONN="):
                self.test.assertGreater(came - self.lost_at, RETRY_S - EARLY_S)
            place += len(self.translate(data))
            recorded, at = ms, came

    def came_at(self, place):
        for seconds, data in self.heard:
            if place < len(data):
                return seconds
            place -= len(data)
        return time.monotonic()
