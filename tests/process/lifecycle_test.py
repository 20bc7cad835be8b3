"""Start from a configuration, stop, start again; and what is refused."""

import signal
import subprocess
import sys
import unittest

from cluster import COTERIE, NODE, POWER_LOSS, Cluster, run


class Lifecycle(unittest.TestCase):
    def test_data_outlives_a_clean_stop(self):
        with Cluster() as cluster:
            cluster.start()
            for key in ("a", "b"):
                code, _, errors = run([COTERIE, "put", *cluster.seeds(), key, "value of " + key])
                self.assertEqual(code, 0, errors)
            for peer in cluster.peers:
                self.assertEqual(peer.terminate(), 0, peer.log_text())
            cluster.start()
            code, out, errors = run([COTERIE, "get", *cluster.seeds(), "b"])
            self.assertEqual(code, 0, errors)
            self.assertEqual(out.rstrip("\n"), "value of b")
            code, _, _ = run([COTERIE, "get", *cluster.seeds(), "never written"])
            self.assertEqual(code, 3)

    def test_several_shards_serve_every_key(self):
        with Cluster(shards=3) as cluster:
            cluster.start()
            for i in range(30):
                code, _, errors = run([COTERIE, "put", *cluster.seeds(), f"key{i}", f"value{i}"])
                self.assertEqual(code, 0, errors)
            for i in range(30):
                code, out, errors = run([COTERIE, "get", *cluster.seeds(), f"key{i}"])
                self.assertEqual((code, out.rstrip("\n")), (0, f"value{i}"), errors)

    def test_one_node_alone_is_a_cluster(self):
        with Cluster(peers=1) as cluster:
            cluster.start()
            self.assertEqual(run([COTERIE, "put", *cluster.seeds(), "k", "v"])[0], 0)
            self.assertEqual(run([COTERIE, "get", *cluster.seeds(), "k"])[1].rstrip("\n"), "v")

    def test_a_data_directory_is_one_processs(self):
        with Cluster(peers=1) as cluster:
            cluster.start()
            code, _, errors = run([NODE, "--config", cluster.peers[0].config])
            self.assertEqual(code, 1)
            self.assertIn(str(cluster.peers[0].process.pid), errors)

    def test_a_port_in_use_is_named(self):
        with Cluster(peers=1) as cluster:
            cluster.start()
            peer = cluster.peers[0]
            with open(peer.config, encoding="utf-8") as text:
                other = text.read().replace(peer.data, cluster.path("elsewhere"))
            path = cluster.path("other.toml")
            with open(path, "w", encoding="utf-8") as out:
                out.write(other)
            code, _, errors = run([NODE, "--config", path])
            self.assertEqual(code, 1)
            self.assertIn("127.0.0.1", errors)

    def test_a_configuration_is_checked_without_a_start(self):
        with Cluster(peers=1) as cluster:
            config = cluster.peers[0].config
            self.assertEqual(run([NODE, "--check-config", "--config", config])[0], 0)
            with open(config, "a", encoding="utf-8") as out:
                out.write("sloppi = true\n")
            code, _, errors = run([NODE, "--check-config", "--config", config])
            self.assertEqual(code, 2)
            self.assertIn(config, errors)
            self.assertIn("did you mean sloppy?", errors)

    def test_members_that_are_configured_otherwise_form_no_cluster(self):
        with Cluster() as cluster:
            odd = cluster.peers[2]
            with open(odd.config, "a", encoding="utf-8") as out:
                out.write('[[bucket]]\nname = "more"\n')
            for peer in cluster.peers:
                peer.start()
            first = cluster.peers[0]

            def blocked():
                return "is configured otherwise" in first.log_text()

            from cluster import wait_until
            wait_until(blocked, "the first member says who is configured otherwise")
            self.assertIn(odd.address("gossip"), first.log_text())
            self.assertFalse(first.is_ready())

    def test_the_power_loss_shim_loses_what_was_not_synced(self):
        program = ("import os, signal, sys\n"
                   "f = os.open(sys.argv[1], os.O_CREAT | os.O_RDWR)\n"
                   "os.pwrite(f, b'synced', 0); os.fdatasync(f)\n"
                   "os.pwrite(f, b'forgot', 6)\n"
                   "assert os.pread(f, 12, 0) == b'syncedforgot'\n"
                   "os.kill(os.getpid(), signal.SIGKILL)\n")
        with Cluster(peers=1) as cluster:
            path = cluster.path("written")
            done = subprocess.run([sys.executable, "-c", program, path],
                                  env={"LD_PRELOAD": POWER_LOSS}, timeout=60, check=False)
            self.assertEqual(done.returncode, -signal.SIGKILL)
            with open(path, "rb") as content:
                self.assertEqual(content.read(), b"synced")


if __name__ == "__main__":
    unittest.main(verbosity=2)
