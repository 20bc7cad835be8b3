"""Links that are cut and disks that are full: every acknowledged write is there afterwards, and
writes go on meanwhile."""

import os
import time
import unittest

import namespaces
from cluster import COTERIE, run, wait_until
from load import Load
from namespaces import NamespacedCluster

ALIVE = ["alive"] * 3
IN_FLIGHT = 64  # requests of Load


class Links(unittest.TestCase):
    def under_load(self, fault, is_seen):
        """Writes before, during and after the fault. What was in flight at a peer when its links
        were cut may end as unknown; nothing more may fail."""
        with NamespacedCluster() as cluster:
            cluster.start()
            load = Load(cluster)
            load.wait_for(2000)
            fault(cluster)
            wait_until(lambda: is_seen(cluster), "the fault is seen")
            load.wait_for(2000)
            cluster.join()
            wait_until(lambda: all(cluster.states(i) == ALIVE for i in range(3)),
                       "all see all alive again")
            load.wait_for(2000)
            report = load.stop()
            load.verify(self)
            self.assertLessEqual(report["failed"], IN_FLIGHT)

    def test_one_is_cut_off(self):
        self.under_load(
            lambda cluster: cluster.isolate(cluster.peers[2]),
            lambda cluster: cluster.states(0)[2] == "dead" and cluster.states(1)[2] == "dead" and
            cluster.states(2)[:2] == ["dead", "dead"])

    def test_one_is_not_heard_by_another(self):
        """One way, between two: the third keeps all three alive in everybody's eyes."""
        def goes_on(cluster):
            time.sleep(5)
            return cluster.states(2) == ALIVE

        self.under_load(lambda cluster: cluster.cut(cluster.peers[0], cluster.peers[1]), goes_on)

    def test_none_hears_another(self):
        """No two peers meet: nothing is acknowledged that could be lost, reads and writes are
        refused, and all is well when the links are back."""
        with NamespacedCluster() as cluster:
            cluster.start()
            load = Load(cluster)
            load.wait_for(2000)
            for peer in cluster.peers:
                cluster.isolate(peer)
            wait_until(lambda: all(cluster.states(i).count("dead") == 2 for i in range(3)),
                       "each is alone")
            code, _, errors = run([COTERIE, "put", "alone", "value", *cluster.seeds()])
            self.assertNotEqual(code, 0, errors)
            cluster.join()
            wait_until(lambda: all(cluster.states(i) == ALIVE for i in range(3)),
                       "all see all alive again")
            load.wait_for(2000)
            load.stop()
            load.verify(self)

    def test_one_is_slow_to_reach(self):
        """Its answers come 0.3 s late: the others are a quorum without it, nothing fails, and it
        has everything soon after."""
        round_trip_s = 0.3
        with NamespacedCluster() as cluster:
            slow = cluster.peers[2]
            cluster.slow_down(slow, "peer", 1000 * round_trip_s / 2)
            cluster.start()
            load = Load(cluster, in_flight=IN_FLIGHT)
            load.wait_for(2000)
            begin, before = time.monotonic(), load.acknowledged()
            time.sleep(3)
            done = load.acknowledged() - before
            # What could be done at most if each write waited for it, twice over.
            waiting_for_it = 2 * IN_FLIGHT * (time.monotonic() - begin) / round_trip_s
            self.assertGreater(done, waiting_for_it)
            report = load.stop()
            self.assertEqual(report["failed"], 0)
            load.verify(self)
            self.assertEqual(cluster.states(), ALIVE)
            # From either of the others.
            self.assertGreaterEqual(cluster.slowed_connections(slow), 2)

            def has_all():
                records = {peer.metric("coterie_store_records") for peer in cluster.peers}
                return len(records) == 1 and records.pop() >= report["acknowledged"]
            wait_until(has_all, "all three hold everything")


class Disks(unittest.TestCase):
    def test_one_runs_full(self):
        """Two peers go on; the third says what is wrong, and takes writes again when there is
        room. So do they when theirs have run full."""
        def no_room(peer):
            return "disk is full" in peer.log_text() or "no room" in peer.log_text()

        def takes_again(peer):
            return "takes writes again" in peer.log_text()

        with NamespacedCluster(disk_mib=120) as cluster:
            cluster.start()
            full = cluster.peers[1]
            load = Load(cluster)
            load.wait_for(2000)
            ballast = cluster.fill_disk(full)
            wait_until(lambda: no_room(full), "its log says that the disk is full")
            load.wait_for(5000)
            os.remove(ballast)
            wait_until(lambda: takes_again(full), "it takes writes again")
            wait_until(lambda: all(map(no_room, cluster.peers)), "all disks are full")
            for peer in cluster.peers:
                cluster.enlarge_disk(peer, 1000)
            wait_until(lambda: all(map(takes_again, cluster.peers)), "all take writes again")
            load.wait_for(2000)
            load.stop()
            load.verify(self)
            self.assertTrue(all(peer.is_running() for peer in cluster.peers))


if __name__ == "__main__":
    namespaces.enter()
    unittest.main(verbosity=2)
