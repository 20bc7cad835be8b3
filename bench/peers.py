"""Peers on this machine, for the scripts of this directory: started, watched, stopped."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.append(os.path.join(ROOT, "tests", "process"))
from ports import free_ports  # noqa: E402 - found by the line above

DOORS = ("client", "peer", "gossip", "admin")
NAMES = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
         "twelve")
PATIENCE = 60  # seconds, for what must happen
BUCKETS = ("commit", "interval")


class Failed(Exception):
    pass


class Peer:
    def __init__(self, directory, name, ports, members, shards, replicas=3):
        self.name = name
        self.ports = ports
        self.log = os.path.join(directory, name + ".log")
        self.config = os.path.join(directory, name + ".toml")
        doors = "\n".join(f'{door} = "127.0.0.1:{ports[door]}"' for door in DOORS)
        buckets = "\n".join(f'[[bucket]]\nname = "{bucket}"\ndurability = "{bucket}"\n'
                            for bucket in BUCKETS)
        with open(self.config, "w", encoding="utf-8") as out:
            out.write(f'[node]\ndata_directory = "{os.path.join(directory, name)}"\n'
                      f'shards = {shards}\nzone = "{name}"\n[doors]\n{doors}\n'
                      '[cluster]\nname = "bench"\n')
            if members:  # without, it waits to be joined
                out.write(f"initial_members = {json.dumps(members)}\nreplicas = {replicas}\n"
                          f"{buckets}")
        self.process = None

    def start(self, node, before=(), environment=None):
        """`before`: what the command begins with, such as taskset."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([*before, node, "--config", self.config], stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL,
                                            env={**os.environ, **(environment or {})})

    def is_ready(self):
        if self.process.poll() is not None:
            with open(self.log, encoding="utf-8", errors="replace") as log:
                raise Failed(f"{self.name} ended by itself; the end of its log:\n"
                             f"{log.read()[-2000:]}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ports['admin']}/healthz",
                                        timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            return False

    def get_text(self, path):
        """What its admin door says; None while it says nothing."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ports['admin']}{path}",
                                        timeout=5) as answer:
                return answer.read().decode()
        except (urllib.error.URLError, OSError):
            return None

    def get(self, path):
        text = self.get_text(path)
        return None if text is None else json.loads(text)

    def metric(self, name):
        """Summed over all its labels; None where it does not say."""
        values = [float(line.rsplit(" ", 1)[1])
                  for line in (self.get_text("/metrics") or "").splitlines()
                  if line.startswith((name + "{", name + " "))]
        return sum(values) if values else None

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as numbers:
            return int(numbers.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        """Asks it to end; stop() waits for that."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(signal.SIGTERM)

    def stop(self):
        if self.process is None:
            return
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Cluster:
    """Peers below a temporary directory; three unless told."""

    def __init__(self, options, before=(), environment=None, count=3):
        self.options = options
        self.count = count
        self.before = before
        self.environment = environment or (lambda name: {})
        self.directory = None
        self.peers = []

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self):
        self.directory = tempfile.mkdtemp(prefix="coterie-bench-", dir=self.options.directory)
        ports = free_ports(self.count * len(DOORS))
        doors = [dict(zip(DOORS, ports[len(DOORS) * i:])) for i in range(self.count)]
        members = [f"127.0.0.1:{each['gossip']}" for each in doors]
        for name, each in zip(NAMES, doors):
            self.peers.append(Peer(self.directory, name, each, members, self.options.shards,
                                   min(3, self.count)))
            self.peers[-1].start(self.options.node, self.before, self.environment(name))
        deadline = time.monotonic() + PATIENCE
        while not all(peer.is_ready() for peer in self.peers):
            if time.monotonic() > deadline:
                raise Failed(f"the peers were not ready within {PATIENCE} s")
            time.sleep(0.1)

    def __exit__(self, *_):
        for peer in self.peers:
            peer.end()
        for peer in self.peers:
            peer.stop()
        if self.directory:
            shutil.rmtree(self.directory, ignore_errors=True)

    def add(self, name):
        """A peer more, which waits to be joined."""
        doors = dict(zip(DOORS, free_ports(len(DOORS))))
        peer = Peer(self.directory, name, doors, [], self.options.shards)
        self.peers.append(peer)
        peer.start(self.options.node)
        return peer

    def seeds(self):
        return ",".join(f"127.0.0.1:{peer.ports['client']}" for peer in self.peers)

    def pids(self):
        return ",".join(str(peer.process.pid) for peer in self.peers)


def call(arguments):
    """Runs coterie-bench; its JSON. A run with failed operations is a failed run."""
    done = subprocess.run(arguments, stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        text = done.stdout.decode(errors="replace")
        raise Failed(f"{' '.join(arguments)} ended with {done.returncode}\n{text[-1500:]}")
    return json.loads(done.stdout)
