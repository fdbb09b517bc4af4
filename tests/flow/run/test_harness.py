"""What the other flow tests rely on: nothing that goes wrong at the bench passes unseen."""
import signal
import time
import unittest
import unittest.mock

import bench_pki
import harness
from child import Child


def shell(script, **kwargs):
    return Child("script", ["sh", "-c", script], **kwargs)


class ChildTest(unittest.TestCase):
    def test_lines_of_both_streams_can_be_waited_for(self):
        child = shell("echo one; echo two >&2; exec sleep 600", ok=(-signal.SIGTERM,))
        self.assertEqual(child.wait_line(r"o(n)e")[1], "n")
        child.wait_line("two")
        child.stop()

    def test_waiting_ends_when_the_program_does(self):
        child = shell("echo one")
        began = time.monotonic()
        with self.assertRaisesRegex(AssertionError, "never said 'two'\nscript out| one"):
            child.wait_line("two", seconds=600)
        self.assertLess(time.monotonic() - began, 300)
        child.stop()

    def test_a_bad_status_is_an_error_with_the_log(self):
        child = shell("echo the reason; exit 3")
        with self.assertRaisesRegex(AssertionError, "ended with 3\nscript out. the reason"):
            child.wait()

    def test_a_program_that_does_not_end_is_killed_and_is_an_error(self):
        child = shell("trap '' TERM; echo up; exec sleep 600")
        child.wait_line("up")
        with self.assertRaisesRegex(AssertionError, "did not end"):
            child.stop(seconds=0.2)
        self.assertIsNotNone(child.process.returncode)

    def test_a_sanitizers_report_is_an_error_even_after_a_good_end(self):
        for said in ("==1==ERROR: AddressSanitizer: heap-use-after-free", "a.c:1:2: runtime error: shift",
                     "WARNING: ThreadSanitizer: data race (pid=1)"):
            child = shell(f"echo '{said}' >&2")
            with self.assertRaisesRegex(AssertionError, "sanitizer"):
                child.wait()
            child = shell(f"echo '{said}' >&2; echo up; exec sleep 600")
            child.wait_line("up")
            with self.assertRaisesRegex(AssertionError, "sanitizer"):
                child.kill9()


class BenchTest(unittest.TestCase):
    def test_the_broker_starts_again_on_its_port(self):
        with harness.Bench(boards=0, gate=False) as bench:
            port = bench.broker.port
            bench.broker.stop()
            bench.broker.start()
            self.assertEqual(bench.broker.port, port)

    def test_dates_and_issuers_are_as_named(self):
        pki = bench_pki.shared()
        for one, ca, said in ((pki.device, pki.ca, "OK"), (pki.broker, pki.ca, "OK"),
                              (pki.expired_device, pki.ca, "certificate has expired"),
                              (pki.early_device, pki.ca, "certificate is not yet valid"),
                              (pki.foreign_device, pki.ca, "unable to get local issuer"),
                              (pki.foreign_device, pki.other_ca, "OK")):
            try:
                out = bench_pki.openssl("verify", "-CAfile", ca.cert_path, one.cert_path).decode()
            except AssertionError as e:
                out = str(e)
            self.assertIn(said, out)

    def test_a_secret_in_the_log_is_an_error(self):
        bench = harness.Bench(boards=0, broker=False, gate=False)
        with bench:
            bench.secrets.add("hidden-words")
            bench.gate = unittest.mock.Mock(children=[shell("echo with hidden-words in it")])
            bench.gate.children[0].wait()
            with self.assertRaisesRegex(AssertionError, "holds a private key or a password"):
                bench.assert_no_secrets()


if __name__ == "__main__":
    unittest.main()
