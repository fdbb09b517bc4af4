"""More than twenty kinds of wrong set-up, each on two boards of different releases, one with a download port for the
log and one without: the verdict names the side, the cause and the fix. Right set-ups get no failing verdict. All run
side by side, since the firmware's own time-outs are most of what this takes. A table of what came out is left in
the build folder (verdicts.md)."""
import concurrent.futures
import json
import os
import unittest

import harness
from many_servers import Lab
from setups import RIGHT, WRONG, Run

WAITS = True  # for the times of boards: run.py
AT_ONCE = 40
# release, and is there a download port? The first of the two is always the newest.
BOARDS = ((("4.1", True), ("2.4", False)), (("4.1", False), ("3.4", True)),
          (("4.1", True), ("3.4", False)), (("4.1", False), ("2.4", True)))


def plan(lab, setups):
    for number, setup in sorted(enumerate(setups), key=lambda one: not one[1].slow):
        for firmware, download in BOARDS[number % len(BOARDS)]:
            yield Run(lab, setup, f"{number}-{int(download)}", {"firmware": firmware}, download)


def row(runs):
    """One line of the table; both boards are named where they do not agree."""
    cells = []
    for run in runs:
        v = run.verdict
        said = v.get("evidence", {}).get("board", {})
        answer = " ".join(said.get("said", "").split()) or said.get("code", "") or "OK"
        warnings = "".join(f" (warning: {w['code']})" for w in v.get("warnings", []))
        fix = v.get("fix", "").replace(run.board.mac.replace(":", ""), "MAC")
        cells.append((answer, f"{v.get('side')} / {v.get('code')}, step {v.get('step')}{warnings}", fix))
    said, verdict, fix = (" ; ".join(dict.fromkeys(column)) for column in zip(*cells))
    return f"| {runs[0].setup.what} | {said} | {verdict} | {fix} |\n"


class Verdicts(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.lab = Lab()
        cls.lab.__enter__()
        cls.addClassCleanup(cls.lab.__exit__, None, None, None)
        cls.pool = concurrent.futures.ThreadPoolExecutor(AT_ONCE)
        cls.addClassCleanup(cls.pool.shutdown)
        cls.runs = {run: cls.pool.submit(run) for run in plan(cls.lab, WRONG + RIGHT)}

    @classmethod
    def tearDownClass(cls):
        concurrent.futures.wait(cls.runs.values())
        with open(os.path.join(harness.BIN, "verdicts.md"), "w", encoding="utf-8") as f:
            f.write("| set-up | the board said | verdict | fix |\n|---|---|---|---|\n")
            for setup in WRONG + RIGHT:
                runs = [run for run in cls.runs if run.setup is setup and run.job]
                f.write(row(runs) if runs else "")

    def judge(self, run):
        setup, job, v = run.setup, run.job, run.verdict
        whole = f"{run.name}, {run.seconds:.0f} s\n{json.dumps(job, indent=1)}"
        verdict, steps = setup.expect.split()
        self.assertEqual(f"{v.get('side')}/{v.get('code')}", verdict, whole)
        self.assertIn(str(v.get("step")), steps.split("|"), whole)
        self.assertEqual(tuple(w["code"] for w in v["warnings"]), setup.warns, whole)
        self.assertIn(setup.words, v["detail"] + v["fix"], whole)
        if v["code"] == "works":
            self.assertEqual(job["state"], "succeeded", whole)
            return
        error = job["error"]
        self.assertEqual((job["state"], error["code"], error["step"], error["detail"], error["hint"]),
                         ("failed", v["code"], v["step"], v["detail"], v["fix"]), whole)
        self.assertTrue(v["detail"] and v["fix"], whole)

    def each(self, setups):
        for run, future in self.runs.items():
            if run.setup in setups:
                with self.subTest(run.name):
                    self.judge(future.result())

    def test_wrong_setups(self):
        self.each(WRONG)

    def test_right_setups(self):
        self.each(RIGHT)


if __name__ == "__main__":
    unittest.main()
