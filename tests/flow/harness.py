"""The bench that flow tests work at: a broker, simulated boards, a time server and espgate, each started in a
folder of its own and ended by its own handle.

    class Provision(harness.BenchCase):
        def test_by_rom(self):
            job = self.bench.run("provision", self.bench.boards[0], method="rom")

BIN_DIR names the build (build/asan). Nothing here sleeps: it waits for lines, replies and ends, with long limits.
A test that fails shows what everybody said; one that passes still fails when a program ended badly, a sanitizer
spoke, or a secret stands in espgate's log.
"""
import contextlib
import json
import os
import shutil
import signal
import socket
import struct
import tempfile
import threading
import time
import unittest

import bench_pki
import usb_tree
from child import PATIENCE, Child, program, sanitizer_runtimes
from client import Client
from ports import free_port

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.abspath(os.environ.get("BIN_DIR", os.path.join(ROOT, "build", "asan")))
JOB_S = 180.0
ENDED = ("succeeded", "failed", "cancelled", "interrupted")
SSID, PASSWORD = "bench", "bench-wifi-password"


class TimeServer:
    """SNTP on a loopback port. silent: it answers nobody; ahead_s: how wrong it is."""

    def __init__(self):
        self.silent = False
        self.ahead_s = 0
        self.asked = 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while True:
            query, peer = self.socket.recvfrom(256)
            if query == b"end":
                return
            self.asked += 1
            if self.silent or len(query) < 48:
                continue
            now = time.time() + self.ahead_s + 2208988800
            stamp = struct.pack(">II", int(now), int(now % 1 * 2**32))
            self.socket.sendto(bytes([0x24, 1, 0, 0xEC]) + bytes(8) + b"BNCH" + stamp + query[40:48] + stamp + stamp,
                               peer)

    def stop(self):
        self.socket.sendto(b"end", ("127.0.0.1", self.port))
        self.thread.join(PATIENCE)
        self.socket.close()


class Broker:
    """A mosquitto that demands client certificates on .port and takes anybody on .plain_port. Its log is in .child:
    .child.wait_line(r"Received PUBLISH from espgate-")."""

    def __init__(self, folder, pki, server=None, acl="topic readwrite #"):
        self.folder = os.path.join(folder, "broker")
        os.makedirs(self.folder, exist_ok=True)
        self.pki, self.server = pki, server or pki.broker
        with open(os.path.join(self.folder, "acl"), "w", encoding="ascii") as f:
            f.write(acl + "\n")
        self.port = self.plain_port = None
        self.start()

    def _configure(self):
        user = "user root\n" if os.geteuid() == 0 else ""  # else it gives up the right to read its key
        path = os.path.join(self.folder, "conf")
        with open(path, "w", encoding="ascii") as f:
            f.write(f"per_listener_settings false\npersistence false\nlog_dest stderr\nlog_type all\n{user}"
                    f"allow_anonymous true\nacl_file {self.folder}/acl\n"
                    f"listener {self.port} 127.0.0.1\ncafile {self.pki.ca.cert_path}\n"
                    f"certfile {self.server.cert_path}\nkeyfile {self.server.key_path}\n"
                    f"require_certificate true\nlistener {self.plain_port} 127.0.0.1\n")
        return path

    def start(self):
        """Also again, on the same ports, after a stop()."""
        for attempt in range(5):
            if attempt or self.port is None:
                self.port, self.plain_port = free_port(), free_port()
            self.child = Child("broker", [program("mosquitto"), "-c", self._configure()])
            try:
                self.child.wait_line(r" running$")
                # It says so before its loop runs, and forgets a SIGTERM that comes in between.
                with socket.create_connection(("127.0.0.1", self.plain_port), PATIENCE):
                    self.child.wait_line("New connection from")
                return
            except AssertionError:  # somebody else took a port in between
                self.child.kill9()
        raise AssertionError(f"mosquitto does not start\n{self.child.log()}")

    def stop(self):
        self.child.stop()


class Board:
    """A simulated ESP32 behind two pseudo-terminals: .download and .at are their links."""

    def __init__(self, folder, number, env, options):
        self.name = f"board{number}"
        self.mac = f"24:0a:c4:12:34:{0x55 + number:02x}"
        self.folder, self.env = folder, env
        ports = os.path.join(folder, "ports")
        os.makedirs(ports, exist_ok=True)
        self.download = os.path.join(ports, self.name + "-download")
        self.at = os.path.join(ports, self.name + "-at")
        self.flash = os.path.join(folder, self.name + ".flash")
        self.options = dict({"chip": "esp32", "boot": "flash", "pace": "off",
                             "wifi": [f"{SSID}:{PASSWORD}"], "fault": []}, **options)
        if self.options["chip"] == "esp32":  # where nothing else is said: credentials in partitions of their own
            self.options.setdefault("firmware", "2.4")
        self.starts = 0
        self.child = None
        self.start()

    @property
    def transcript_path(self):
        return os.path.join(self.folder, f"{self.name}-{self.starts}.jsonl")

    def start(self, **changes):
        """Plug it in (again): the flash keeps what it held. changes: other options from now on."""
        self.options.update(changes)
        self.starts += 1
        argv = [os.path.join(BIN, "espboard"), "--flash", self.flash, "--download", self.download, "--at", self.at,
                "--mac", self.mac, "--transcript", self.transcript_path, "--control"]
        for name, value in self.options.items():  # True: an option without a value
            for one in value if isinstance(value, (list, tuple)) else [value]:
                argv += ["--" + name] if one is True else ["--" + name, one]
        for link in (self.download, self.at):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(link)
        self.child = Child(self.name, argv, self.env, obeys=True)
        self.child.wait_line(r"^espboard ready$")

    def stop(self):
        self.child.stop()

    def control(self, command):
        """To the board while it runs: "power off", …"""
        mark = self.child.mark()
        self.child.tell(command)
        answer = self.child.wait_line("^(ok|error.*)$", since=mark)[1]
        if answer != "ok":
            raise AssertionError(f"{self.name}: {command}: {answer}")

    def fault(self, spec):
        """One more fault from now on."""
        self.control(f"fault {spec}")

    def clear_faults(self):
        self.control("nofault")

    def plug(self, port):
        self.control(f"plug {port}")

    def unplug(self, port=None):
        """One port, "download" or "at", and the board runs on: plug() brings it back. Or the whole board, gone at once
        as when its cable is pulled: start() brings it back."""
        if port:
            self.control(f"unplug {port}")
            return
        self.child.kill9()
        for link in (self.download, self.at):  # else the next terminal of that number, anybody's, seems to be it
            with contextlib.suppress(FileNotFoundError):
                os.unlink(link)

    def flash_bytes(self, offset, n):
        with open(self.flash, "rb") as f:
            f.seek(offset)
            return f.read(n)

    def transcript(self):
        """What went over both ports since the last start, up to the last whole line."""
        with open(self.transcript_path, encoding="utf-8") as f:
            return [json.loads(line) for line in f if line.endswith("\n")]


class Espgate(Client):
    """The service and a client of it. usb: it finds its ports as on a real host, in the bench's USB tree; else it is
    told where they are."""

    def __init__(self, folder, env, args=(), usb=False):
        super().__init__("127.0.0.1", None)
        binary = os.path.join(BIN, "espgate")
        ports = [] if usb else ["--ports", os.path.join(folder, "ports", "*")]
        self.argv = [binary, "--listen", "127.0.0.1:0", "--data", os.path.join(folder, "data"),
                     *ports, "--log-level", "debug", *args]
        self.data = os.path.join(folder, "data")
        self.env = env
        self.preload = sanitizer_runtimes(binary) + [os.path.join(BIN, "ptymodem.so")] + (usb_tree.PRELOAD if usb else [])
        self.children = []
        self.start()

    @property
    def child(self):
        return self.children[-1]

    def start(self):
        """Also again, after kill9() or stop(): on the same data, with another port. The client has the token of the
        first start from then on."""
        self.children.append(Child(f"espgate{len(self.children) or ''}", self.argv, self.env, self.preload))
        ready = self.child.wait_line(r"^espgate \S+ listening on https?://127\.0\.0\.1:(\d+)$")
        self.port = int(ready[1])
        with contextlib.suppress(FileNotFoundError), open(os.path.join(self.data, "admin.token"), encoding="ascii") as f:
            self.token = f.read().strip()

    def stop(self, sig=signal.SIGTERM):
        self.child.stop(sig)

    def kill9(self):
        self.child.kill9()

    def create_job(self, body, **kwargs):
        """The id of a job that was taken on."""
        reply = self.post("/v1/jobs", body, **kwargs).expect(202)
        if reply.headers["Location"] != f"/v1/jobs/{reply.json['id']}":
            raise AssertionError(f"wrong Location: {reply}")
        return reply.json["id"]

    def job(self, job):
        return self.get(f"/v1/jobs/{job}").expect(200).json

    def wait_job(self, job, seconds=JOB_S):
        """The job when it has ended."""
        end = time.monotonic() + seconds
        while True:
            got = self.get(f"/v1/jobs/{job}?wait=20").expect(200).json
            if got["state"] in ENDED:
                return got
            if time.monotonic() > end:
                raise AssertionError(f"the job has not ended within {seconds:g} s: {json.dumps(got, indent=1)}")


class Bench:
    """boards: how many, or one dict of options a board (espboard's, without dashes). pki: the shared set. usb: the
    host's USB is usb_tree's, and espgate sees the ports that adapter() puts into it."""

    def __init__(self, boards=1, broker=True, gate=True, server=None, acl="topic readwrite #", gate_args=(), usb=False):
        self.plan = [{} for _ in range(boards)] if isinstance(boards, int) else boards
        self.with_broker, self.with_gate, self.with_usb = broker, gate, usb
        self.server, self.acl, self.gate_args = server, acl, gate_args
        self.pki = bench_pki.shared()
        self.boards, self.broker, self.gate, self.clock, self.usb = [], None, None, None, None
        self.secrets = {PASSWORD}
        self.folder = tempfile.mkdtemp(prefix="espgate-flow-")
        self.env, self.stack = {}, contextlib.ExitStack()

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self._stop(failed=True)
            raise
        return self

    def __exit__(self, kind, *_):
        self._stop(failed=kind is not None)

    def _start(self):
        self.clock = TimeServer()
        self.stack.callback(self.clock.stop)
        modem = os.path.join(self.folder, "modem")
        os.makedirs(modem)
        self.env = {"PTYMODEM_DIR": modem, "ESPBOARD_SNTP_PORT": str(self.clock.port),
                    "ESPBOARD_RESOLVE": "127.0.0.1"}
        if self.with_usb:
            self.usb = usb_tree.UsbTree(self.folder)
            self.stack.callback(self.usb.stop)
            self.env.update(self.usb.env)
        if self.with_broker:
            self.broker = Broker(self.folder, self.pki, self.server, self.acl)
            self.stack.callback(self.broker.stop)
        for options in self.plan:
            self.add_board(**options)
        if self.with_gate:
            self.gate = Espgate(self.folder, self.env, self.gate_args, self.with_usb)
            self.secrets.update(filter(None, [self.gate.token]))
            self.stack.callback(self.assert_no_secrets)
            self.stack.callback(self.gate.stop)

    def _stop(self, failed):
        if failed:
            self.dump()
        try:
            self.stack.close()
        except AssertionError:
            if not failed:  # else the first failure tells more
                self.dump()
                raise
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def dump(self):
        """What everybody said so far."""
        children = [*(self.gate.children if self.gate else []), *(b.child for b in self.boards if b.child)]
        if self.broker:
            children.append(self.broker.child)
        for child in children:
            print(child.log(), flush=True)
        for board in self.boards:
            with contextlib.suppress(OSError, ValueError):
                print(f"transcript of {board.name}")
                for entry in board.transcript()[-60:]:
                    said = bytes.fromhex(entry.pop("hex", ""))
                    print(" ", *entry.values(), said if len(said) < 400 else said[:200] + b" ... " + said[-200:])
        print(flush=True)

    def assert_no_secrets(self):
        for child in self.gate.children:
            for secret in self.secrets:
                if child.has_said(secret):
                    raise AssertionError("espgate's log holds a private key or a password")

    def add_board(self, **options):
        board = Board(self.folder, len(self.boards) + 1, self.env, options)
        self.boards.append(board)
        self.stack.callback(board.stop)
        return board

    def adapter(self, board, port="download", **how):
        """Puts a USB adapter before a board's port; see UsbTree.add()."""
        return self.usb.add(getattr(board, port), **how)

    # ---- what a user does ----

    def slot(self, board, **more):
        """Its slot by name, made to be one: both ports of the board."""
        body = dict({"download_port": board.download, "at_port": board.at}, **more)
        self.gate.put(f"/v1/slots/{board.name}", body).expect(200, 201, 204)
        return board.name

    def upload(self, one=None, root=None):
        """The id of a credential thrown in as three files of any name; also when it is there already."""
        one, root = one or self.pki.device, root or self.pki.ca
        self.secrets.update(one.secrets())
        files = [("a", "first.bin", root.cert), ("b", "second.txt", one.key), ("c", "third", one.cert)]
        reply = self.gate.post("/v1/credentials?allow=duplicate_key", files=files)
        return reply.problem(409, "credential_exists")["earlier"] if reply.status == 409 else reply.expect(201).json["id"]

    def command(self, kind, slot, **more):
        """A job's body with what this bench's Wi-Fi, clock and broker need. A dict among `more` is merged in,
        None takes a field away."""
        body = {"kind": kind, "slot": slot}
        if kind in ("provision", "check"):
            body["wifi"] = {"ssid": SSID, "password": PASSWORD}
            body["time"] = {"server": "127.0.0.1"}
            body["mqtt"] = {"host": "localhost", "port": self.broker.port if self.broker else 8883, "scheme": 5}
        for name, value in more.items():
            if isinstance(value, dict) and isinstance(body.get(name), dict):
                value = {**body[name], **value}
            body[name] = value
        return {name: value for name, value in body.items() if value is not None}

    def run(self, kind, board, state="succeeded", **more):
        """One job from beginning to end on a board's slot; a provision or write without a credential uploads the
        usual one. The job."""
        if kind in ("provision", "write") and "credential" not in more:
            more["credential"] = self.upload()
        job = self.gate.wait_job(self.gate.create_job(self.command(kind, self.slot(board), **more)))
        if job["state"] != state:
            raise AssertionError(f"the job is not {state}: {json.dumps(job, indent=1)}")
        return job


class BenchCase(unittest.TestCase):
    """A bench for each test, made with the class's bench_options."""

    bench_options = {}
    maxDiff = None

    def setUp(self):
        self.bench = Bench(**self.bench_options)
        self.bench.__enter__()
        self.addCleanup(self._leave)
        self.gate = self.bench.gate

    def until_step(self, job, step):
        """Wait until the job is in this step. Polls it: there is nothing else to wait on."""
        while True:
            got = self.gate.job(job)
            if got["steps"] and got["steps"][-1]["name"] == step:
                return
            self.assertIsNone(got["finished_at"], f"ended before {step}: {got}")

    def _leave(self):
        outcome = getattr(self, "_outcome", None)
        failed = outcome is not None and not outcome.success
        self.bench.__exit__(AssertionError if failed else None, None, None)
