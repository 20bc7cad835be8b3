"""cluster-admin against three real peers, one of which is killed and comes back."""

import glob
import json
import os
import unittest

from cluster import ADMIN, COTERIE, WRONG_CLOCK, Cluster, run, wait_until


def ask(peer, *command):
    """A command's document, asked of a peer's admin door, and its exit code."""
    code, out, errors = run([ADMIN, *command, "--json", "--node", peer.address("admin")])
    if code not in (0, 1):
        raise AssertionError(f"{command} ended with {code}: {errors}")
    return json.loads(out), code


def shown(peer, *command):
    """What a command shows to people."""
    return run([ADMIN, *command, "--node", peer.address("admin")])


def put(cluster, count, prefix="key"):
    """Writes so many records, through the tool."""
    lines = "".join(f"{prefix}{i}\tvalue of {prefix}{i}\n" for i in range(count))
    path = cluster.path(prefix + ".tsv")
    with open(path, "w", encoding="utf-8") as out:
        out.write(lines)
    code, _, errors = run([COTERIE, "import", *cluster.seeds(), "--progress", "none", path])
    if code != 0:
        raise AssertionError(errors)


class ClusterAdmin(unittest.TestCase):
    def setUp(self):
        self.cluster = self.enterContext(Cluster(shards=2))
        self.cluster.start()
        self.peers = self.cluster.peers

    def test_status_members_ring_and_config(self):
        first = self.peers[0]
        document, code = ask(first, "status")
        self.assertEqual((code, document["verdict"]["level"]), (0, "ok"))
        self.assertEqual([node["state"] for node in document["nodes"]], ["alive"] * 3)
        code, out, errors = shown(first, "status")
        self.assertEqual(code, 0, errors)
        for node in document["nodes"]:
            self.assertIn(node["name"], out)
        document, _ = ask(first, "members")
        self.assertEqual(sorted(node["addresses"]["admin"] for node in document["nodes"]),
                         sorted(peer.address("admin") for peer in self.peers))
        document, _ = ask(first, "ring")
        self.assertEqual(document["partitions_total"], 64)
        for partition in document["partitions"]:
            self.assertEqual(len(set(partition["owners"])), 3)
        document, _ = ask(first, "ring", "--partition", "7")
        self.assertEqual([each["partition"] for each in document["partitions"]], [7])
        document, _ = ask(self.peers[2], "config")
        settings = {setting["name"]: setting["value"] for setting in document["settings"]}
        self.assertEqual(settings["doors.admin"], self.peers[2].address("admin"))
        self.a_weight_is_staged_planned_and_committed(first)
        self.one_is_drained_and_the_next_is_not()

    def a_weight_is_staged_planned_and_committed(self, asked):
        other = self.peers[1].address("gossip")
        self.assertIn("nothing is staged", shown(asked, "plan")[1])
        for command in (["weight", other, "5"], ["zone", self.peers[2].address("peer"), "west"]):
            code, out, errors = shown(asked, *command)
            self.assertEqual(code, 0, errors)
            self.assertIn("cluster-admin plan", out)
        # Staged where it was asked for, and nowhere else.
        self.assertIn("nothing is staged", shown(self.peers[1], "plan")[1])
        self.assertEqual(shown(asked, "unstage", self.peers[2].address("peer"))[0], 0)
        self.assertEqual(shown(asked, "commit", "0" * 16)[0], 1)
        document, code = ask(asked, "plan")
        self.assertEqual(([each["what"] for each in document["staged"]], code), (["weight"], 0))
        hashed = document["plan"]["hash"]
        code, out, errors = shown(asked, "plan")
        self.assertEqual(code, 0, errors)
        self.assertTrue(out.endswith(f"cluster-admin commit {hashed} --node "
                                     f"{asked.address('admin')}\n"), out)
        code, out, errors = shown(asked, "commit", hashed)
        self.assertEqual(code, 0, errors)
        wait_until(lambda: "5" in {str(node["weight"]) for node in
                                   ask(self.peers[2], "members")[0]["nodes"]}, "the weight")
        self.assertIn("no change is under way", shown(asked, "transfers")[1])

    def one_is_drained_and_the_next_is_not(self):
        first, second, third = self.peers
        code, out, errors = shown(first, "drain", third.address("gossip"))
        self.assertEqual(code, 0, errors)
        self.assertEqual(third.process.wait(timeout=10), 0)
        wait_until(lambda: self.cluster.states() == ["alive", "alive", "left"], "the goodbye")
        for command in ("drain", "leave"):
            code, _, errors = shown(first, command, second.address("gossip"))
            self.assertEqual(code, 1, errors)
            self.assertIn("would have no quorum", errors)
        code, _, errors = shown(first, "remove", second.address("gossip"), "--yes")
        self.assertEqual(code, 1, errors)
        self.assertIn("only dead nodes are removed", errors)
        self.assertEqual(shown(first, "drain", second.address("gossip"), "--force")[0], 0)
        self.assertEqual(second.process.wait(timeout=10), 0)

    def test_explain_says_whose_copy_differs(self):
        run([COTERIE, "put", *self.cluster.seeds(), "a key", "before"])
        document, _ = ask(self.peers[1], "explain", "a key")
        self.assertEqual(document["key"], "a key")
        digests = [owner["digest"] for owner in document["owners"]]
        self.assertEqual(len(set(digests)), 1, document)
        code, out, errors = shown(self.peers[1], "explain", "a key")
        self.assertEqual(code, 0, errors)
        self.assertIn("equal", out)
        self.a_bad_record_is_found_and_refilled("a key", "before")

    def a_bad_record_is_found_and_refilled(self, key, value):
        """What went bad on a disk, nobody reads, and a scrub finds."""
        victim = self.peers[1]
        self.assertEqual(victim.terminate(), 0)
        flipped = 0
        for path in glob.glob(os.path.join(victim.data, "**", "data.mdb"), recursive=True):
            with open(path, "r+b") as table:
                data = table.read()
                good = value.encode()
                flipped += data.count(good)
                table.seek(0)
                table.write(data.replace(good, good[:-1] + b"?"))
        self.assertGreater(flipped, 0)
        victim.start()
        self.cluster.wait_ready()
        document, code = ask(self.peers[0], "scrub")
        self.assertEqual(code, 1, document)
        found = {node["name"]: node["last"]["damaged"] for node in document["nodes"]}
        self.assertEqual(sorted(found.values()), [0, 0, 1], document)
        wait_until(lambda: ask(self.peers[2], "scrub")[1] == 0, "the record refilled")
        document, _ = ask(self.peers[1], "explain", key)
        self.assertEqual(len({owner["digest"] for owner in document["owners"]}), 1, document)
        code, out, errors = shown(self.peers[0], "scrub", "--status")
        self.assertEqual(code, 0, errors)
        self.assertEqual(out.count("ago"), 3, out)
        self.assertEqual(shown(self.peers[0], "scrub", "zzz")[0], 2)

    def test_one_is_killed_and_comes_back(self):
        first, _, victim = self.peers
        victim.kill()
        wait_until(lambda: self.cluster.states() == ["alive", "alive", "dead"], "the death seen")
        document, code = ask(first, "status")
        self.assertEqual((code, document["verdict"]["level"]), (1, "degraded"))
        code, out, _ = shown(first, "status")
        self.assertEqual(code, 1)
        self.assertIn("dead", out)
        code, _, errors = shown(victim, "status")
        self.assertEqual(code, 5)
        self.assertIn(victim.address("admin"), errors)
        put(self.cluster, 200)
        self.comes_back_an_hour_ahead(first, victim)
        victim.start()
        self.cluster.wait_ready()
        wait_until(lambda: ask(first, "status")[1] == 0, "all well again")

    def comes_back_an_hour_ahead(self, first, victim):
        """The others outvote its clock, and its status says so; it ends again."""
        victim.start(WRONG_CLOCK)
        self.cluster.wait_ready()
        wait_until(lambda: "clock_clamped" in {problem["code"] for problem in
                                               ask(first, "status")[0]["problems"]}, "the clamp")
        status = victim.get("/v1/status")
        report = next(node["report"] for node in status["nodes"] if node["self"])
        self.assertAlmostEqual(report["clock"]["ahead_ms"], 3_600_000, delta=1000)
        self.assertAlmostEqual(report["clock"]["clamped_by_ms"], 3_599_500, delta=1000)
        self.assertIn("held to within 500 ms", shown(first, "status")[1])
        self.assertIn("s behind", shown(victim, "members")[1])
        self.assertAlmostEqual(victim.metric("coterie_clock_peer_ahead_seconds"), -7200, delta=2)
        # Only that one: the other two agree.
        self.assertEqual(first.metric("coterie_clock_clamped_seconds"), 0)
        victim.kill()

    def hints(self):
        """How many hints wait, over all nodes that answer."""
        document, _ = ask(self.peers[0], "handoff")
        return sum(target["hints"] for node in document["nodes"] for target in node["targets"])

    def miss_writes(self, prefix):
        """The last peer is killed and the others take writes; its id."""
        victim = self.peers[2]
        document, _ = ask(self.peers[0], "members")
        ids = {node["addresses"]["admin"]: node["id"] for node in document["nodes"]}
        victim.kill()
        put(self.cluster, 300, prefix)
        wait_until(lambda: all(self.cluster.states(other) == ["alive", "alive", "dead"]
                               for other in (0, 1)), "the death seen")
        wait_until(lambda: self.hints() > 0, "hints")
        return ids[victim.address("admin")]

    def test_hints_are_listed_held_back_and_sent(self):
        code, out, errors = shown(self.peers[0], "handoff")
        self.assertEqual(code, 0, errors)
        self.assertTrue(out.startswith("no hints"), out)
        victim = self.miss_writes("first")
        document, _ = ask(self.peers[1], "handoff")
        for node in document["nodes"]:
            for target in node["targets"]:
                self.assertEqual(target["target"], victim)
                self.assertGreater(target["bytes"], 0)
        self.assertEqual(shown(self.peers[1], "handoff", "pause")[0], 0)
        self.peers[2].start()
        self.cluster.wait_ready()
        _, out, _ = shown(self.peers[1], "handoff")
        self.assertIn("paused", out)
        self.assertIn(victim[:8], out)
        for peer in self.peers[:2]:
            peer.kill()
            peer.start()
        self.cluster.wait_ready()
        wait_until(lambda: self.hints() > 0, "the hints found again")
        _, out, _ = shown(self.peers[1], "handoff")
        self.assertIn("paused by an operator", out)
        self.assertEqual(shown(self.peers[1], "handoff", "resume")[0], 0)
        wait_until(lambda: self.hints() == 0, "the hints sent")

    def test_hints_are_given_up(self):
        victim = self.miss_writes("second")
        for wrong in (["cancel"], ["cancel", "zzz"], ["pause", victim], ["stop"]):
            self.assertEqual(shown(self.peers[0], "handoff", *wrong)[0], 2, wrong)
        code, out, errors = shown(self.peers[0], "handoff", "cancel", victim[:12])
        self.assertEqual(code, 0, errors)
        self.assertIn("given up", out)
        wait_until(lambda: self.hints() == 0, "the hints given up")
        document, _ = ask(self.peers[0], "handoff")
        self.assertGreater(sum(node["needs_repair"] for node in document["nodes"]), 0)

    def test_copies_are_compared_and_repaired(self):
        for command in ("verify", "repair"):
            document, code = ask(self.peers[0], command)
            self.assertEqual(code, 0, document)
            self.assertEqual(sum(node["command"]["differing"] for node in document["nodes"]
                                 if node["command"]), 0)
        # What the last one missed, with nothing left that would bring it by itself.
        shown(self.peers[0], "handoff", "pause")
        victim = self.miss_writes("third")
        self.peers[2].start()
        self.cluster.wait_ready()
        document, code = ask(self.peers[0], "repair", "--member", victim[:12])
        self.assertEqual(code, 0, document)
        document, code = ask(self.peers[1], "verify")
        self.assertEqual(code, 0, document)
        code, out, errors = shown(self.peers[0], "verify", "--bucket", "default")
        self.assertEqual(code, 0, errors)
        self.assertIn("0 keys differ", out)
        self.assertEqual(shown(self.peers[0], "repair", "--cancel")[0], 0)
        for wrong in (["--member", "zzz"], ["--partition", "64"], ["--partition", "x"],
                      ["--bucket", "none"], ["--partition", "1", "--bucket", "default"]):
            self.assertEqual(shown(self.peers[0], "verify", *wrong)[0], 2, wrong)

    def test_what_is_asked_wrongly_is_said(self):
        for command in (["ring", "--partition", "64"], ["explain"], ["nonsense"],
                        ["explain", "k", "--bucket", "none"], ["join", "nowhere"],
                        ["commit", "12"], ["drain", "zzz"], ["abort", "x"],
                        ["weight", self.peers[1].address("gossip"), "many"]):
            with self.subTest(command=command):
                code, _, errors = shown(self.peers[0], *command)
                self.assertEqual(code, 2)
                self.assertNotEqual(errors, "")


if __name__ == "__main__":
    unittest.main(verbosity=2)
