"""Modules of the dashboard that need no page, by node's own test runner."""
import json
import os
import shutil
import subprocess
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))


class ModulesTest(unittest.TestCase):
    def test_flow(self):
        self.run_node("flow.test.mjs")

    def test_transcript(self):
        self.run_node("transcript.test.mjs")

    def test_log_window(self):
        self.run_node("log_window.test.mjs")

    def run_node(self, name):
        """In a copy that says what a browser knows by itself: these .js files are modules."""
        with tempfile.TemporaryDirectory(prefix="espgate-ui-") as folder:
            shutil.copytree(os.path.join(ROOT, "api", "ui"), os.path.join(folder, "api", "ui"))
            tests = os.path.join(folder, "tests", "flow", "ui")
            os.makedirs(tests)
            shutil.copy(os.path.join(HERE, name), tests)
            with open(os.path.join(folder, "package.json"), "w", encoding="ascii") as f:
                json.dump({"type": "module"}, f)
            done = subprocess.run(["node", "--test", os.path.join(tests, name)], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=120, check=False)
        text = done.stdout.decode()
        self.assertEqual(done.returncode, 0, text)
        self.assertRegex(text, r"(?m)^# pass [1-9]")


if __name__ == "__main__":
    unittest.main()
