"""Replays what a real ESP-AT V2.0 was seen to say, byte for byte, against the simulated firmware.

Per port, all bytes between two host writes are compared. What may differ is filtered by name here, and
nothing else is: log times, heap figures, the watchdog lines of a loaded emulator, the stations that
joined the emulated access point. The recorder itself lost bytes of long bursts (a 1232-byte read shows
509 bytes): there, what it kept must be what the board says with pieces left out, and the board's own
bytes are compared with the flash file instead."""
import glob
import json
import os
import re
import time
import unittest

from simboard import Board, DATA, PATIENCE

PARTITION = {"client_cert": 0x2A000, "mqtt_cert": 0x37000, "mqtt_key": 0x39000, "mqtt_ca": 0x3B000}
SILENCE = 0.15  # s that a host write without an answer is given to produce one after all


def load(path):
    """[(host port, host bytes, notes, {port: board bytes until the next host write})]"""
    steps = [(None, b"", [], {"at": b"", "log": b""})]
    notes = []
    with open(path) as f:
        for line in f:
            e = json.loads(line)
            if "note" in e:
                notes.append(e["note"])
            elif e.get("dir") == "host":
                steps.append((e["port"], bytes.fromhex(e["hex"]), notes, {"at": b"", "log": b""}))
                notes = []
            elif e.get("dir") == "board":
                steps[-1][3][e["port"]] += bytes.fromhex(e["hex"])
    return steps


def filtered(port, data):
    if port == "at":
        data = re.sub(rb'\+STA_(DIS)?CONNECTED:"[0-9a-f:]{17}"\r\n', b"", data)
        return re.sub(rb"\+SYSRAM:\d+", b"+SYSRAM:(heap)", data)
    data = re.sub(rb"\x1b\[0;31mE \(\d+\) task_wdt:[^\r]*\r\n", b"", data)
    return re.sub(rb"([EWI]) \(\d+\)", rb"\1 (time)", data)


def is_thinned(kept, whole):
    """Can `kept` be made from `whole` by leaving bytes out?"""
    rest = iter(whole)
    return all(b in rest for b in kept)


TABLE = re.compile(rb"(?<=boot: Partition Table:)(.*?)(?=boot: End of partition table)", re.S)
READ = re.compile(rb"\+SYSFLASH:(\d+),(.*)\r\nOK\r\n\Z", re.S)


class Transcript(unittest.TestCase):
    maxDiff = None

    def compare_log(self, recorded, said):
        """The table that the bootloader prints came through the recorder with holes."""
        holes, whole = TABLE.findall(recorded), TABLE.findall(said)
        for h, w in zip(holes, whole):
            self.assertTrue(is_thinned(h, w), "%r\nis not part of\n%r" % (h, w))
        self.assertEqual(len(holes), len(whole))
        self.assertEqual(TABLE.sub(b"", recorded), TABLE.sub(b"", said))

    def compare_read(self, board, sent, recorded, said):
        """A read of which the recorder lost a part."""
        kept, full = READ.match(recorded), READ.match(said)
        self.assertTrue(full, said)
        name, offset, n = re.match(rb'AT\+SYSFLASH=2,"(\w+)",(\d+),(\d+)', sent).groups()
        stored = board.flash_bytes(PARTITION[name.decode()] + int(offset), int(n))
        self.assertEqual(full.group(1), kept.group(1))
        self.assertEqual(full.group(2), stored)
        self.assertTrue(is_thinned(kept.group(2), full.group(2)))

    def compare(self, board, sent, port, recorded, said):
        recorded, said = filtered(port, recorded), filtered(port, said)
        read = READ.match(recorded) if port == "at" else None
        if port == "log":
            self.compare_log(recorded, said)
        elif read and len(read.group(2)) < int(read.group(1)):
            self.compare_read(board, sent, recorded, said)
        else:
            self.assertEqual(recorded, said)

    def take(self, board, step):
        """Let the board speak until it has said what was recorded (then a little longer)."""
        _, sent, _, recorded = step
        end = time.monotonic() + PATIENCE
        while True:
            board.at.pump(0.02)
            board.log.pump(0.02)
            said = {"at": board.at.seen, "log": board.log.seen}
            try:
                for port in ("at", "log"):
                    self.compare(board, sent, port, recorded[port], said[port])
                # What comes late from here on stands at the head of the next step, and fails it.
                board.at.seen = board.log.seen = b""
                return
            except AssertionError:
                if time.monotonic() > end:
                    raise

    def replay(self, path):
        board = Board(firmware="2.0")
        try:
            for step in load(path):
                port, sent, notes, recorded = step
                for note in notes:
                    change = re.match(r"host changes its line speed to (\d+)", note)
                    if change:
                        board.at.set_baud(int(change.group(1)))
                if port:
                    board.at.write(sent)
                with self.subTest(sent=sent[:60]):
                    if not recorded["at"] and not recorded["log"]:
                        time.sleep(SILENCE)
                    self.take(board, step)
            time.sleep(SILENCE)
            self.take(board, (None, b"", [], {"at": b"", "log": b""}))
        finally:
            board.stop()


def add(path):
    name = os.path.splitext(os.path.basename(path))[0]
    setattr(Transcript, "test_" + name.replace("-", "_"), lambda self: self.replay(path))


PATHS = sorted(glob.glob(os.path.join(DATA, "at-transcripts", "v20-*.jsonl")))
for _path in PATHS:
    add(_path)


class Complete(unittest.TestCase):
    def test_all_recordings_are_there(self):
        self.assertEqual(6, len(PATHS))


if __name__ == "__main__":
    unittest.main()
