"""Peers in network namespaces of their own, so that links can be cut and disks be small.

enter() moves the test program into namespaces that end with it: nothing that it mounts, adds or
filters is seen outside, and nothing of it stays.
"""

import contextlib
import json
import os
import subprocess
import sys
import unittest

from cluster import DOORS, Cluster, Peer, run

INSIDE = "--in-namespaces"
BRIDGE = "10.99.0.1"
SLOW_LINK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "slow_link.py")

outside = "its namespaces were not entered"  # why tests are skipped; empty within namespaces


def enter():
    """Runs this program again in namespaces of its own. Where that is refused, goes on, and each
    NamespacedCluster skips its test."""
    global outside
    if INSIDE in sys.argv:
        sys.argv.remove(INSIDE)
        outside = ""
        # Also hides the host's /run: `ip netns` keeps its names there.
        shell("mount -t tmpfs tmpfs /run")
        shell("ip link set lo up")
        return
    command = ["unshare", "--net", "--mount"]
    if os.getuid() != 0:
        command += ["--user", "--map-root-user"]
    code, _, errors = run([*command, "sh", "-c", "mount -t tmpfs tmpfs /run && ip netns add try "
                           "&& ip netns exec try nft add table inet try"])
    if code == 0:
        os.execvp("unshare", [*command, sys.executable, "-B", *sys.argv, INSIDE])
    outside = "no network namespaces here: " + errors.strip()


def shell(command):
    """A short command that must work."""
    subprocess.run(command.split(), check=True, capture_output=True, text=True, timeout=60)


class NamespacedCluster(Cluster):
    """Each peer has a namespace, joined to a bridge; its data may lie on a small disk."""

    def __init__(self, disk_mib=None, **options):
        if outside:
            raise unittest.SkipTest(outside)
        self.disk_mib = disk_mib
        self.proxies = []
        shell("ip link add bridge type bridge")
        shell("ip link set bridge up")
        shell(f"ip address add {BRIDGE}/24 dev bridge")
        super().__init__(**options)

    def make_peers(self, count):
        peers = []
        for index in range(count):
            name, host = f"peer{index}", f"10.99.0.{11 + index}"
            shell(f"ip netns add {name}")
            shell(f"ip link add {name} type veth peer name inside netns {name}")
            shell(f"ip link set {name} master bridge up")
            for words in (f"ip address add {host}/24 dev inside", "ip link set inside up",
                          "ip link set lo up", "nft add table inet cut",
                          "nft add chain inet cut input {type filter hook input priority 0;}"):
                shell(f"ip netns exec {name} {words}")
            peer = Peer(self.directory, name, range(7400, 7400 + len(DOORS)), host,
                        ["ip", "netns", "exec", name])
            if self.disk_mib:
                disk = self.path(name + "-disk")
                os.mkdir(disk)
                shell(f"mount -t tmpfs -o size={self.disk_mib}m tmpfs {disk}")
                peer.data = os.path.join(disk, "data")
            peers.append(peer)
        return peers

    def __exit__(self, kind, *_):
        try:
            for proxy in self.proxies:
                proxy.kill()
                proxy.wait()
                proxy.stdout.close()
            for peer in self.peers:
                if peer.is_running():
                    peer.kill()
                if self.disk_mib:
                    shell(f"umount {os.path.dirname(peer.data)}")
                shell(f"ip link delete {peer.name}")
                shell(f"ip netns delete {peer.name}")
        finally:
            shell("ip link delete bridge")
            super().__exit__(kind)

    def cut(self, sender, receiver):
        """Nothing that `sender` sends reaches `receiver` any more."""
        shell(f"ip netns exec {receiver.name} nft add rule inet cut input "
              f"ip saddr {sender.host} drop")

    def isolate(self, peer):
        """Cut off from all other peers, both ways; clients still reach it."""
        for other in self.peers:
            if other is not peer:
                self.cut(peer, other)
                self.cut(other, peer)

    def join(self):
        """No link is cut any more."""
        for peer in self.peers:
            shell(f"ip netns exec {peer.name} nft flush chain inet cut input")

    def slow_down(self, peer, door, delay_ms):
        """What comes to this door of the peer from now on, and the answers, take longer, by so much
        each way. Connections that are there already stay quick."""
        port = peer.ports[door]
        proxy_port = port + 1000
        proxy = subprocess.Popen([*peer.before, sys.executable, "-B", SLOW_LINK, str(proxy_port),
                                  peer.address(door), str(delay_ms)],
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.proxies.append(proxy)
        if proxy.stdout.readline().strip() != "ready":
            raise AssertionError(f"the proxy before {peer.address(door)} does not start")
        inside = f"ip netns exec {peer.name} nft add"
        shell(f"{inside} table ip slow")
        shell(f"{inside} chain ip slow come {{type nat hook prerouting priority -100;}}")
        shell(f"{inside} rule ip slow come tcp dport {port} counter redirect to :{proxy_port}")

    def slowed_connections(self, peer):
        """How many came to the peer's slow doors."""
        _, out, _ = run([*peer.before, "nft", "-j", "list", "table", "ip", "slow"])
        return sum(part["counter"]["packets"] for item in json.loads(out)["nftables"]
                   for part in item.get("rule", {}).get("expr", []) if "counter" in part)

    def enlarge_disk(self, peer, disk_mib):
        """Makes room for what the peer's disk has no room for any more."""
        shell(f"mount -o remount,size={disk_mib}m {os.path.dirname(peer.data)}")

    def fill_disk(self, peer):
        """Leaves no room on the peer's disk; returns what to remove to make room again."""
        ballast = os.path.join(os.path.dirname(peer.data), "ballast")
        # A buffer that cannot be flushed would fail again when the file is closed.
        with open(ballast, "wb", buffering=0) as out, contextlib.suppress(OSError):
            while True:
                out.write(bytes(65536))
        return ballast
