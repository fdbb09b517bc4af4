"""run.sh counts what it runs: whatever is not a pass fails the run, and shows."""
import os
import subprocess
import tempfile
import textwrap
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

GOOD = """
    echo '[==========] Running 2 test(s).'
    echo '[ RUN      ] a'; echo '[       OK ] a'
    echo '[ RUN      ] b'; echo '[       OK ] b'
    echo '[==========] 2 test(s) run.'
    echo '[  PASSED  ] 2 test(s).'
"""
ONE_FAILS = """
    echo '[==========] Running 2 test(s).'
    echo '[ RUN      ] a'; echo '[       OK ] a'
    echo '[ RUN      ] b'; echo 'the reason'; echo '[  FAILED  ] b'
    echo '[==========] 2 test(s) run.'
    echo '[  PASSED  ] 1 test(s).'
    echo '[  FAILED  ] 1 test(s), listed below:'; echo '[  FAILED  ] b'
    exit 1
"""
CRASHES = """
    echo '[==========] Running 5 test(s).'
    echo '[ RUN      ] a'; echo '[       OK ] a'
    echo '[ RUN      ] b'; kill -SEGV $$
"""
SKIPS = """
    echo '[==========] Running 2 test(s).'
    echo '[ RUN      ] a'; echo '[       OK ] a'
    echo '[ RUN      ] b'; echo '[  SKIPPED ] b'
    echo '[==========] 2 test(s) run.'
    echo '[  PASSED  ] 1 test(s).'
    echo '[  SKIPPED ] 1 test(s), listed below:'; echo '[  SKIPPED ] b'
"""
LEAKS = GOOD + "    exit 23\n"
SAYS_NOTHING = "    exit 0\n"

MODULE = """
    import unittest

    CONCURRENT = {concurrent}

    class Case(unittest.TestCase):
        def test_good(self):
            pass
"""
BAD_MODULE = MODULE + """
        def test_bad(self):
            self.fail("the reason")

        def test_several_parts(self):
            for i in range(3):
                with self.subTest(i=i):
                    self.fail("part")

        def test_skipped(self):
            self.skipTest("not here")

    class Broken(unittest.TestCase):
        @classmethod
        def setUpClass(cls):
            raise OSError("no broker")

        def test_never_runs(self):
            pass
"""

# Two classes that each wait for the other.
MEETING = """
    import os
    import time
    import unittest

    WAITS = True
    HERE = os.path.dirname(os.path.abspath(__file__))

    def meet(mine, other):
        open(os.path.join(HERE, mine), "w").close()
        end = time.monotonic() + 60
        while not os.path.exists(os.path.join(HERE, other)):
            assert time.monotonic() < end, "alone"
            time.sleep(0.01)

    class One(unittest.TestCase):
        def test_it(self):
            meet("one", "two")

    class Two(unittest.TestCase):
        def test_it(self):
            meet("two", "one")
"""


class RunTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="espgate-run-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.roots = os.path.join(self.folder, "flow")
        os.makedirs(self.roots)
        self.made = 0

    def program(self, script, folder="base"):
        self.made += 1
        path = os.path.join(self.folder, folder, f"test_{self.made}")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="ascii") as f:
            f.write("#!/bin/sh\n" + textwrap.dedent(script))
        os.chmod(path, 0o755)
        return path

    def module(self, name, text):
        with open(os.path.join(self.roots, name), "w", encoding="ascii") as f:
            f.write(textwrap.dedent(text))

    def run_sh(self, units=(), replayers=(), variant="asan"):
        env = dict(os.environ, VARIANT=variant, TEST_ROOTS=self.roots)
        done = subprocess.run(["sh", os.path.join(ROOT, "tests", "run.sh"), os.path.join(self.folder, "build"),
                               " ".join(units), " ".join(replayers)],
                              env=env, capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.stderr, "")
        return done.returncode, done.stdout.splitlines()[-1], done.stdout

    def assert_counts(self, result, line):
        status, last, output = result
        self.assertEqual(last, line, output)
        self.assertEqual(status, 0 if line.endswith(" 0 failed") else 1, output)

    def test_passes_are_added_up_in_one_line_each(self):
        self.module("test_m.py", MODULE.format(concurrent=False))
        result = self.run_sh([self.program(GOOD), self.program(GOOD)], [self.program("    exit 0")])
        self.assert_counts(result, "6 passed, 0 failed")
        self.assertEqual(len(result[2].splitlines()), 5)

    def test_a_failed_case_fails_the_run_and_shows_its_output(self):
        result = self.run_sh([self.program(GOOD), self.program(ONE_FAILS)])
        self.assert_counts(result, "3 passed, 1 failed")
        self.assertIn("the reason", result[2])

    def test_a_crash_takes_the_rest_of_its_program_along(self):
        self.assert_counts(self.run_sh([self.program(CRASHES)]), "1 passed, 4 failed")

    def test_a_skip_counts_as_failed(self):
        self.assert_counts(self.run_sh([self.program(SKIPS)]), "1 passed, 1 failed")

    def test_a_bad_end_after_good_cases_counts_as_failed(self):
        self.assert_counts(self.run_sh([self.program(LEAKS)]), "2 passed, 1 failed")

    def test_a_program_without_cases_counts_as_failed(self):
        self.assert_counts(self.run_sh([self.program(SAYS_NOTHING)]), "0 passed, 1 failed")

    def test_a_program_that_is_not_there_counts_as_failed(self):
        missing = os.path.join(self.folder, "base", "test_none")
        self.assert_counts(self.run_sh([missing]), "0 passed, 1 failed")

    def test_a_failing_replayer_counts_as_failed(self):
        self.assert_counts(self.run_sh([], [self.program("    exit 77")]), "0 passed, 1 failed")

    def test_nothing_to_run_counts_as_failed(self):
        self.assert_counts(self.run_sh(), "0 passed, 1 failed")

    def test_python_cases_are_counted_one_by_one(self):
        self.module("test_m.py", BAD_MODULE.format(concurrent=False))
        result = self.run_sh()
        self.assert_counts(result, "1 passed, 4 failed")  # bad, several parts, skipped, class
        self.assertIn("the reason", result[2])
        self.assertIn("no broker", result[2])

    def test_the_classes_of_a_module_that_waits_run_at_once(self):
        self.module("test_m.py", MEETING)
        self.assert_counts(self.run_sh(), "2 passed, 0 failed")
        self.module("test_m.py", BAD_MODULE.format(concurrent=False) + "    WAITS = True\n")
        result = self.run_sh()
        self.assert_counts(result, "1 passed, 4 failed")
        self.assertIn("the reason", result[2])
        self.assertIn("no broker", result[2])
        self.module("test_m.py", MEETING + "            os._exit(0)\n")
        self.assertEqual(self.run_sh()[0], 1)

    def test_a_module_that_cannot_be_loaded_counts_as_failed(self):
        self.module("test_m.py", "import nothing_of_that_name\n")
        self.assert_counts(self.run_sh(), "0 passed, 1 failed")

    def test_a_module_that_ends_the_interpreter_counts_as_failed(self):
        self.module("test_m.py", "import os\nos._exit(0)\n")
        self.assert_counts(self.run_sh(), "0 passed, 1 failed")

    def test_tsan_runs_what_has_threads_and_may_skip(self):
        self.module("test_one.py", BAD_MODULE.format(concurrent=False))
        self.module("test_two.py", MODULE.format(concurrent=True))
        result = self.run_sh([self.program(ONE_FAILS), self.program(SKIPS, "jobs")], [self.program("    exit 1")],
                             variant="tsan")
        self.assert_counts(result, "2 passed, 0 failed")


if __name__ == "__main__":
    unittest.main()
