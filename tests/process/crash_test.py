"""Every acknowledged write of a commit bucket is there after kill -9, stops and power loss."""

import glob
import os
import signal
import time
import unittest

from cluster import ADMIN, PATIENCE, POWER_LOSS, Cluster, run, wait_until
from load import Load


class Crashes(unittest.TestCase):
    def test_any_one_is_killed_under_load(self):
        for victim in range(3):
            with self.subTest(victim=victim), Cluster() as cluster:
                cluster.start()
                load = Load(cluster)
                load.wait_for(2000)
                cluster.peers[victim].kill()
                load.wait_for(2000)
                cluster.peers[victim].start()
                cluster.wait_ready()
                load.wait_for(2000)
                load.stop()
                load.verify(self)

    def test_one_is_stopped_for_ten_seconds(self):
        with Cluster() as cluster:
            cluster.start()
            load = Load(cluster)
            load.wait_for(2000)
            cluster.peers[1].signal(signal.SIGSTOP)
            wait_until(lambda: cluster.states()[1] == "dead", "the stopped peer is seen dead")
            load.wait_for(2000)
            time.sleep(10)
            cluster.peers[1].signal(signal.SIGCONT)
            wait_until(lambda: cluster.states() == ["alive"] * 3, "it is alive again")
            load.wait_for(2000)
            report = load.stop()
            load.verify(self)
            self.assertGreater(report["acknowledged"], 6000)

    def crash_all(self, preload):
        with Cluster() as cluster:
            cluster.start(preload)
            load = Load(cluster)
            load.wait_for(3000)
            for peer in cluster.peers:
                peer.signal(signal.SIGKILL)
            for peer in cluster.peers:
                peer.process.wait()
            cluster.start(preload)
            load.wait_for(1000)
            load.stop()
            load.verify(self)

    def test_all_are_killed_at_once(self):
        self.crash_all(None)

    def test_all_lose_power_at_once(self):
        self.crash_all(POWER_LOSS)

    def test_what_an_interval_bucket_lost_with_power_is_not_taken_for_missing(self):
        """One of the two that acknowledged loses power; the third, which was not there, and it
        are no quorum until they have been compared with the other."""
        with Cluster() as cluster:
            lost, other, behind = cluster.peers
            for peer, preload in ((lost, POWER_LOSS), (other, None), (behind, None)):
                peer.start(preload)
            cluster.wait_ready()
            load = Load(cluster, bucket="relaxed")
            load.wait_for(1000)
            paused = run([ADMIN, "handoff", "pause", "--node", lost.address("admin")])
            self.assertEqual(paused[0], 0, paused)
            behind.kill()
            load.wait_for(3000)
            lost.kill()
            load.stop()
            behind.start()
            lost.start(POWER_LOSS)
            cluster.wait_ready()
            self.assertIn("the machine was started anew", lost.log_text())
            load.verify(self)
            wait_until(lambda: lost.metric("coterie_copies_in_doubt") == 0, "no doubt is left")

    def test_an_interval_bucket_survives_kill_too(self):
        with Cluster() as cluster:
            cluster.start()
            load = Load(cluster, bucket="relaxed")
            load.wait_for(3000)
            for peer in cluster.peers:
                peer.signal(signal.SIGKILL)
            for peer in cluster.peers:
                peer.process.wait()
            cluster.start()
            load.stop()
            load.verify(self)

    def test_a_rolling_restart_fails_no_request(self):
        with Cluster(shards=2) as cluster:
            cluster.start()
            load = Load(cluster)
            load.wait_for(2000)
            for peer in cluster.peers:
                self.assertEqual(peer.terminate(), 0, peer.log_text())
                load.wait_for(500)
                peer.start()
                cluster.wait_ready()
                wait_until(lambda: all(cluster.states(seen_by=other) == ["alive"] * 3
                                       for other in range(3)), "all seen alive by all")
                load.wait_for(1000)
            report = load.stop()
            self.assertEqual(report["failed"], 0, report)
            load.verify(self)

    def test_a_table_cut_short_ends_the_process_in_words(self):
        with Cluster(peers=1) as cluster:
            cluster.start()
            load = Load(cluster)
            load.wait_for(100)
            load.stop()
            peer, = cluster.peers
            self.assertEqual(peer.terminate(), 0)
            table, = glob.glob(f"{peer.data}/shard-*/lmdb/data.mdb")
            os.truncate(table, 2 * 4096)  # the first two pages say which others there are
            peer.start()
            self.assertEqual(peer.process.wait(PATIENCE), -signal.SIGBUS)
            self.assertIn("could not be read (SIGBUS)", peer.log_text())


if __name__ == "__main__":
    unittest.main(verbosity=2)
