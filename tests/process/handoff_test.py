"""What a node misses while it is away comes back to it by handoff; nothing is read meanwhile."""

import unittest

from cluster import COTERIE, Cluster, run, wait_until
from load import Load


class Handoff(unittest.TestCase):
    def test_a_killed_node_gets_what_it_missed_also_from_one_that_was_killed_too(self):
        with Cluster(shards=2) as cluster:
            cluster.start()
            # Before the first write: what it coordinates as it dies nobody keeps a hint of.
            cluster.peers[2].kill()
            load = Load(cluster)
            load.wait_for(3000)
            load.stop()
            left = [peer.metric("coterie_hints_waiting") for peer in cluster.peers[:2]]
            self.assertGreater(min(left), 500)
            cluster.peers[0].kill()
            cluster.peers[0].start()
            wait_until(lambda: cluster.peers[0].metric("coterie_hints_waiting") == left[0],
                       "all hints are found again")
            cluster.peers[2].start()
            cluster.wait_ready()
            wait_until(lambda: all(peer.metric("coterie_hints_waiting") == 0
                                   for peer in cluster.peers), "the hints are replayed")
            held = [peer.metric("coterie_store_records") for peer in cluster.peers]
            self.assertEqual(held, held[:1] * 3)
            self.assertGreaterEqual(held[0], 3000)
            load.verify(self)

    def test_without_two_of_four_a_sloppy_bucket_goes_on_and_strict_writes_do_not(self):
        with Cluster(peers=4, extra='[[bucket]]\nname = "sloppy"\nsloppy = true\n') as cluster:
            cluster.start()
            stay, away = cluster.peers[:2], cluster.peers[2:]
            for peer in away:
                peer.kill()
            load = Load(cluster, bucket="sloppy")
            load.wait_for(1000)
            wait_until(lambda: cluster.states() == ["alive"] * 2 + ["dead"] * 2, "two are dead")
            load.wait_for(1000)
            load.stop()
            # Of the two that stay one owns nothing of some partitions, and stands in.
            self.assertGreater(min(peer.metric("coterie_hints_holding_records") for peer in stay),
                               100)
            self.refuse_strict_writes(cluster)
            for peer in away:
                peer.start()
            cluster.wait_ready()
            wait_until(lambda: all(peer.metric("coterie_hints_waiting") == 0
                                   for peer in cluster.peers), "the hints are replayed")
            for peer in stay:
                self.assertEqual(peer.metric("coterie_hints_holding_records"), 0)
            load.verify(self)

    def refuse_strict_writes(self, cluster):
        """Each key has three owners of four peers: one or two of them are away."""
        refused = []
        for number in range(16):
            code, _, errors = run([COTERIE, "put", *cluster.seeds(), "--bucket=sloppy", "--blind",
                                   "--strict", f"strict{number}", "v"])
            self.assertIn(code, (0, 5), errors)
            if code == 5:
                refused.append(errors)
        self.assertTrue(refused)
        for errors in refused:
            self.assertTrue(errors.startswith("coterie: 1 of 3 owners can be reached, W=2; nothing "
                                              "was executed"), errors)


if __name__ == "__main__":
    unittest.main(verbosity=2)
