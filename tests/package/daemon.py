"""A program of the package or of the image, running in a Rootfs as its own user and with the environment that it has there."""
import os
import random
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

PATIENCE = 60.0  # s


def free_port():
    """None of those that the kernel hands out: it would give it to somebody else before the program is there."""
    while True:
        port = random.randrange(20000, 30000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Daemon:
    """command: of Rootfs.command(). It is to answer HTTP on the loopback port, and runs when it has said ready."""

    def __init__(self, command, env, port, ready=" listening on "):
        self.port = port
        self.env = dict(env, PATH="/usr/local/bin:/usr/bin:/bin")
        self.said = ""
        began = time.monotonic()
        # exec all the way: the process that is started here is the program in the end.
        self.process = subprocess.Popen(command, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for line in self.process.stdout:
            self.said += line
            if ready in line:
                break
        self.start_s = time.monotonic() - began
        if ready not in self.said:
            self.process.stdout.close()
            raise AssertionError(f"{command} ended with {self.process.wait()}: {self.said}")

    def get(self, path, token=None):
        """(status, body)"""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}")
        if token:
            request.add_header("Authorization", "Bearer " + token)
        try:
            with urllib.request.urlopen(request, timeout=2 * PATIENCE) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as e:
            return e.code, e.read()

    def ids(self):
        """Its real, effective, saved user, the same of its group, its other groups."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as f:
            fields = dict(line.rstrip("\n").split(":\t", 1) for line in f)
        return fields["Uid"].split()[:3], fields["Gid"].split()[:3], fields["Groups"].split()

    def stop(self):
        """Its exit status."""
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGTERM)
        self.process.communicate(timeout=PATIENCE)
        return self.process.returncode
