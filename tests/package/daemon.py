"""espgate running in a Rootfs, as its own user and with the environment that it is packaged with."""
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

PATIENCE = 60.0  # s


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Daemon:
    """argv and env as the package has them; listens on a free loopback port."""

    def __init__(self, rootfs, argv, user, groups, env):
        self.address = f"127.0.0.1:{free_port()}"
        self.env = dict(env, PATH="/usr/local/bin:/usr/bin:/bin", ESPGATE_LISTEN=self.address)
        began = time.monotonic()
        # exec all the way: the process that is started here is espgate in the end.
        self.process = subprocess.Popen(rootfs.command(argv, user, groups), env=self.env, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True)
        self.said = ""
        for line in self.process.stdout:
            self.said += line
            if " listening on " in line:
                break
        self.start_s = time.monotonic() - began
        if " listening on " not in self.said:
            self.process.stdout.close()
            raise AssertionError(f"{argv} ended with {self.process.wait()}: {self.said}")

    def get(self, path, token=None):
        """(status, body)"""
        request = urllib.request.Request(f"http://{self.address}{path}")
        if token:
            request.add_header("Authorization", "Bearer " + token)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
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
