"""Ports for servers that the tests start."""
import random
import socket

# Below those that the system gives to clients' ends of connections: of these, thousands come and go meanwhile.
LOWEST, HIGHEST = 15000, 32000


def free_port(kind=socket.SOCK_STREAM):
    """One that nobody listens on now."""
    while True:
        port = random.randrange(LOWEST, HIGHEST)
        with socket.socket(socket.AF_INET, kind) as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
