"""Replays what two real ESP-AT builds were seen to say, byte for byte, against the simulated firmware: V2.0, and a v4.1 as
far as it needs no network but the access point.

Per port, all bytes between two host writes are compared. What may differ is filtered by name here, and nothing else is: log
times, minutes since power-on, heap figures, signal strength, the watchdog lines of a loaded emulator, the stations that
joined the emulated access point. The lines that Wi-Fi says by itself come when it suits it; their order is compared over
the whole session. The recorder itself lost bytes of long bursts (a 1232-byte read shows 509 bytes): there, what it kept
must be what the board says with pieces left out, and the board's own bytes are compared with what it was given to store."""
import json
import os
import re
import time
import unittest

from recording import is_thinned
from simboard import Board, DATA, PATIENCE

PARTITION = {"client_cert": 0x2A000, "mqtt_cert": 0x37000, "mqtt_key": 0x39000, "mqtt_ca": 0x3B000, "fatfs": 0x70000}
SILENCE = 0.15  # s that a host write without an answer is given to produce one after all
WIFI = re.compile(rb"WIFI (?:CONNECTED|GOT IP|DISCONNECT)\r\n")
AP = "Espressif"
V20 = ("basic", "boot-reset", "pki-write", "restore", "sysflash", "uart-cur")
V41 = ("basic", "boot-reset", "mqtt-config", "mqtt-order", "restore", "sysflash", "sysmfg-cases", "sysmfg-provision",
       "uart-cur")
NO_AP = ("basic", "sysflash", "uart-cur")  # of v4.1: recorded without a stored access point

# The factory parameters of the recorded v4.1 board, which was not a stock one.
FACTORY = (("description", 7, "bench"), ("version", 2, 3), ("max_tx_power", 2, 78), ("uart_port", 2, 1),
           ("start_channel", 2, 1), ("channel_num", 2, 13), ("country_code", 7, "CN"), ("uart_baudrate", 6, 115200),
           ("uart_tx_pin", 6, 17), ("uart_rx_pin", 6, 16), ("uart_cts_pin", 6, 15), ("uart_rts_pin", 6, 14),
           ("platform", 7, "PLATFORM_ESP32"), ("module_name", 7, "WROOM-32"))
PEM = "-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----\n"


def load(name):
    """[(host port, host bytes, notes, {port: board bytes until the next host write})]"""
    steps = [(None, b"", [], {"at": b"", "log": b""})]
    notes = []
    with open(os.path.join(DATA, "at-transcripts", name + ".jsonl")) as f:
        for line in f:
            e = json.loads(line)
            if "note" in e:
                notes.append(e["note"])
            elif e.get("dir") == "host":
                steps.append((e["port"], bytes.fromhex(e["hex"]), notes, {"at": b"", "log": b""}))
                notes = []
            elif e.get("dir") == "board":
                steps[-1][3][e["port"]] += bytes.fromhex(e["hex"])
    return steps


def filtered(port, data):
    if port == "at":
        data = WIFI.sub(b"", data)
        data = re.sub(rb'\+STA_(DIS)?CONNECTED:"[0-9a-f:]{17}"\r\n', b"", data)
        data = re.sub(rb'(\+CWJAP:"[^"]*","[^"]*",\d+),-\d+', rb"\1,(signal)", data)
        data = re.sub(rb"(\+CIPSNTPTIME:Thu Jan  1 \d\d):\d\d:\d\d", rb"\1:(since power-on)", data)
        return re.sub(rb"\+SYSRAM:\d+(,\d+)?", b"+SYSRAM:(heap)", data)
    data = re.sub(rb"\x1b\[0;31mE \(\d+\) task_wdt:[^\r]*\r\n", b"", data)
    return re.sub(rb"([EWI]) \(\d+\)", rb"\1 (time)", data)


TABLE = re.compile(rb"(?<=boot: Partition Table:)(.*?)(?=boot: End of partition table)", re.S)
READ_FLASH = re.compile(rb"(\+SYSFLASH:)(\d+),(.*)\r\nOK\r\n\Z", re.S)
READ_MFG = re.compile(rb'(\+SYSMFG:"\w+","\w+",8,)(\d+),(.*)\r\nOK\r\n\Z', re.S)


def read_of(data):
    return READ_FLASH.match(data) or READ_MFG.match(data)


class Replay:
    """One session: the board, what the host has given it to store, and what Wi-Fi said by itself."""

    def __init__(self, test, board):
        self.test, self.board = test, board
        self.written = b""  # the newest long host write
        self.wifi = {"recorded": [], "said": []}

    def compare_log(self, recorded, said):
        """The table that the bootloader prints came through the recorder with holes."""
        holes, whole = TABLE.findall(recorded), TABLE.findall(said)
        for h, w in zip(holes, whole):
            self.test.assertTrue(is_thinned(h, w), "%r\nis not part of\n%r" % (h, w))
        self.test.assertEqual(len(holes), len(whole))
        self.test.assertEqual(TABLE.sub(b"", recorded), TABLE.sub(b"", said))

    def stored(self, sent, n):
        flash = re.match(rb'AT\+SYSFLASH=2,"(\w+)",(\d+),(\d+)', sent)
        if not flash:
            return self.written + b"\r\n"
        name, offset, _ = flash.groups()
        return self.board.flash_bytes(PARTITION[name.decode()] + int(offset), n)

    def compare_read(self, sent, recorded, said):
        """A read of which the recorder lost a part."""
        test, full = self.test, read_of(said)
        test.assertTrue(full, said)
        test.assertEqual(read_of(recorded).groups()[:2], full.groups()[:2])
        test.assertEqual(full.group(3), self.stored(sent, int(full.group(2))))
        test.assertTrue(is_thinned(recorded, said))

    def compare(self, sent, port, recorded, said):
        recorded, said = filtered(port, recorded), filtered(port, said)
        read = read_of(recorded) if port == "at" else None
        if port == "log":
            self.compare_log(recorded, said)
        elif read and len(read.group(3)) < int(read.group(2)):
            self.compare_read(sent, recorded, said)
        else:
            self.test.assertEqual(recorded, said)

    def take(self, step):
        """Let the board speak until it has said what was recorded (then a little longer)."""
        _, sent, _, recorded = step
        board = self.board
        end = time.monotonic() + PATIENCE
        while True:
            board.at.pump(0.02)
            board.log.pump(0.02)
            said = {"at": board.at.seen, "log": board.log.seen}
            try:
                for port in ("at", "log"):
                    self.compare(sent, port, recorded[port], said[port])
            except AssertionError:
                if time.monotonic() > end:
                    raise
                continue
            self.wifi["recorded"] += WIFI.findall(recorded["at"])
            self.wifi["said"] += WIFI.findall(said["at"])
            # What comes late from here on stands at the head of the next step, and fails it.
            board.at.seen = board.log.seen = b""
            return

    def run(self, steps):
        for step in steps:
            port, sent, notes, recorded = step
            for note in notes:
                change = re.match(r"host changes its line speed to (\d+)", note)
                if change:
                    self.board.at.set_baud(int(change.group(1)))
            if len(sent) > 1000:
                self.written = sent
            if port:
                self.board.at.write(sent)
            with self.test.subTest(sent=sent[:60]):
                if not recorded["at"] and not recorded["log"]:
                    time.sleep(SILENCE)
                self.take(step)
        time.sleep(SILENCE)
        self.take((None, b"", [], {"at": b"", "log": b""}))


class Transcript(unittest.TestCase):
    maxDiff = None

    def start(self, firmware, **options):
        board = Board(firmware=firmware, **options)
        self.addCleanup(board.stop)
        return Replay(self, board)

    def replay_v20(self, name):
        self.start("2.0").run(load("v20-" + name))

    def test_v20_wifi_not_joined(self):
        """But for the TLS sockets, which this board does not have."""
        session = self.start("2.0")
        session.board.boot().command("AT+CWMODE=1")
        session.board.power_off()
        session.board.power_on()
        session.run([step for step in load("v20-wifi-not-joined") if b"SSL" not in step[1]])

    def put(self, board, namespace, key, kind, value):
        if kind < 7:
            said = board.command('AT+SYSMFG=2,"%s","%s",%d,%d' % (namespace, key, kind, value))
        else:
            said = board.write_value(namespace, key, value.encode(), kind)
        self.assertEqual(b"\r\nOK\r\n", said)

    def prepare_v41(self, board, name):
        """What the recorded board held when it was switched on."""
        board.boot()
        for namespace in re.findall(r'\+SYSMFG:"(\w+)"', board.command("AT+SYSMFG?").decode()):
            board.command('AT+SYSMFG=0,"%s"' % namespace)
        credentials = [(user + part, user + part + end) for user, end in (("client_", ".0"), ("mqtt_", ""))
                       for part in ("ca", "cert", "key")]
        # The session that wrote them had the factory parameters behind them, and left them in front.
        first = 6 if name == "sysmfg-provision" else 3
        for namespace, key in credentials[:first]:
            self.put(board, namespace, key, 8, PEM)
        for key, kind, value in FACTORY:
            self.put(board, "factory_param", key, kind, value)
        for namespace, key in credentials[first:]:
            self.put(board, namespace, key, 8, PEM)
        board.command("AT+CWMODE=1")
        if name not in NO_AP:
            board.command('AT+CWJAP="%s",""' % AP)
        board.power_off()
        board.power_on()

    def replay_v41(self, name):
        session = self.start("4.1", wifi=(AP,))
        self.prepare_v41(session.board, name)
        session.run(load("v41-" + name))
        said = session.wifi["said"]
        if session.wifi["recorded"].count(b"WIFI GOT IP\r\n") < said.count(b"WIFI GOT IP\r\n"):
            said.remove(b"WIFI GOT IP\r\n")  # the recorded one was reset before it had its address
        self.assertEqual(session.wifi["recorded"], said)


def add(release, name):
    replay = {"v20": Transcript.replay_v20, "v41": Transcript.replay_v41}[release]
    setattr(Transcript, "test_%s_%s" % (release, name.replace("-", "_")), lambda self: replay(self, name))


for _release, _names in (("v20", V20), ("v41", V41)):
    for _name in _names:
        add(_release, _name)

if __name__ == "__main__":
    unittest.main()
