"""A simulated board for the tests of its firmware: started in a folder of its own, spoken to over its
two pseudo-terminals, stopped and removed at the end."""
import os
import select
import shutil
import subprocess
import tempfile
import termios
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BIN = os.path.abspath(os.environ.get("BIN_DIR", os.path.join(ROOT, "build", "asan")))
DATA = os.path.join(ROOT, "tests", "data")
PATIENCE = 30.0  # s; nothing here is judged by how fast this machine is


class Port:
    """One pseudo-terminal, raw, with all that came from the board so far."""

    def __init__(self, path):
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        mode = termios.tcgetattr(self.fd)
        mode[0] = mode[1] = mode[3] = 0
        mode[2] = termios.CS8 | termios.CREAD | termios.CLOCAL
        mode[4] = mode[5] = termios.B115200
        termios.tcsetattr(self.fd, termios.TCSANOW, mode)
        self.seen = b""

    def set_baud(self, baud):
        mode = termios.tcgetattr(self.fd)
        mode[4] = mode[5] = getattr(termios, "B%d" % baud)
        termios.tcsetattr(self.fd, termios.TCSADRAIN, mode)

    def write(self, data):
        while data:
            select.select([], [self.fd], [], PATIENCE)
            data = data[os.write(self.fd, data):]

    def pump(self, seconds):
        """Take in what comes within this time; returns at once when something came."""
        if select.select([self.fd], [], [], max(0.0, seconds))[0]:
            try:
                self.seen += os.read(self.fd, 65536)
            except BlockingIOError:
                pass

    def close(self):
        os.close(self.fd)


class Board:
    def __init__(self, firmware="2.4", wifi=(), faults=(), pace="off", env=None, chip="esp32", flash=None, options=()):
        """flash: a file that its own is a copy of at first."""
        self.folder = tempfile.mkdtemp(prefix="espboard-")
        self.flash = os.path.join(self.folder, "flash.bin")
        if flash:
            shutil.copy(flash, self.flash)
        self.links = [os.path.join(self.folder, n) for n in ("download", "at")]
        self.line = [os.path.join(BIN, "espboard"), "--chip", chip, "--firmware", firmware, "--flash", self.flash,
                     "--download", self.links[0], "--at", self.links[1], "--pace", pace]
        self.line += options
        for w in wifi:
            self.line += ["--wifi", w]
        for f in faults:
            self.line += ["--fault", f]
        self.env = dict(os.environ, **(env or {}))
        self.process = None
        self.power_on()

    def power_on(self):
        self.process = subprocess.Popen(self.line, stdout=subprocess.PIPE, env=self.env)
        first = self.process.stdout.readline()
        if first != b"espboard ready\n":
            raise AssertionError("the board said %r" % first)
        self.log, self.at = (Port(link) for link in self.links)
        return self

    def power_off(self):
        """A board that reports a fault of its own (a sanitizer's exit status) fails the test."""
        if not self.process:
            return
        self.log.close()
        self.at.close()
        self.process.terminate()
        status = self.process.wait(PATIENCE)
        self.process.stdout.close()
        self.process = None
        if status not in (0, -15):
            raise AssertionError("espboard ended with %d" % status)

    def stop(self):
        try:
            self.power_off()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def wait_for(self, want, seconds=PATIENCE):
        """Wait until the AT port has said `want`; returns all up to and including it, consumed."""
        end = time.monotonic() + seconds
        while want not in self.at.seen:
            if time.monotonic() > end:
                raise AssertionError("no %r within %g s, but %r" % (want, seconds, self.at.seen))
            self.at.pump(0.2)
        head, _, self.at.seen = self.at.seen.partition(want)
        return head + want

    def quiet(self, seconds=0.2):
        """What the AT port says in this time, consumed."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.at.pump(end - time.monotonic())
        said, self.at.seen = self.at.seen, b""
        return said

    def command(self, line, end=(b"\r\nOK\r\n", b"\r\nERROR\r\n"), seconds=PATIENCE):
        """One command; its whole answer up to the result, with the echo as it comes."""
        self.at.write(line.encode() + b"\r\n")
        return self.answer(end, seconds)

    def answer(self, end=(b"\r\nOK\r\n", b"\r\nERROR\r\n"), seconds=PATIENCE):
        limit = time.monotonic() + seconds
        while True:
            hits = [(self.at.seen.find(e) + len(e)) for e in end if e in self.at.seen]
            if hits:
                cut = min(hits)
                said, self.at.seen = self.at.seen[:cut], self.at.seen[cut:]
                return said
            if time.monotonic() > limit:
                raise AssertionError("no end within %g s, but %r" % (seconds, self.at.seen))
            self.at.pump(0.2)

    def boot(self):
        """Wait for "ready", switch the echo off and error codes on."""
        self.wait_for(b"\r\nready\r\n")
        self.command("ATE0")
        self.command("AT+SYSLOG=1")
        return self

    def write_partition(self, name, data):
        self.command('AT+SYSFLASH=0,"%s"' % name)
        self.at.write(b'AT+SYSFLASH=1,"%s",0,%d\r\n' % (name.encode(), len(data)))
        self.wait_for(b">")
        self.at.write(data)
        return self.answer()

    def write_value(self, namespace, key, value, kind=8):
        """A blob, or a string (kind 7), into mfg_nvs; the answer to its data."""
        self.at.write(b'AT+SYSMFG=2,"%s","%s",%d,%d\r\n' % (namespace.encode(), key.encode(), kind, len(value)))
        self.wait_for(b"\r\nOK\r\n\r\n>")
        self.at.write(value)
        return self.answer()

    def flash_bytes(self, at, n):
        with open(self.flash, "rb") as f:
            f.seek(at)
            return f.read(n)
