"""One fault after another on three peers under load: killed, stopped, cut off, restarted, without
room on the disk. In the end every acknowledged write is there, and no peer has grown without
bound. For two minutes, or COTERIE_SOAK_SECONDS; COTERIE_SOAK_SEED repeats the order of faults."""

import os
import random
import signal
import time
import unittest
from collections import Counter

import namespaces
from cluster import wait_until
from load import Load
from namespaces import NamespacedCluster

SECONDS = float(os.environ.get("COTERIE_SOAK_SECONDS", "120"))
SEED = int(os.environ.get("COTERIE_SOAK_SEED", "0")) or random.randrange(1, 1 << 32)
DISK_MIB = 2048
RESIDENT_MOST = 2 << 30  # bytes; a peer's maps are counted where they are touched


class Soak:
    """Faults, one at a time; each returns what takes it away again."""

    def __init__(self, cluster, chance):
        self.cluster, self.random = cluster, chance
        self.counts = Counter()

    def kill(self, peer):
        peer.kill()
        return peer.start

    def restart(self, peer):
        peer.terminate()
        return peer.start

    def stop(self, peer):
        peer.signal(signal.SIGSTOP)
        return lambda: peer.signal(signal.SIGCONT)

    def cut_off(self, peer):
        self.cluster.isolate(peer)
        return self.cluster.join

    def unheard(self, peer):
        other = self.random.choice([each for each in self.cluster.peers if each is not peer])
        self.cluster.cut(peer, other)
        return self.cluster.join

    def no_room(self, peer):
        ballast = self.cluster.fill_disk(peer)
        return lambda: os.remove(ballast)

    def strike(self):
        fault = self.random.choice(["kill", "restart", "stop", "cut_off", "unheard", "no_room"])
        peer = self.random.choice(self.cluster.peers)
        seconds = self.random.uniform(0.2, 8)
        self.counts[fault] += 1
        mend = getattr(self, fault)(peer)
        time.sleep(seconds)
        mend()
        wait_until(self.is_whole, f"all alive after {fault} of {peer.name} for {seconds:.1f} s")

    def is_whole(self):
        return (all(peer.is_running() and peer.is_ready() for peer in self.cluster.peers) and
                all(self.cluster.states(i) == ["alive"] * 3 for i in range(3)))


def resident_bytes(peer):
    with open(f"/proc/{peer.process.pid}/statm", encoding="ascii") as numbers:
        return int(numbers.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Soaked(unittest.TestCase):
    def test_nothing_acknowledged_is_lost(self):
        print(f"seed {SEED}, {SECONDS:.0f} s", flush=True)
        with NamespacedCluster(disk_mib=DISK_MIB) as cluster:
            cluster.start()
            # A bounded pace: the disks are small, the verification reads everything, and other
            # tests run beside this one.
            load = Load(cluster, in_flight=4, a_second=1000)
            soak = Soak(cluster, random.Random(SEED))
            end = time.monotonic() + SECONDS
            while time.monotonic() < end:
                load.wait_for(200)
                soak.strike()
            load.wait_for(200)
            report = load.stop()
            load.verify(self)
            print(", ".join(f"{name} {count}" for name, count in sorted(soak.counts.items())),
                  f"; {report['acknowledged']:.0f} acknowledged, {report['failed']:.0f} failed, "
                  f"longest {report['longest_ms']:.0f} ms", flush=True)
            for peer in cluster.peers:
                self.assertLess(resident_bytes(peer), RESIDENT_MOST)


if __name__ == "__main__":
    namespaces.enter()
    unittest.main(verbosity=2)
