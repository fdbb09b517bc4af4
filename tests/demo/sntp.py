#!/usr/bin/python3
"""A tiny SNTP server (RFC 4330) with this machine's clock, for boards on a bench without a network.

    sntp.py [--address 127.0.0.1] [--port 0] [--shift SECONDS] [--silent]

Port 0 takes a free one; the first line on standard output is "listening on ADDRESS:PORT". --shift
answers another time than now, --silent takes questions and never answers. Ends with SIGTERM."""
import argparse
import signal
import socket
import struct
import sys
import time

NTP_TO_UNIX = 2208988800
CLIENT, SERVER = 3, 4


def answer_to(question, now):
    """The 48 bytes that answer a client's question; None when it is not one."""
    if len(question) < 48 or question[0] & 7 != CLIENT:
        return None
    stamp = struct.pack(">II", int(now) + NTP_TO_UNIX, int(now % 1 * 2**32))
    head = struct.pack(">BBbb", (question[0] & 0x38) | SERVER, 2, 6, -20)
    return head + struct.pack(">II4s", 0, 0, b"\x7f\x00\x00\x01") + stamp + question[40:48] + stamp * 2


def main():
    parser = argparse.ArgumentParser(description="tiny SNTP server")
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--shift", type=float, default=0.0)
    parser.add_argument("--silent", action="store_true")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((options.address, options.port))
        print("listening on %s:%d" % s.getsockname(), flush=True)
        while True:
            question, peer = s.recvfrom(512)
            reply = answer_to(question, time.time() + options.shift)
            if reply and not options.silent:
                s.sendto(reply, peer)


if __name__ == "__main__":
    main()
