"""What a node misses while it is away comes back to it by handoff; nothing is read meanwhile."""

import unittest

from cluster import Cluster, wait_until
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


if __name__ == "__main__":
    unittest.main(verbosity=2)
