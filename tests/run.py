"""Runs the programs of `make test`, several at a time, and counts their test cases.

run.py BUILD_DIR "UNIT TESTS" "REPLAYERS", with VARIANT in the environment. One line a program and what it measured
(lines that begin with "* "), the whole output of those that fail, and last of all `N passed, N failed`. A module that
says WAITS = True is long because a board's own times are: its classes all run at once, beside everything else. A test
that did not run counts as failed: a crash takes all that came after it along, and a skip is no pass. VARIANT=tsan runs
only what has several threads, and may skip.
"""
import ast
import collections
import concurrent.futures
import fcntl
import glob
import hashlib
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAMS_AT_ONCE = 2 * (os.cpu_count() or 1)  # half of their time or more they wait
WAITING_AT_ONCE = 4
# Far more than any needs: what hangs is ended and counts as failed.
PROGRAM_S = int(os.environ.get("TEST_PROGRAM_S", "900"))
TSAN_UNITS = ("jobs", "store", "api", "port", "cloud", "hooks", "register")
SANITIZERS = {
    "ASAN_OPTIONS": "max_free_fill_size=1048576:free_fill_byte=90:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": f"second_deadlock_stack=1:suppressions={ROOT}/tests/tsan.supp",
}

Program = collections.namedtuple("Program", "name argv count waits", defaults=[False])
Tally = collections.namedtuple("Tally", "passed failed")


# ---- counting; each gets what a program said, how it ended, and the file it may have left ----

def count_cmocka(output, status, _report):
    """All tests of all groups less those that said OK; a skip or a crash says nothing."""
    total = sum(int(n) for n in re.findall(r"\[={10}\] Running (\d+) test\(s\)", output))
    passed = len(re.findall(r"\[       OK \] ", output))
    skipped = len(set(re.findall(r"\[  SKIPPED \] (\w+)\n", output))) if may_skip() else 0
    failed = max(total - passed - skipped, 0)
    return honest(Tally(passed, failed), status)


def count_one(_output, status, _report):
    return Tally(1, 0) if status == 0 else Tally(0, 1)


def count_unittest(_output, status, report):
    try:
        with open(report, encoding="utf-8") as f:
            said = json.load(f)
    except (OSError, ValueError):
        return Tally(0, 1)
    failed = said["failed"] + (0 if may_skip() else said["skipped"])
    return honest(Tally(said["passed"], failed), status)


def honest(tally, status):
    """Neither a program that tested nothing nor one that ended badly (a leak at its exit) has passed."""
    if tally.failed == 0 and (status != 0 or tally.passed == 0) and not (status == 0 and may_skip()):
        return Tally(tally.passed, 1)
    return tally


def may_skip():
    return os.environ.get("VARIANT") == "tsan"


# ---- what there is to run ----

def unit_programs(paths):
    for path in paths:
        folder, stem = path.split(os.sep)[-2:]
        if not may_skip() or folder in TSAN_UNITS:
            yield Program(f"unit/{folder}/{stem}", [os.path.abspath(path)], count_cmocka)


def replay_programs(paths):
    for path in [] if may_skip() else paths:
        name = os.path.basename(path)
        corpus = os.path.join(ROOT, "tests", "fuzz", "corpus", name.removeprefix("replay_"))
        yield Program(f"fuzz/{name}", [os.path.abspath(path), corpus], count_one)


def says(path, word):
    """Does the module have WORD = True?"""
    with open(path, encoding="utf-8") as f:
        body = ast.parse(f.read(), path).body
    return any(isinstance(n, ast.Assign) and isinstance(n.value, ast.Constant) and n.value.value is True
               and any(getattr(t, "id", None) == word for t in n.targets) for n in body)


def python_roots():
    return os.environ.get("TEST_ROOTS", "tests/flow:tests/contract").split(":")


def python_programs():
    for root in python_roots():
        for path in sorted(glob.glob(os.path.join(ROOT, root, "**", "test_*.py"), recursive=True)):
            if "node_modules" in path or (may_skip() and not says(path, "CONCURRENT")):
                continue
            name = os.path.relpath(path, os.path.join(ROOT, "tests")).removesuffix(".py")
            yield Program(name, module_argv(path), count_unittest, says(path, "WAITS"))


def module_argv(path, *classes):
    return [sys.executable, os.path.abspath(__file__), "--module", path, *classes]


def npm_programs(build):
    """Other people's clients, installed once into the build folder."""
    want = os.path.join(ROOT, python_roots()[0], "package.json")
    if os.path.exists(want) and not may_skip():
        yield Program("npm ci", [sys.executable, os.path.abspath(__file__), "--npm", os.path.dirname(want),
                                 os.path.join(os.path.dirname(os.path.abspath(build)), "npm")], count_one)


# ---- sub-programs of this file ----

def install_npm(source, target):
    os.makedirs(target, exist_ok=True)
    with open(os.path.join(target, "lock"), "w", encoding="ascii") as lock:  # tests run side by side
        fcntl.flock(lock, fcntl.LOCK_EX)
        return install_npm_alone([os.path.join(source, name) for name in ("package.json", "package-lock.json")], target)


def install_npm_alone(files, target):
    """Where the right ones are there nothing is touched: others may be using them."""
    digest = hashlib.sha256()
    for path in files:
        with open(path, "rb") as f:
            digest.update(f.read())
    stamp = os.path.join(target, "installed")
    if os.path.exists(stamp):
        with open(stamp, encoding="ascii") as f:
            if f.read() == digest.hexdigest():
                return 0
        os.unlink(stamp)
    for path in files:
        shutil.copy(path, target)
    status = subprocess.call(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=target)
    if status == 0:
        with open(stamp, "w", encoding="ascii") as f:
            f.write(digest.hexdigest())
    return status


class CountingResult(unittest.TextTestResult):
    passed = 0

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1

    def failed(self):
        """A test with several failing parts is one; a class that cannot be set up is one, too."""
        bad = [test for test, _ in self.failures + self.errors + self.expectedFailures]
        return len({getattr(test, "test_case", test).id() for test in bad + self.unexpectedSuccesses})


def run_module(path, only=None):
    """One file of unittest cases, or one class of it; what came of them goes into the file $TEST_REPORT."""
    for folder in (ROOT, os.path.join(ROOT, "tests", "flow"), os.path.dirname(path)):
        sys.path.insert(0, folder)
    name = os.path.splitext(os.path.basename(path))[0]
    suite = unittest.defaultTestLoader.loadTestsFromName(f"{name}.{only}" if only else name)
    if not only and says(path, "WAITS"):
        return run_classes(path, sorted({type(test).__name__ for case in suite for test in case}))
    result = unittest.TextTestRunner(verbosity=2, stream=sys.stdout, resultclass=CountingResult).run(suite)
    tell_report({"passed": result.passed, "failed": result.failed(), "skipped": len(result.skipped)})
    return 0 if result.wasSuccessful() else 1


def tell_report(report):
    with open(os.environ["TEST_REPORT"], "w", encoding="utf-8") as f:
        json.dump(report, f)


def run_classes(path, classes):
    """All classes of a module at once. One that leaves no report leaves the module without one, too."""
    sums = collections.Counter(passed=0, failed=0, skipped=0)
    running = []
    for name in classes:
        report = f"{os.environ['TEST_REPORT']}-{name}"
        log = tempfile.TemporaryFile()
        running.append((report, log, subprocess.Popen(module_argv(path, name), stdout=log, stderr=subprocess.STDOUT,
                                                      env=dict(os.environ, TEST_REPORT=report))))
    worst = max(abs(child.wait()) for _, _, child in running)
    for report, log, _ in running:
        log.seek(0)
        sys.stdout.buffer.write(log.read())
        log.close()
    sys.stdout.flush()
    for report, _, _ in running:
        with open(report, encoding="utf-8") as f:
            sums.update(json.load(f))
    tell_report(sums)
    return worst


# ---- the runner ----

def run_program(program, env, folder):
    """(tally, output, seconds); its whole process group is ended with it."""
    report = os.path.join(folder, re.sub(r"\W", "_", program.name))
    began = time.monotonic()
    with open(report + ".log", "w+b") as log:
        try:
            child = subprocess.Popen(program.argv, cwd=ROOT, env=dict(env, TEST_REPORT=report), stdout=log,
                                     stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True)
            try:
                status, why = child.wait(PROGRAM_S), ""
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                status, why = child.wait(), f"\nended after {PROGRAM_S} s\n"
        except OSError as e:
            status, why = 127, f"{e}\n"
        log.seek(0)
        output = log.read().decode("utf-8", "backslashreplace") + why
    if status not in (0, 1):
        output += f"\nended with {signal.Signals(-status).name if status < 0 else status}\n"
    return program.count(output, status, report), output, time.monotonic() - began


def tell(program, tally, output, seconds):
    cases = tally.passed + tally.failed
    verdict = f"{tally.failed} of {cases} FAILED" if tally.failed else "ok"
    print(f"  {program.name:<44} {cases:4} case{' ' if cases == 1 else 's'} {seconds:6.1f} s  {verdict}", flush=True)
    for figure in [] if tally.failed else re.findall(r"^(?:test_.* \.\.\. )?\* (.+)$", output, re.M):
        print(f"      {figure}", flush=True)
    if tally.failed:
        print(f"---- {program.name}\n{output.rstrip()}\n----", flush=True)


def run_all(programs, env):
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="espgate-run-") as folder, \
            concurrent.futures.ThreadPoolExecutor(PROGRAMS_AT_ONCE) as busy, \
            concurrent.futures.ThreadPoolExecutor(WAITING_AT_ONCE) as waiting:
        runs = {(waiting if p.waits else busy).submit(run_program, p, env, folder): p for p in programs}
        for run in concurrent.futures.as_completed(runs):
            tally, output, seconds = run.result()
            tell(runs[run], tally, output, seconds)
            passed += tally.passed
            failed += tally.failed
    return passed, failed


def fix_address_space():
    """gcc 12's TSan cannot place its shadow when the kernel spreads mappings wider than 28 bits."""
    try:
        with open("/proc/sys/vm/mmap_rnd_bits", encoding="ascii") as f:
            wide = int(f.read()) > 28
    except OSError:
        wide = False
    command = ["setarch", platform.machine(), "-R"]
    if wide and may_skip() and "RUN_FIXED" not in os.environ and shutil.which("setarch") \
            and subprocess.call(command + ["true"], stderr=subprocess.DEVNULL) == 0:
        os.environ["RUN_FIXED"] = "1"
        os.execvp(command[0], command + [sys.executable] + sys.argv)


def main(build, units, replayers):
    fix_address_space()
    env = dict(os.environ, BIN_DIR=os.path.abspath(build),
               NODE_PATH=os.path.join(os.path.dirname(os.path.abspath(build)), "npm", "node_modules"))
    for name, value in SANITIZERS.items():
        env[name] = ":".join(v for v in (value, env.get(name)) if v)
    # The longest first, so that none of them is alone at the end.
    rest = [*python_programs(), *unit_programs(units.split()), *replay_programs(replayers.split())]
    browsing = [p for p in rest if "/ui/" in p.name]
    passed = failed = 0
    # A browser takes what processor there is; beside it, what others time would be late.
    for some in (list(npm_programs(build)), [p for p in rest if p not in browsing], browsing):
        more = run_all(some, env)
        passed, failed = passed + more[0], failed + more[1]
    if not rest:
        print("run.sh: there is nothing to run")
        failed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--module"]:
        sys.exit(run_module(*sys.argv[2:4]))
    if sys.argv[1:2] == ["--npm"]:
        sys.exit(install_npm(*sys.argv[2:4]))
    sys.exit(main(*(sys.argv[1:] + ["", ""])[:3]))
