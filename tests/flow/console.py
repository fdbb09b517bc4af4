"""A board's AT port in the hands of a user who has a terminal program: what a job of espgate would put right first can
be done here."""
import os
import re
import select
import termios
import tty

import harness

PARTS = {"ca": 1, "cert": 2, "key": 3}


def image(part, pem):
    """An AtPKI image of one item: a head of 8 bytes, one of 4, and FF up to a multiple of 4."""
    body = bytes([PARTS[part], 0]) + len(pem).to_bytes(2, "little") + pem
    body += b"\xff" * (-len(body) % 4)
    return b"\xf1\xf1\1\0" + len(body).to_bytes(4, "little") + body


class Console:
    def __init__(self, board):
        self.fd = os.open(board.at, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.fd)
        settings = termios.tcgetattr(self.fd)
        settings[4] = settings[5] = termios.B115200
        termios.tcsetattr(self.fd, termios.TCSANOW, settings)
        while select.select([self.fd], [], [], 0.1)[0]:  # what nobody has read
            os.read(self.fd, 65536)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)

    def until(self, end):
        said = b""
        while not re.search(end, said, re.S):
            if not select.select([self.fd], [], [], harness.PATIENCE)[0]:
                raise AssertionError(f"the board says no more than {said!r}")
            said += os.read(self.fd, 65536)
        return said

    def ask(self, line, end=rb"\r\n(OK|ERROR)\r\n$"):
        os.write(self.fd, line.encode() + b"\r\n")
        return self.until(end)

    def wake(self):
        """AT until OK, of a board that may be booting."""
        for _ in range(int(harness.PATIENCE)):
            os.write(self.fd, b"AT\r\n")
            said = b""
            while select.select([self.fd], [], [], 1)[0] and not said.endswith(b"OK\r\n"):
                said += os.read(self.fd, 65536)
            if said.endswith(b"OK\r\n"):
                return
        raise AssertionError("the board does not answer AT")

    def values(self):
        """All of mfg_nvs: (namespace, key) → value."""
        found = {}
        for space in re.findall(rb'\+SYSMFG:"(\w+)"', self.ask("AT+SYSMFG?")):
            for key in re.findall(rb'","([\w.]+)",', self.ask(f'AT+SYSMFG=1,"{space.decode()}"')):
                name = f'"{space.decode()}","{key.decode()}"'
                said = self.ask(f"AT+SYSMFG=1,{name}", rb",\d+,(\d+),.*\r\n\r\nOK\r\n$")
                head, value = re.split(rb",\d+,\d+,", said, 1)[0], re.search(rb",\d+,(\d+),(.*)", said, re.S)
                assert head.endswith(name.encode()), said
                found[space.decode(), key.decode()] = value[2][:int(value[1])]
        return found

    # ---- the credential for MQTT, part by part ("ca", "cert", "key"), in either layout ----

    def has_partitions(self):
        return b'"mqtt_ca"' in self.ask("AT+SYSFLASH?")

    def erase(self, part):
        name = f'"mqtt_{part}"'
        line = f"AT+SYSFLASH=0,{name}" if self.has_partitions() else f"AT+SYSMFG=0,{name},{name}"
        assert self.ask(line).endswith(b"\r\nOK\r\n"), line

    def put(self, part, pem, cut=1.0):
        """cut: how much of it comes to the flash."""
        name = f'"mqtt_{part}"'
        if self.has_partitions():
            self.erase(part)
            data = image(part, pem)
            data = data[:int(len(data) * cut) // 4 * 4]
            line = f"AT+SYSFLASH=1,{name},0,{len(data)}"
        else:
            data = pem[:int(len(pem) * cut)]
            line = f"AT+SYSMFG=2,{name},{name},8,{len(data)}"
        self.ask(line, rb">$")
        os.write(self.fd, data)
        said = self.until(rb"\r\n(OK|ERROR)\r\n$")
        assert said.endswith(b"\r\nOK\r\n"), said
