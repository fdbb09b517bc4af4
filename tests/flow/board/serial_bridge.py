"""Gives a program without serial ports of its own one of a simulated board's: run with the shim
preloaded, PORT as argument. Standard output carries what the board sends, as it is. Standard input
carries packets: a type byte, a length (u16, little-endian), content.
  D  bytes for the board      B  u32: speed      S  two bytes: DTR, RTS; 0, 1, or 2 = as it is"""
import fcntl
import os
import struct
import sys
import termios
import threading

import serial


def set_lines(port, dtr, rts):
    word = struct.unpack("I", fcntl.ioctl(port.fileno(), termios.TIOCMGET, bytes(4)))[0]
    for state, line in ((dtr, termios.TIOCM_DTR), (rts, termios.TIOCM_RTS)):
        word = word | line if state == 1 else word & ~line if state == 0 else word
    fcntl.ioctl(port.fileno(), termios.TIOCMSET, struct.pack("I", word))


def forward(port):
    out = sys.stdout.fileno()
    while True:
        data = port.read(1)
        data += port.read(port.in_waiting)
        while data:
            data = data[os.write(out, data):]


def main():
    port = serial.Serial(sys.argv[1], 115200)
    port.reset_input_buffer()
    threading.Thread(target=forward, args=(port,), daemon=True).start()
    source = sys.stdin.buffer
    head = source.read(3)
    while len(head) == 3:
        kind, n = struct.unpack("<cH", head)
        body = source.read(n)
        if kind == b"D":
            port.write(body)
        elif kind == b"B":
            port.baudrate = struct.unpack("<I", body)[0]
        elif kind == b"S":
            set_lines(port, *body)
        head = source.read(3)


main()
