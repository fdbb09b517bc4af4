"""The recorded sessions with the real ROM loaders, replayed: host bytes are sent as they were, and
what the board sends between two host writes must be what the real ROM sent, byte for byte. (The
recordings may differ in stale bytes by the rules; this board's do not, so nothing is masked.)"""
import glob
import json
import os
import random
import re
import unittest

import espboard

TRANSCRIPTS = os.path.join(espboard.ROOT, "tests/data/rom-transcripts/*.jsonl")
SILENCE = 0.05  # how long a board that should say nothing is listened to
# By the beginning of the file's name: the board that was recorded.
BOARDS = {"rom": (), "c3": ("--chip", "esp32c3", "--mac", "c4:0a:24:fe:10:01")}


def spans(path):
    """[(host bytes, board bytes, host's new speed or None)…]; the first may have no host bytes."""
    result = [[b"", b"", None]]
    with open(path, encoding="utf-8") as f:
        lines = [json.loads(line) for line in f]
    for line in lines:
        speed = re.search(r"(?:line speed|host goes) to (\d+)", line.get("note", ""))
        if speed:
            result.append([b"", b"", int(speed[1])])
        elif line.get("dir") == "host":
            result.append([bytes.fromhex(line["hex"]), b"", None])
        elif line.get("dir") == "board":
            result[-1][1] += bytes.fromhex(line["hex"])
    return result


def used_flash(path):
    """What the flash held when the recording began, None when it was erased."""
    with open(path, encoding="utf-8") as f:
        flash = json.loads(f.readline())["meta"].get("flash", "")
    seed = re.search(r"random\.Random\((\d+)\)\.randbytes\((\d+)\)", flash)
    return random.Random(int(seed[1])).randbytes(int(seed[2])) if seed else None


class Replay(unittest.TestCase):
    maxDiff = None

    def replay(self, path):
        session = spans(path)
        # Two recordings begin after power-on: there the text that the others record is dropped.
        boot_text = session[0][1]
        options = BOARDS[os.path.basename(path).split("-")[0]]
        with espboard.Board("--boot", "download", *options, flash=used_flash(path)) as board:
            port = board.open()
            text = port.read_until(board.ready_text)
            if boot_text:
                self.assertEqual(boot_text, text)
            for n, (host, expected, speed) in enumerate(session[1:]):
                if speed:
                    port.set_baud(speed)
                port.write(host)
                got = port.read(len(expected)) if expected else port.read(1, SILENCE)
                self.assertEqual(expected.hex(" "), got.hex(" "),
                                 f"answer to host write {n}: {host[:40].hex(' ')}")
            self.assertEqual(b"", port.read(1, SILENCE), "more than was recorded")


def _method(path):
    return lambda self: self.replay(path)


FILES = sorted(glob.glob(TRANSCRIPTS))
for _path in FILES:
    _name = os.path.basename(_path)[:-6].replace("-", "_")
    setattr(Replay, "test_" + _name, _method(_path))


class Complete(unittest.TestCase):
    def test_all_recordings_are_there(self):
        self.assertEqual(20, len(FILES))


if __name__ == "__main__":
    unittest.main()
