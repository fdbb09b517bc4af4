"""Other people's programs for Node, as package-lock.json names them, in the build folder."""
import os
import subprocess
import sys

FLOW = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(FLOW)
BIN = os.path.abspath(os.environ.get("BIN_DIR", os.path.join(os.path.dirname(TESTS), "build", "asan")))
FOLDER = os.path.join(os.path.dirname(BIN), "npm")


def install():
    """Nothing happens when they are there, as they are under tests/run.py."""
    subprocess.run([sys.executable, os.path.join(TESTS, "run.py"), "--npm", FLOW, FOLDER], check=True,
                   stdout=subprocess.DEVNULL)
