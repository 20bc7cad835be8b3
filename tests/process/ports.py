"""Ports for peers on this machine."""

import contextlib
import itertools
import random
import socket

RANGE = "/proc/sys/net/ipv4/ip_local_port_range"
LOWEST = 10_000


def free_ports(count):
    """Ports that are free now, taken together so that they differ.

    They are below those that the kernel gives to whoever names none: no program that runs beside
    this one gets a peer's port while the peer is down.
    """
    with open(RANGE, encoding="ascii") as file:
        below = range(LOWEST, max(LOWEST, int(file.read().split()[0])))
    # Where there are none, or none is left, any will do: 0.
    candidates = itertools.chain(random.sample(below, len(below)), itertools.repeat(0))
    with contextlib.ExitStack() as stack:
        return [take(stack, candidates) for _ in range(count)]


def take(stack, candidates):
    """The first candidate that is free for TCP and UDP; it is the stack's to give back."""
    for candidate in candidates:
        tcp = stack.enter_context(socket.socket())
        udp = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
        with contextlib.suppress(OSError):
            tcp.bind(("127.0.0.1", candidate))
            port = tcp.getsockname()[1]
            udp.bind(("127.0.0.1", port))
            return port
    raise AssertionError("candidates never end")
