"""The tool coterie as people and scripts use it, against three peers."""

import base64
import json
import os
import re
import subprocess
import time
import unittest

from cluster import BUILD, COTERIE, Cluster

DONE, FAILED, USAGE, NOT_FOUND, UNAVAILABLE = 0, 1, 2, 3, 5
EVERY_BYTE = bytes(range(256)) * 3


class Tools(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        buckets = "".join(f'[[bucket]]\nname = "{name}"\n' for name in ("tsv", "jsonl", "copy"))
        cls.cluster = Cluster(peers=3, extra=buckets)
        cls.cluster.__enter__()
        cls.addClassCleanup(cls.cluster.__exit__, None)
        cls.cluster.start()
        cls.seeds = ",".join(peer.address("client") for peer in cls.cluster.peers)

    def run_bytes(self, *words, stdin=b"", seeds=None):
        """A command's exit code, standard output (bytes) and standard error (text)."""
        env = {**os.environ, "COTERIE_SEEDS": seeds or self.seeds}
        done = subprocess.run([COTERIE, *words], input=stdin, capture_output=True, check=False,
                              timeout=120, env=env)
        return done.returncode, done.stdout, done.stderr.decode()

    def ends(self, code, *words, stdin=b"", seeds=None):
        """Runs a command that has to end with this code; its two outputs."""
        ended, out, err = self.run_bytes(*words, stdin=stdin, seeds=seeds)
        self.assertEqual(ended, code, (words, out, err))
        return out, err

    def json_of(self, code, *words, stdin=b"", seeds=None):
        out, _ = self.ends(code, *words, "--json", stdin=stdin, seeds=seeds)
        self.assertEqual(out.count(b"\n"), 1)
        return json.loads(out)

    def file(self, name, content):
        path = self.cluster.path(name)
        with open(path, "wb") as file:
            file.write(content)
        return path

    # get, put, delete

    def test_put_get_delete(self):
        self.assertEqual(self.ends(DONE, "put", "greeting", "hello"), (b"", ""))
        self.assertEqual(self.ends(DONE, "get", "greeting"), (b"hello", ""))
        self.ends(DONE, "put", "greeting", "good day")
        self.assertEqual(self.ends(DONE, "get", "greeting"), (b"good day", ""))
        self.assertEqual(self.ends(DONE, "delete", "greeting"), (b"", ""))
        self.assertEqual(self.ends(NOT_FOUND, "get", "greeting"), (b"", "coterie: not found\n"))
        self.assertEqual(self.ends(NOT_FOUND, "delete", "greeting"), (b"", "coterie: not found\n"))

    def test_what_never_was_is_not_found(self):
        self.ends(NOT_FOUND, "get", "never")
        self.ends(NOT_FOUND, "delete", "never")
        self.assertFalse(self.json_of(NOT_FOUND, "get", "never")["found"])
        self.assertEqual(self.json_of(NOT_FOUND, "delete", "never")["error"]["code"], "not_found")

    def test_values_of_any_bytes_through_standard_input(self):
        self.ends(DONE, "put", "bytes", "-", stdin=EVERY_BYTE)
        self.assertEqual(self.ends(DONE, "get", "bytes")[0], EVERY_BYTE)
        shown = self.json_of(DONE, "get", "bytes")["siblings"][0]
        self.assertEqual(base64.b64decode(shown["value_base64"]), EVERY_BYTE)
        self.ends(DONE, "put", "empty", "-")
        self.assertEqual(self.ends(DONE, "get", "empty"), (b"", ""))
        self.ends(DONE, "put", "dash", "--", "-v")
        self.assertEqual(self.ends(DONE, "get", "dash")[0], b"-v")

    def test_blind_puts_are_siblings_until_a_put_replaces_them(self):
        self.ends(DONE, "put", "--blind", "drink", "tea")
        out, err = self.ends(DONE, "put", "--blind", "drink", "coffee")
        self.assertIn("2 concurrent values", err)
        out, err = self.ends(DONE, "get", "drink")
        self.assertEqual(sorted(out.splitlines()), [b"coffee", b"tea"])
        self.assertIn("2 concurrent values", err)
        shown = self.json_of(DONE, "get", "drink")
        self.assertEqual({sibling["value"] for sibling in shown["siblings"]}, {"tea", "coffee"})
        self.ends(DONE, "put", "drink", "water")
        self.assertEqual(self.ends(DONE, "get", "drink"), (b"water", ""))

    def test_delete_removes_all_siblings(self):
        self.ends(DONE, "put", "--blind", "fruit", "apple")
        self.ends(DONE, "put", "--blind", "fruit", "pear")
        self.ends(DONE, "delete", "fruit")
        self.ends(NOT_FOUND, "get", "fruit")

    def test_a_context_replaces_only_what_had_been_seen(self):
        context = self.json_of(DONE, "put", "seen", "first")["context"]
        self.ends(DONE, "put", "--blind", "seen", "unseen")
        written = self.json_of(DONE, "put", "--context", context, "seen", "second")
        self.assertEqual(written["siblings"], 2)
        values = {entry["value"] for entry in self.json_of(DONE, "get", "seen")["siblings"]}
        self.assertEqual(values, {"unseen", "second"})
        # It has not been seen yet, so what the put was given back does not cover it either.
        self.ends(DONE, "delete", "--context", written["context"], "seen")
        values = {entry["value"] for entry in self.json_of(DONE, "get", "seen")["siblings"]}
        self.assertIn("unseen", values)
        read = self.json_of(DONE, "get", "seen")["context"]
        self.ends(DONE, "delete", "--context", read, "seen")
        self.ends(NOT_FOUND, "get", "seen")
        _, err = self.ends(USAGE, "put", "--context", "no context!", "seen", "x")
        self.assertIn("--context", err)
        # A context belongs to its key.
        self.ends(USAGE, "put", "--context", context, "another", "x")

    def test_sort_keys_are_keys_of_their_own(self):
        self.ends(DONE, "put", "--sort-key", "a", "diary", "Monday")
        self.ends(DONE, "put", "--sort-key", "b", "diary", "Tuesday")
        self.assertEqual(self.ends(DONE, "get", "--sort-key", "a", "diary")[0], b"Monday")
        self.assertEqual(self.json_of(DONE, "get", "--sort-key", "b", "diary")["sort_key"], "b")
        self.ends(NOT_FOUND, "get", "diary")
        self.ends(DONE, "delete", "--sort-key", "a", "diary")
        self.ends(NOT_FOUND, "get", "--sort-key", "a", "diary")
        self.ends(DONE, "get", "--sort-key", "b", "diary")

    def test_a_time_to_live_ends(self):
        self.ends(DONE, "put", "--time-to-live", "1500", "ice", "cold")
        shown = self.json_of(DONE, "get", "ice")["siblings"][0]
        self.assertEqual(shown["expires_ms"] - shown["timestamp_ms"], 1500)
        deadline = time.monotonic() + 30
        while self.run_bytes("get", "ice")[0] != NOT_FOUND:
            self.assertLess(time.monotonic(), deadline)

    def test_weak_requests_say_so(self):
        self.assertFalse(self.json_of(DONE, "put", "strong", "x")["weak"])
        self.assertTrue(self.json_of(DONE, "put", "--w", "1", "weak", "x")["weak"])
        self.assertTrue(self.json_of(DONE, "get", "--r", "1", "strong")["weak"])
        self.assertFalse(self.json_of(DONE, "get", "--r", "all", "strong")["weak"])

    def test_shapes_of_json(self):
        put = self.json_of(DONE, "put", "shape", "x")
        self.assertEqual(list(put), ["bucket", "key", "context", "siblings", "weak", "stand_ins"])
        get = self.json_of(DONE, "get", "shape")
        self.assertEqual(list(get),
                         ["bucket", "key", "found", "weak", "stand_ins", "context", "siblings"])
        self.assertEqual(list(get["siblings"][0]), ["value", "timestamp_ms"])
        error = self.json_of(USAGE, "get", "-b", "nowhere", "shape")["error"]
        self.assertEqual(list(error), ["code", "message", "in_doubt", "retryable"])

    # what goes wrong

    def test_a_bucket_that_is_not_there(self):
        for words in (["get", "k"], ["put", "k", "v"], ["delete", "k"], ["export"]):
            _, err = self.ends(USAGE, words[0], "-b", "nowhere", *words[1:])
            self.assertIn('no bucket "nowhere"; the cluster has: ', err)
        _, err = self.ends(FAILED, "import", "-b", "nowhere", stdin=b"k\tv\n")
        self.assertIn('no bucket "nowhere"', err)

    def test_no_peer_can_be_reached(self):
        for words in (["get", "k"], ["put", "k", "v"], ["delete", "k"], ["import"], ["export"]):
            out, err = self.ends(UNAVAILABLE, *words, "--seed", "127.0.0.1:1")
            self.assertEqual(out, b"")
            self.assertIn("127.0.0.1:1: connection refused", err)
        error = self.json_of(UNAVAILABLE, "put", "k", "v", seeds="127.0.0.1:1")["error"]
        self.assertEqual((error["code"], error["in_doubt"]), ("unavailable", False))

    def test_one_seed_that_answers_is_enough(self):
        self.ends(DONE, "put", "seeded", "x", seeds="127.0.0.1:1," + self.seeds)

    def test_the_deadline_is_kept_when_nobody_answers(self):
        peers = self.cluster.peers
        self.ends(DONE, "put", "late", "x")
        for peer in peers:
            peer.signal(19)  # SIGSTOP
        try:
            began = time.monotonic()
            self.ends(UNAVAILABLE, "get", "--deadline", "700", "late")
            self.assertLess(time.monotonic() - began, 10)
        finally:
            for peer in peers:
                peer.signal(18)  # SIGCONT
        self.cluster.wait_ready()
        deadline = time.monotonic() + 60
        while self.run_bytes("get", "late")[0] != DONE:
            self.assertLess(time.monotonic(), deadline)

    def test_a_wrong_command_line_says_what_is_wrong(self):
        for words, said in {
                (): "a command is missing. Commands: get, put, delete",
                ("fetch", "k"): 'there is no command "fetch". Commands: get, put, delete',
                ("--json", "get", "k"): "the command stands first, then --json",
                ("put", "k"): "value is required\nSee: coterie put --help",
                ("get", "k", "--wrong"): "See: coterie get --help",
                ("get", "--r", "9", "k"): '"9" is no number of owners: 1 to 7, quorum or all',
                ("get", "--deadline", "0", "k"): "not in range 1 to 60000",
                ("put", "", "v"): "the key is empty",
                ("get", "--seed", "here", "k"): 'the seed "here" is no host:port',
                ("import", "no such file.tsv"): "no such file.tsv: No such file or directory",
        }.items():
            out, err = self.ends(USAGE, *words)
            self.assertEqual(out, b"")
            self.assertTrue(err.startswith("coterie: "), err)
            self.assertIn(said, err)

    # import, export, compare

    def test_import_and_export_of_tsv_carry_every_byte(self):
        records = {(b"plain", b""): b"value", (b"tab\there", b"\n"): b"\\ \r\n\t end  ",
                   (b"\xff\x00\xfe", b""): EVERY_BYTE, (b"no value", b""): b"",
                   (b"k", b"1"): b"one", (b"k", b"2"): b"two"}
        escapes = {b"\\": b"\\\\", b"\t": b"\\t", b"\n": b"\\n", b"\r": b"\\r"}

        def escaped(field):
            return re.sub(rb"[\\\t\n\r]", lambda match: escapes[match.group()], field)

        lines = [b"\t".join(escaped(field) for field in [key, *([sort] if sort else []), value])
                 for (key, sort), value in records.items()]
        path = self.file("every.tsv", b"\n".join(lines) + b"\n")
        self.ends(DONE, "import", "-b", "tsv", path)
        out, err = self.ends(DONE, "export", "-b", "tsv")
        self.assertEqual(sorted(out.splitlines()), sorted(line for line in lines))
        self.assertIn("6 records", err)
        self.assertEqual(self.ends(DONE, "get", "-b", "tsv", "no value"), (b"", ""))
        # And the way back, through a pipe.
        self.ends(DONE, "import", "-b", "copy", "-", stdin=out)
        compared = self.json_of(DONE, "compare", "-b", "copy", path)
        self.assertEqual((compared["equal"], compared["records"]), (6, 6))

    def test_import_and_export_of_json_lines_carry_every_byte(self):
        records = [{"key": "plain", "value": "value"},
                   {"key": "k", "sort_key": "1", "value": "ü\t"},
                   {"key_base64": "/wD+", "value_base64": base64.b64encode(EVERY_BYTE).decode()}]
        path = self.file("every.jsonl", b"".join(json.dumps(record).encode() + b"\n"
                                                 for record in records))
        imported = self.json_of(DONE, "import", "-b", "jsonl", path)
        self.assertEqual((imported["records"], imported["acknowledged"]), (3, 3))
        out, _ = self.ends(DONE, "export", "-b", "jsonl", "--json")
        self.assertCountEqual([json.loads(line) for line in out.splitlines()], records)
        self.assertEqual(self.json_of(DONE, "compare", "-b", "jsonl", path)["equal"], 3)

    def test_standard_input_is_the_file_where_none_is_named(self):
        out, _ = self.ends(DONE, "import", stdin=b"piped\tyes\n\nwithout an end\tyes")
        self.assertIn(b"2 records", out)
        self.assertEqual(self.ends(DONE, "get", "without an end")[0], b"yes")
        self.ends(DONE, "import", "--format", "jsonl", stdin=b'{"key":"piped 2","value":"yes"}')
        self.assertEqual(self.ends(DONE, "get", "piped 2")[0], b"yes")

    def test_a_bad_line_is_named_and_takes_no_other_with_it(self):
        path = self.file("bad.tsv", b"b1\t1\nno tab\nb3\t3\nb4\twrong \\q\nb5\t5\n")
        out, err = self.ends(USAGE, "import", path)
        self.assertIn("bad.tsv, line 2: it has 1 fields", err)
        self.assertIn("bad.tsv, line 4: a backslash", err)
        self.assertIn(b"3 acknowledged, 0 failed, 2 bad lines", out)
        for key in "135":
            self.assertEqual(self.ends(DONE, "get", "b" + key)[0], key.encode())
        lines = b'{"key":"c1","value":"1"}\n{"key":"c2"}\n{"key":"c3","value":3}\n{}}\n' \
                b'{"key":"c5","value":"5"}\n'
        report = self.json_of(USAGE, "import", "--format", "jsonl", stdin=lines)
        self.assertEqual((report["acknowledged"], report["bad_lines"]), (2, 3))
        self.assertEqual(self.ends(DONE, "get", "c5")[0], b"5")

    def test_import_adds_a_sibling_or_overwrites(self):
        self.ends(DONE, "import", stdin=b"twice\t1\n")
        self.ends(DONE, "import", stdin=b"twice\t2\n")
        self.assertEqual(len(self.json_of(DONE, "get", "twice")["siblings"]), 2)
        self.ends(DONE, "import", "--overwrite", stdin=b"twice\t3\n")
        self.assertEqual(self.ends(DONE, "get", "twice")[0], b"3")

    def test_compare_tells_what_differs(self):
        self.ends(DONE, "import", stdin=b"same\tx\nother\tx\n")
        out, err = self.ends(FAILED, "compare", stdin=b"same\tx\nother\ty\nabsent\tz\n")
        self.assertIn(b"1 equal, 1 different, 1 missing", out)
        self.assertIn("other: different", err)
        self.assertIn("absent: missing", err)

    def test_a_full_disk_under_the_output_is_no_success(self):
        self.ends(DONE, "put", "shown", "x")
        for words in (["get", "shown"], ["get", "--json", "shown"], ["export"]):
            with open("/dev/full", "wb") as full:
                done = subprocess.run([COTERIE, *words, "--seed", self.seeds], stdout=full,
                                      stderr=subprocess.PIPE, check=False, timeout=60)
            self.assertEqual(done.returncode, FAILED, words)
            self.assertIn(b"standard output", done.stderr)

    def test_the_example_of_the_sdk_runs(self):
        done = subprocess.run([os.path.join(BUILD, "client/coterie-example"),
                               *self.seeds.split(",")], capture_output=True, text=True,
                              check=False, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout, "2 concurrent baskets\nmerged:\napples\npears\n"
                                      "visit 2026-11-20\nvisit 2026-11-21\n2 days found\n")


if __name__ == "__main__":
    unittest.main()
