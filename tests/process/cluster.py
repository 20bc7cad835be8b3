"""Peers as real processes on loopback, for the process tests.

A test is a unittest file NAME_test.py; it finds the programs through COTERIE_BUILD.
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from ports import free_ports

BUILD = os.environ["COTERIE_BUILD"]
NODE = os.path.join(BUILD, "coterie-node")
COTERIE = os.path.join(BUILD, "coterie")
ADMIN = os.path.join(BUILD, "cluster-admin")
LOAD = os.path.join(BUILD, "tests/process/load")
POWER_LOSS = os.path.join(BUILD, "tests/process/libpower_loss.so")
WRONG_CLOCK = os.path.join(BUILD, "tests/process/libwrong_clock.so")
PATIENCE = 60  # seconds, for what must happen
DOORS = ("client", "peer", "gossip", "admin")


def wait_until(condition, what, patience=PATIENCE):
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not seen within {patience} s: {what}")
        time.sleep(0.05)


class Peer:
    """`before` is put before the program: what runs it elsewhere."""

    def __init__(self, directory, name, ports, host="127.0.0.1", before=()):
        self.name = name
        self.ports = dict(zip(DOORS, ports))
        self.host = host
        self.before = list(before)
        self.config = os.path.join(directory, name + ".toml")
        self.data = os.path.join(directory, name)
        self.log = os.path.join(directory, name + ".log")
        self.process = None

    def address(self, door):
        return f"{self.host}:{self.ports[door]}"

    def start(self, preload=None, arguments=()):
        env = dict(os.environ)
        if preload:
            env["LD_PRELOAD"] = preload
        with open(self.log, "ab") as log:
            command = [*self.before, NODE, "--config", self.config, *arguments]
            self.process = subprocess.Popen(command, env=env, stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL)

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        """SIGKILL, and the end of the process."""
        self.process.kill()
        self.process.wait()

    def terminate(self):
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=PATIENCE)

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def get(self, path):
        """The admin door's answer as JSON; None while there is none."""
        try:
            with urllib.request.urlopen(f"http://{self.address('admin')}{path}",
                                        timeout=5) as answer:
                return json.load(answer)
        except urllib.error.HTTPError:
            return None
        except (OSError, ValueError):
            return None

    def metric(self, name):
        """Summed over all its labels; None while the node says nothing."""
        try:
            with urllib.request.urlopen(f"http://{self.address('admin')}/metrics",
                                        timeout=5) as answer:
                lines = answer.read().decode().splitlines()
        except OSError:
            return None
        values = [float(line.rsplit(" ", 1)[1]) for line in lines
                  if line.startswith((name + "{", name + " "))]
        return sum(values) if values else None

    def is_ready(self):
        return self.get("/healthz") is not None

    def log_text(self):
        with open(self.log, encoding="utf-8", errors="replace") as text:
            return text.read()


class Cluster:
    """Peers with configurations of their own below a temporary directory; a context manager."""

    def __init__(self, peers=3, shards=1, extra="", partitions=64):
        self.directory = tempfile.mkdtemp(prefix="coterie-test-")
        self.shards = shards
        self.peers = self.make_peers(peers)
        members = ", ".join(f'"{peer.address("gossip")}"' for peer in self.peers)
        for index, peer in enumerate(self.peers):
            self.configure(peer, f"zone{index}",
                           f"initial_members = [{members}]\nreplicas = {min(3, peers)}\n"
                           f'partitions = {partitions}\n[[bucket]]\nname = "default"\n'
                           '[[bucket]]\nname = "relaxed"\ndurability = "interval"\n' + extra)

    def configure(self, peer, zone, cluster):
        """Writes the peer's file; `cluster` is what follows the cluster's name."""
        doors = "\n".join(f'{door} = "{peer.address(door)}"' for door in DOORS)
        if peer.host != "127.0.0.1":
            doors += "\ninsecure = true"
        with open(peer.config, "w", encoding="utf-8") as out:
            out.write(f'[node]\ndata_directory = "{peer.data}"\nshards = {self.shards}\n'
                      f'zone = "{zone}"\n[doors]\n{doors}\n[cluster]\nname = "test"\n{cluster}')

    def make_peers(self, count, first=0):
        ports = free_ports(len(DOORS) * count)
        return [Peer(self.directory, f"peer{first + i}", ports[len(DOORS) * i:][:len(DOORS)])
                for i in range(count)]

    def add(self, zones):
        """Peers that wait to be joined, started; one in each of the zones."""
        added = self.make_peers(len(zones), len(self.peers))
        for peer, zone in zip(added, zones):
            self.configure(peer, zone, "")
            peer.start()
        self.peers += added
        return added

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        for peer in self.peers:
            if peer.is_running():
                peer.signal(signal.SIGCONT)
                peer.kill()
        if kind is not None:
            for peer in self.peers:
                if os.path.exists(peer.log):
                    print(f"--- the end of {peer.name}'s log\n" + peer.log_text()[-3000:])
        shutil.rmtree(self.directory)

    def start(self, preload=None):
        for peer in self.peers:
            peer.start(preload)
        self.wait_ready()

    def wait_ready(self):
        def ready():
            for peer in self.peers:
                if not peer.is_running():
                    raise AssertionError(f"{peer.name} ended by itself")
            return all(peer.is_ready() for peer in self.peers)

        wait_until(ready, "every peer ready")

    def states(self, seen_by=0):
        """The liveness of all nodes as one peer sees it, in the order of the peers."""
        status = self.peers[seen_by].get("/v1/status") or {"nodes": []}
        by_gossip = {node["addresses"]["gossip"]: node["state"] for node in status["nodes"]}
        return [by_gossip.get(peer.address("gossip")) for peer in self.peers]

    def seeds(self):
        return [f"--seed={peer.address('client')}" for peer in self.peers if peer.is_running()]

    def path(self, name):
        return os.path.join(self.directory, name)


def run(command, **options):
    """A command's exit code, standard output and standard error."""
    done = subprocess.run(command, text=True, capture_output=True, timeout=600, check=False,
                          stdin=subprocess.DEVNULL, **options)
    return done.returncode, done.stdout, done.stderr
