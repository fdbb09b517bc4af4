"""Programs that a test starts: their output is kept and can be waited for, they end with the test, and a
sanitizer's report in their output is a failure of the test."""
import os
import re
import shutil
import signal
import subprocess
import threading
import time

PATIENCE = 60.0  # s; no test is judged by how fast this machine is
SANITIZER = re.compile(r"(ERROR|WARNING): \w+Sanitizer|: runtime error: ")
# Children end with this process even when it is killed. The kernel counts by thread: start them on the
# main thread, or one that outlives them.
LEASH = ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []


def program(name):
    """A tool that may lie outside an ordinary user's PATH, as mosquitto does."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not path:
        raise AssertionError(f"{name} is not installed")
    return path


def sanitizer_runtimes(binary):
    """The runtimes that have to be first when anything is preloaded."""
    out = subprocess.run(["ldd", binary], capture_output=True, text=True, check=True).stdout
    return re.findall(r"=> (\S+/lib[at]san\.so\S*)", out)


class Child:
    """obeys: it reads commands from its standard input."""

    def __init__(self, name, argv, env=None, preload=(), ok=(0,), obeys=False):
        self.name = name
        self.ok = ok
        self.lines = []  # (stream, text); grows only
        self.changed = threading.Condition()
        self.stopped = False
        self.readers = []
        preload = [f"LD_PRELOAD={' '.join(preload)}"] if preload else []
        # env execs too, so the pid is the program's and its parents are not preloaded.
        self.process = subprocess.Popen(LEASH + ["env", *preload, *argv], env=dict(os.environ, **(env or {})),
                                        stdin=subprocess.PIPE if obeys else subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for stream, pipe in (("out", self.process.stdout), ("err", self.process.stderr)):
            reader = threading.Thread(target=self._read, args=(stream, pipe), daemon=True)
            reader.start()
            self.readers.append(reader)

    def _read(self, stream, pipe):
        with pipe:
            for line in pipe:
                with self.changed:
                    self.lines.append((stream, line.decode("utf-8", "backslashreplace").rstrip("\n")))
                    self.changed.notify_all()
        with self.changed:
            self.changed.notify_all()

    @property
    def pid(self):
        return self.process.pid

    def tell(self, line):
        """A line on its standard input."""
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def mark(self):
        """A place in the output, for wait_line(since=)."""
        with self.changed:
            return len(self.lines)

    def wait_line(self, pattern, seconds=PATIENCE, since=0):
        """The match of the first line that has the pattern; an error when the program ends without it."""
        end = time.monotonic() + seconds
        seen = since
        with self.changed:
            while True:
                for _, text in self.lines[seen:]:
                    found = re.search(pattern, text)
                    if found:
                        return found
                seen = max(seen, len(self.lines))
                left = end - time.monotonic()
                if left <= 0 or not any(r.is_alive() for r in self.readers):
                    raise AssertionError(f"{self.name} never said {pattern!r}\n{self.log()}")
                self.changed.wait(min(left, 1.0))

    def log(self, last=200):
        with self.changed:
            return "\n".join(f"{self.name} {stream}| {text}" for stream, text in self.lines[-last:])

    def has_said(self, text):
        with self.changed:
            return any(text in line for _, line in self.lines)

    def wait(self, seconds=PATIENCE):
        """Wait for its end. Its status and output are judged here."""
        self.stopped = True
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill9()
            raise AssertionError(f"{self.name} did not end within {seconds:g} s\n{self.log()}") from None
        self._drain()
        if status not in self.ok:
            raise AssertionError(f"{self.name} ended with {status}\n{self.log()}")

    def stop(self, sig=signal.SIGTERM, seconds=PATIENCE):
        """End it as its user would. Nothing happens when it was ended before."""
        if self.stopped:
            return
        self.process.send_signal(sig)
        self.wait(seconds)

    def kill9(self):
        """Power loss. What it had said by then still counts."""
        self.stopped = True
        self.process.kill()
        self.process.wait(PATIENCE)
        self._drain()

    def _drain(self):
        if self.process.stdin:
            self.process.stdin.close()
        for reader in self.readers:
            reader.join(PATIENCE)
        with self.changed:
            if any(SANITIZER.search(text) for _, text in self.lines):
                raise AssertionError(f"a sanitizer found something in {self.name}\n{self.log(400)}")
