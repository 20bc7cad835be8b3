"""Ports for peers on this machine."""

import contextlib
import socket


def free_ports(count):
    """Ports that are free now, taken together so that they differ."""
    with contextlib.ExitStack() as stack:
        sockets = []
        for _ in range(count):
            probe = stack.enter_context(socket.socket())
            probe.bind(("127.0.0.1", 0))
            sockets.append(probe)
        return [probe.getsockname()[1] for probe in sockets]
