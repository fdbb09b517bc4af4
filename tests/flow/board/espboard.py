"""A simulated board for tests: starts espboard in a folder of its own, opens its ports, and speaks
the ROM loader's protocol to it. BIN_DIR names the build folder."""
import collections
import fcntl
import os
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
BIN_DIR = os.path.abspath(os.environ.get("BIN_DIR", os.path.join(ROOT, "build/asan")))
PYTHON = "/usr/bin/python3"
PATIENCE = 15.0  # seconds until a missing answer is a failure

TCGETS2, TCSETS2, BOTHER, CBAUD = 0x802C542A, 0x402C542B, 0o010000, 0o010017
TERMIOS2 = struct.Struct("=IIIIB19sII")


class Port:
    """One serial port, opened like any program without modem lines would."""

    def __init__(self, path):
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)

    def close(self):
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1

    def set_baud(self, baud):
        t = list(TERMIOS2.unpack(fcntl.ioctl(self.fd, TCGETS2, bytes(TERMIOS2.size))))
        t[2] = (t[2] & ~(CBAUD | CBAUD << 16)) | BOTHER | BOTHER << 16
        t[6] = t[7] = baud
        fcntl.ioctl(self.fd, TCSETS2, TERMIOS2.pack(*t))

    def write(self, data):
        while data:
            select.select([], [self.fd], [], PATIENCE)
            data = data[os.write(self.fd, data):]

    def read_some(self, seconds):
        """What comes next, b"" when nothing does. OSError when the port has gone."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return b""
        return os.read(self.fd, 65536)

    def read(self, n, seconds=PATIENCE):
        """n bytes, or fewer when time is up."""
        got = b""
        end = time.monotonic() + seconds
        while len(got) < n and time.monotonic() < end:
            if not select.select([self.fd], [], [], max(0.0, end - time.monotonic()))[0]:
                break
            got += os.read(self.fd, n - len(got))
        return got

    def read_until(self, mark, seconds=PATIENCE):
        got = b""
        end = time.monotonic() + seconds
        while mark not in got and time.monotonic() < end:
            got += self.read_some(max(0.0, end - time.monotonic()))
        return got

    def is_gone(self, seconds=PATIENCE):
        """Waits for its hang-up."""
        poll = select.poll()
        poll.register(self.fd, 0)
        return bool(poll.poll(seconds * 1000))

    def read_all(self, quiet=0.5):
        """All that comes until nothing has come for a while."""
        got = b""
        more = self.read_some(quiet)
        while more:
            got += more
            more = self.read_some(quiet)
        return got


def slip(data):
    return b"\xc0" + data.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc") + b"\xc0"


def unslip(data):
    return data.replace(b"\xdb\xdc", b"\xc0").replace(b"\xdb\xdd", b"\xdb")


Reply = collections.namedtuple("Reply", "op value payload status")
SYNC_BODY = b"\x07\x07\x12\x20" + b"\x55" * 32
MAGIC, ESP32 = 0x40001000, 0x00F01D83

# What public tools know of each chip: word at MAGIC, register of the MAC, flash controller (base,
# USR2, W0), id in GET_SECURITY_INFO (the ESP32 has none, the S2 does not say it), words of BEGIN,
# UART0's divider, crystal in MHz, where the bootloader lies, where a stub is loaded.
Chip = collections.namedtuple("Chip", "magic mac spi id words clkdiv crystal bootloader ram")
SPI_A, SPI_B = (0x24, 0x80), (0x20, 0x58)
CHIPS = {
    "esp32": Chip(ESP32, 0x3FF5A004, (0x3FF42000, *SPI_A),
                  None, 4, 0x3FF40014, 40, 0x1000, 0x400A8000),
    "esp32s2": Chip(0x7C6, 0x3F41A044, (0x3F402000, *SPI_B),
                    None, 5, 0x3F400014, 40, 0x1000, 0x40028000),
    "esp32s3": Chip(0x9, 0x60007044, (0x60002000, *SPI_B),
                    9, 5, 0x60000014, 40, 0, 0x40378000),
    "esp32c2": Chip(0x6F51306F, 0x60008840, (0x60002000, *SPI_B),
                    12, 5, 0x60000014, 40, 0, 0x40380000),
    "esp32c3": Chip(0x1B31506F, 0x60008844, (0x60002000, *SPI_B),
                    5, 5, 0x60000014, 40, 0, 0x40380000),
    "esp32c5": Chip(0x1101406F, 0x600B4844, (0x60003000, *SPI_B),
                    23, 5, 0x60000014, 48, 0x2000, 0x40800000),
    "esp32c6": Chip(0x2CE0806F, 0x600B0844, (0x60003000, *SPI_B),
                    13, 5, 0x60000014, 40, 0, 0x40800000),
    "esp32c61": Chip(0x33F0206F, 0x600B4844, (0x60003000, *SPI_B),
                     20, 5, 0x60000014, 40, 0, 0x40800000),
    "esp32h2": Chip(0xD7B73E80, 0x600B0844, (0x60003000, *SPI_B),
                    16, 5, 0x60000014, 32, 0, 0x40800000),
}
MEM_BEGIN = 0x05
LATER = [name for name in CHIPS if name != "esp32"]


class Loader:
    """The host's side of the serial loader. status_bytes is 4 for the ROM, 2 for a stub. Anything
    that is not an answer fails the test, unless the line is expected to be noisy. words is how many
    BEGIN has: 4 on an ESP32, 5 on the later chips."""

    def __init__(self, port, status_bytes=4, noisy=False, words=4):
        self.port = port
        self.status_bytes = status_bytes
        self.noisy = noisy
        self.words = words
        self.buffer = b""

    def request(self, op, body=b"", check=0):
        self.port.write(slip(struct.pack("<BBHI", 0, op, len(body), check) + body))

    def frame(self, seconds=PATIENCE):
        """The next frame's content, None when time is up."""
        end = time.monotonic() + seconds
        while True:
            start = self.buffer.find(b"\xc0")
            stop = self.buffer.find(b"\xc0", start + 1)
            if start >= 0 and stop > start + 1:
                data, self.buffer = self.buffer[start + 1:stop], self.buffer[stop + 1:]
                return unslip(data)
            if start >= 0 and stop == start + 1:
                self.buffer = self.buffer[stop:]
                continue
            more = self.port.read_some(max(0.0, end - time.monotonic()))
            if not more:
                return None
            self.buffer += more

    def is_answer(self, data):
        return (len(data) >= 8 + self.status_bytes and data[0] == 1 and
                len(data) == 8 + data[2] + 256 * data[3])

    def reply(self, seconds=PATIENCE):
        end = time.monotonic() + seconds
        data = self.frame(seconds)
        while data is not None and not self.is_answer(data):
            if not self.noisy:
                raise AssertionError(f"not an answer: {data[:80]!r}")
            data = self.frame(max(0.0, end - time.monotonic()))
        if data is None:
            return None
        _, op, _, value = struct.unpack_from("<BBHI", data)
        n = self.status_bytes
        return Reply(op, value, data[8:-n], data[-n:-n + 2])

    def text_until(self, mark, seconds=PATIENCE):
        """What the board prints outside frames, with what was read already."""
        end = time.monotonic() + seconds
        while mark not in self.buffer and time.monotonic() < end:
            self.buffer += self.port.read_some(max(0.0, end - time.monotonic()))
        text, self.buffer = self.buffer, b""
        return text

    def command(self, op, body=b"", check=0, seconds=PATIENCE):
        self.request(op, body, check)
        return self.reply(seconds)

    def sync(self, seconds=PATIENCE):
        """True when all 8 answers came."""
        self.request(0x08, SYNC_BODY)
        return all(self.reply(seconds) is not None for _ in range(8))

    def read_reg(self, address):
        return self.command(0x0A, struct.pack("<I", address)).value

    def attach(self, size=4 << 20):
        self.command(0x0D, bytes(8))
        return self.parameters(size)

    def parameters(self, size=4 << 20):
        return self.command(0x0B, struct.pack("<6I", 0, size, 0x10000, 0x1000, 0x100, 0xFFFF))

    def begin(self, op, size, blocks, block_size, offset, encrypt=0):
        body = struct.pack("<5I", size, blocks, block_size, offset, encrypt)
        return self.command(op, body[:4 * (4 if op == MEM_BEGIN else self.words)])

    def data(self, op, seq, block):
        check = 0xEF
        for byte in block:
            check ^= byte
        return self.command(op, struct.pack("<4I", len(block), seq, 0, 0) + block, check)

    def md5(self, address, size):
        return self.command(0x13, struct.pack("<4I", address, size, 0, 0)).payload.decode()


class Board:
    """with Board("--boot", "download") as board: …"""

    def __init__(self, *args, firmware="none", flash=None, at=True):
        self.folder = tempfile.mkdtemp(prefix="espboard-")
        self.flash_path = os.path.join(self.folder, "flash.bin")
        self.download = os.path.join(self.folder, "ttyDOWNLOAD")
        self.at = os.path.join(self.folder, "ttyAT")
        self.transcript = os.path.join(self.folder, "transcript.jsonl")
        self.environment = dict(os.environ, PTYMODEM_DIR=os.path.join(self.folder, "modem"))
        self.ports = []
        self.process = None
        if flash is not None:
            with open(self.flash_path, "wb") as f:
                f.write(flash)
        self.command = [os.path.join(BIN_DIR, "espboard"), "--firmware", firmware, "--flash",
                        self.flash_path, "--download", self.download, "--transcript",
                        self.transcript, "--control", *args]
        if at:
            self.command += ["--at", self.at]
        name = args[args.index("--chip") + 1] if "--chip" in args else "esp32"
        self.chip = CHIPS.get(name)
        # How the loader's text ends at power-on: the recorded ESP32 has no line for it.
        secure = args[args.index("--secure") + 1].split(",") if "--secure" in args else []
        self.ready_text = b"download\r\n" if name != "esp32" or secure else b"))\r\n"
        if "download" in secure:
            self.ready_text = b"download(secure mode)\r\n"

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, env=self.environment, text=True)
        line = self.process.stdout.readline()
        if line != "espboard ready\n":
            raise AssertionError(f"espboard did not start: {line!r}")

    def stop(self):
        """Ends the board as a user would, and removes its folder. Returns the exit status."""
        for port in self.ports:
            port.close()
        status = None
        if self.process:
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGTERM)
            try:
                status = self.process.wait(PATIENCE)
            finally:
                self.process.kill()
                self.process.stdin.close()
                self.process.stdout.close()
        left = [p for p in (self.download, self.at) if os.path.lexists(p)]
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.process and (status != 0 or left):
            raise AssertionError(f"espboard ended with {status} and left {left}")
        return status

    def tell(self, command):
        """A line to its --control; the answer."""
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().rstrip("\n")

    def control(self, command):
        answer = self.tell(command)
        if answer != "ok":
            raise AssertionError(f"{command}: {answer}")

    def unplug(self, port="download"):
        self.control(f"unplug {port}")

    def plug(self, port="download"):
        self.control(f"plug {port}")

    def fault(self, spec):
        self.control(f"fault {spec}")

    def clear_faults(self):
        self.control("nofault")

    def open(self, path=None):
        port = Port(path or self.download)
        self.ports.append(port)
        return port

    def reopen(self):
        """The download port once it is there again."""
        end = time.monotonic() + PATIENCE
        while not os.path.exists(self.download):
            if time.monotonic() > end:
                raise AssertionError(f"{self.download} does not come back")
            time.sleep(0.005)
        return self.open()

    def loader(self):
        """A synchronised loader; the board must be in download mode. The boot text is dropped."""
        port = self.open()
        port.read_until(self.ready_text)
        loader = Loader(port, words=self.chip.words)
        if not loader.sync():
            raise AssertionError("the loader does not answer")
        return loader

    def flash(self):
        with open(self.flash_path, "rb") as f:
            return f.read()

    def client_environment(self):
        """For a program that wants modem lines."""
        return dict(self.environment, LD_PRELOAD=os.path.join(BIN_DIR, "ptymodem.so"))

    def modem_client(self, *steps, port=None):
        """Runs modem_client.py under the shim; returns what it read after each step."""
        done = subprocess.run([PYTHON, os.path.join(HERE, "modem_client.py"),
                               port or self.download, *steps], env=self.client_environment(),
                              stdout=subprocess.PIPE, timeout=4 * PATIENCE, check=True)
        return done.stdout.split(b"\0")[:-1]
