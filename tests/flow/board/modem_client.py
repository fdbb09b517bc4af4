"""A program that takes a simulated board's port for a real one: run with the shim preloaded.
usage: modem_client.py PORT STEP...
Steps: tight, classic, hard (reset sequences, by pyserial); lines:DTR,RTS (both at once);
gone (waits for its hang-up); flood:BYTES (as much as the port takes at once); state (DTR RTS CTS DSR as digits); wait:SECONDS; sync (8 answers or fewer: their number); text:SECONDS
(what comes until nothing has come for so long); libserialport (the same port by that library).
Each step's result goes to standard output, with a NUL behind it."""
import ctypes
import fcntl
import os
import select
import struct
import sys
import termios
import time

import serial

SYNC = b"\xc0\x00\x08\x24\x00\x00\x00\x00\x00\x07\x07\x12\x20" + b"\x55" * 32 + b"\xc0"
PATIENCE = 15.0
ANSWER = b"\xc0\x01\x08\x04\x00\x07\x07\x12\x20\x00\x00\x00\x00\xc0"


def set_lines(port, dtr, rts):
    """Both lines in one call, as the tight sequence needs it."""
    word = struct.unpack("I", fcntl.ioctl(port.fileno(), termios.TIOCMGET, bytes(4)))[0]
    word &= ~(termios.TIOCM_DTR | termios.TIOCM_RTS)
    word |= (termios.TIOCM_DTR if dtr else 0) | (termios.TIOCM_RTS if rts else 0)
    fcntl.ioctl(port.fileno(), termios.TIOCMSET, struct.pack("I", word))


def tight(port):
    for dtr, rts, seconds in ((0, 0, 0), (1, 1, 0), (0, 1, 0.1), (1, 0, 0.05), (0, 0, 0)):
        set_lines(port, dtr, rts)
        time.sleep(seconds)
    port.dtr = False


def classic(port):
    port.dtr = False
    port.rts = True
    time.sleep(0.1)
    port.dtr = True
    port.rts = False
    time.sleep(0.05)
    port.dtr = False


def hard(port):
    port.dtr = False
    port.rts = True
    time.sleep(0.1)
    port.rts = False


def text(port, seconds):
    port.timeout = seconds
    got = b""
    more = port.read(4096) if port.in_waiting else port.read(1)
    while more:
        got += more
        more = port.read(port.in_waiting or 1)
    return got


def sync(port):
    port.reset_input_buffer()
    port.write(SYNC)
    port.timeout = 0.5
    return str(port.read(8 * len(ANSWER)).count(ANSWER)).encode()


def gone(port):
    poll = select.poll()
    poll.register(port.fileno(), 0)
    return b"%d" % len(poll.poll(PATIENCE * 1000))


def check(rc, what):
    if rc < 0:
        raise SystemExit(f"{what} failed: {rc}")
    return rc


def libserialport(path):
    """Opens the port as unmodified libserialport does, resets into the loader, and syncs."""
    lib = ctypes.CDLL("libserialport.so.0")
    handle = ctypes.c_void_p()
    check(lib.sp_get_port_by_name(os.path.realpath(path).encode(), ctypes.byref(handle)), "by_name")
    check(lib.sp_open(handle, 3), "open")
    for baud in (921600, 74880, 115200):
        check(lib.sp_set_baudrate(handle, baud), "set_baudrate")
    signals = ctypes.c_int()
    for dtr, rts, seconds in ((0, 0, 0), (0, 1, 0.1), (1, 1, 0), (1, 0, 0.05), (0, 0, 0)):
        check(lib.sp_set_dtr(handle, dtr), "set_dtr")
        check(lib.sp_set_rts(handle, rts), "set_rts")
        check(lib.sp_get_signals(handle, ctypes.byref(signals)), "get_signals")
        time.sleep(seconds)
    buffer = ctypes.create_string_buffer(4096)
    boot = lib.sp_blocking_read(handle, buffer, 4096, 200)
    words = buffer.raw[:boot].strip().split(b"\r\n")[-1]
    check(lib.sp_blocking_write(handle, SYNC, len(SYNC), 1000), "write")
    got = lib.sp_blocking_read(handle, buffer, 8 * len(ANSWER), 5000)
    answers = buffer.raw[:got].count(ANSWER)
    check(lib.sp_close(handle), "close")
    lib.sp_free_port(handle)
    return words + b", %d answers" % answers


def main():
    path, steps = sys.argv[1], sys.argv[2:]
    port = None if steps == ["libserialport"] else serial.Serial(path, 115200)
    for step in steps:
        name, _, value = step.partition(":")
        result = b""
        if name in ("tight", "classic", "hard"):
            port.reset_input_buffer()
            {"tight": tight, "classic": classic, "hard": hard}[name](port)
        elif name == "lines":
            set_lines(port, *(int(v) for v in value.split(",")))
        elif name == "gone":
            result = gone(port)
        elif name == "flood":
            os.set_blocking(port.fileno(), False)
            result = b"%d" % os.write(port.fileno(), b"\x5a" * int(value))
        elif name == "state":
            result = b"%d%d%d%d" % (port.dtr, port.rts, port.cts, port.dsr)
        elif name == "wait":
            time.sleep(float(value))
        elif name == "sync":
            result = sync(port)
        elif name == "text":
            result = text(port, float(value))
        elif name == "libserialport":
            result = libserialport(path)
        else:
            raise SystemExit(f"no step {step}")
        sys.stdout.buffer.write(result + b"\0")
        sys.stdout.buffer.flush()


main()
