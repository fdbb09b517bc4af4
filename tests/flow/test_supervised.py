"""As systemd starts it: a socket that is handed over, and what it is told in return."""
import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

import harness
from child import PATIENCE, Child, program

CONCURRENT = True


class Manager:
    """The end of a service manager where notices arrive. Names without a folder begin with @."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path.replace("@", "\0", 1))
        self.socket.settimeout(PATIENCE)

    def hear(self):
        return dict(line.split("=", 1) for line in self.socket.recv(4096).decode().split("\n"))

    def hear_of(self, name):
        """The next notice that has this, whatever comes before."""
        while True:
            notice = self.hear()
            if name in notice:
                return notice


class Supervised(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="espgate-flow-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.argv = [os.path.join(harness.BIN, "espgate"), "--auth", "none", "--data",
                     os.path.join(self.folder, "data")]

    def start(self, env=None, wrapper=(), args=()):
        child = Child("espgate", [*wrapper, *self.argv, *args], env)
        self.addCleanup(child.stop)
        return child

    def manager(self, path=None):
        manager = Manager(path or os.path.join(self.folder, "notify"))
        self.addCleanup(manager.socket.close)
        return manager

    def activate(self, *where):
        """Started when the first client comes, on a socket that was there before it."""
        return self.start(wrapper=[program("systemd-socket-activate"), "-E", "ASAN_OPTIONS", "-E", "TSAN_OPTIONS",
                                   *[x for w in where for x in ("-l", w)]])

    def test_a_tcp_socket_is_taken_over(self):
        port = harness.free_port()
        child = self.activate(f"127.0.0.1:{port}")
        child.wait_line("Listening on")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        connection.request("GET", "/readyz")
        self.assertEqual(connection.getresponse().status, 200)
        connection.close()
        child.wait_line(rf"^espgate \S+ listening on http://127\.0\.0\.1:{port}$")

    def test_a_local_socket_is_taken_over(self):
        path = os.path.join(self.folder, "socket")
        child = self.activate(path)
        child.wait_line("Listening on")
        done = subprocess.run([program("curl"), "-sS", "--fail", "--unix-socket", path, "http://localhost/v1/slots"],
                              capture_output=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        child.wait_line(rf"^espgate \S+ listening on unix:{path}$")
        child.stop()
        self.assertTrue(os.path.exists(path))  # it is not ours to remove

    def test_a_socket_that_a_network_reaches_is_not_served_without_asking_who_it_is(self):
        port = harness.free_port()
        child = self.activate(f"0.0.0.0:{port}")
        child.ok = (1,)
        child.wait_line("Listening on")
        with socket.create_connection(("127.0.0.1", port), PATIENCE):
            child.wait_line("cannot start code=unsafe_listener")
            child.wait()

    def test_two_sockets_are_refused(self):
        ports = [harness.free_port(), harness.free_port()]
        child = self.activate(*[f"127.0.0.1:{p}" for p in ports])
        child.ok = (1,)
        child.wait_line("Listening on")
        with socket.create_connection(("127.0.0.1", ports[0]), PATIENCE):
            child.wait_line("cannot start code=listen_failed")
            child.wait()

    def test_a_socket_that_does_not_listen_is_refused(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("127.0.0.1", 0))
            # The shell's own number is that of the program that it becomes.
            done = subprocess.run(["sh", "-c", 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@" 3<&0', "sh", *self.argv],
                                  stdin=s.fileno(), capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("code=listen_failed", done.stderr)

    def test_sockets_of_another_process_are_not_ours(self):
        child = self.start({"LISTEN_FDS": "1", "LISTEN_PID": "1"}, args=["--listen", "127.0.0.1:0"])
        child.wait_line("listening on http://127")

    def notices(self, path=None):
        manager = self.manager(path)
        child = self.start({"NOTIFY_SOCKET": path or os.path.join(self.folder, "notify")},
                           args=["--listen", "127.0.0.1:0"])
        url = child.wait_line(r"listening on (http://\S+)$")[1]
        ready = manager.hear()
        self.assertEqual((ready["READY"], ready["STATUS"]), ("1", url))
        child.process.send_signal(signal.SIGHUP)
        reloading = manager.hear()
        self.assertEqual(reloading["RELOADING"], "1")
        self.assertGreater(int(reloading["MONOTONIC_USEC"]), 0)
        self.assertEqual(manager.hear(), {"READY": "1"})
        child.process.send_signal(signal.SIGTERM)
        self.assertEqual(manager.hear(), {"STOPPING": "1"})
        child.wait()

    def test_the_manager_hears_of_each_state(self):
        self.notices()

    def test_also_on_a_socket_in_no_folder(self):
        self.notices("@" + os.path.basename(self.folder))

    def test_signs_of_life(self):
        manager = self.manager()
        child = self.start({"NOTIFY_SOCKET": os.path.join(self.folder, "notify"), "WATCHDOG_USEC": "100000"},
                           args=["--listen", "127.0.0.1:0"])
        for _ in range(3):
            self.assertEqual(manager.hear_of("WATCHDOG"), {"WATCHDOG": "1"})
        child.process.send_signal(signal.SIGTERM)
        manager.hear_of("STOPPING")
        child.wait()

    def test_it_stops_at_once_with_clients_connected(self):
        child = self.start(args=["--listen", "127.0.0.1:0"])
        port = int(child.wait_line(r"listening on http://\S+:(\d+)$")[1])
        held = [socket.create_connection(("127.0.0.1", port), PATIENCE) for _ in range(50)]
        for s in held[:25]:
            s.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertTrue(re.match(rb"HTTP/1\.1 200 ", s.recv(4096)))
        child.stop()
        for s in held:
            s.close()


if __name__ == "__main__":
    unittest.main()
