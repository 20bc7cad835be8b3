"""bench/three_peers and coterie-bench: what they print adds up, and they end as they should."""

import glob
import json
import os
import signal
import subprocess
import tempfile
import time
import unittest

BUILD = os.environ["COTERIE_BUILD"]
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BENCH = os.path.join(BUILD, "coterie-bench")
NODE = os.path.join(BUILD, "coterie-node")
THREE_PEERS = os.path.join(ROOT, "bench/three_peers")
NOBODY = "127.0.0.1:1"  # a port where nothing listens
RECORDS = 2000
CONNECTIONS = 10


def run(arguments, timeout=240):
    return subprocess.run(arguments, capture_output=True, text=True, timeout=timeout, check=False)


class ThreePeers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        out = os.path.join(cls.directory.name, "out.json")
        cls.done = run(["python3", "-B", THREE_PEERS, "--node", NODE, "--bench", BENCH,
                        "--records", str(RECORDS), "--connections", str(CONNECTIONS),
                        "--warm-up", "0.2", "--duration", "0.5", "--directory",
                        cls.directory.name, "--json", out])
        if cls.done.returncode == 0:
            with open(out, encoding="utf-8") as text:
                cls.result = json.load(text)

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    def setUp(self):
        self.assertEqual(self.done.returncode, 0, self.done.stdout + self.done.stderr)

    def check_phase(self, phase):
        """A phase without failures, of the kinds that it names and no others."""
        kinds = {name: kind for name, kind in phase["kinds"].items() if name != "resolve"}
        self.assertEqual(phase["errors"], [])
        self.assertEqual(phase["operations"], sum(kind["answered"] for kind in kinds.values()))
        self.assertEqual(phase["all"]["answered"], phase["operations"])
        self.assertEqual(phase["all"]["failed"], 0)
        self.assertEqual(phase["all"]["missing"], 0)
        latency = phase["all"]["latency_us"]
        ordered = [latency[name] for name in ("p50", "p90", "p95", "p99", "p99_9", "greatest")]
        self.assertEqual(ordered, sorted(ordered))
        self.assertGreater(ordered[0], 0)
        self.assertAlmostEqual(phase["operations_per_second"],
                               phase["answered_in_window"] / phase["seconds"], places=3)
        self.assertGreater(phase["servers"]["resident_anon_bytes"], 0)
        # Each call of the SDK is an operation, counted or of the warm-up, or resolves.
        seconds = sum(second["answered"] for second in phase["each_second"])
        resolved = phase["client"]["calls"] - seconds
        self.assertGreaterEqual(resolved, 0)
        self.assertLessEqual(phase["operations"], seconds)
        return set(kinds)

    def test_the_matrix_is_whole(self):
        cells = {(cell["pipeline"], cell["bucket"], cell["kind"])
                 for cell in self.result["cells"] if "result" in cell}
        self.assertEqual(cells, {(pipeline, bucket, kind) for pipeline in (1, 16)
                                 for bucket in ("commit", "interval") for kind in ("put", "get")})

    def test_loads_write_every_record_once(self):
        for load in self.result["loads"].values():
            self.assertIsNone(load["run"])
            self.check_phase(load["load"])
            self.assertEqual(load["load"]["operations"], RECORDS)

    def test_each_cell_adds_up(self):
        for cell in self.result["cells"]:
            if "result" not in cell:
                continue
            with self.subTest(cell["kind"], bucket=cell["bucket"], pipeline=cell["pipeline"]):
                run_phase = cell["result"]["run"]
                kind = {"put": "update", "get": "read"}[cell["kind"]]
                self.assertEqual(self.check_phase(run_phase), {kind})
                # What was begun in the window has ended in it, but for what was in progress.
                late = abs(run_phase["operations"] - run_phase["answered_in_window"])
                self.assertLessEqual(late, 2 * CONNECTIONS * cell["pipeline"])
                # Connections in progress at a time, over the latency, give the rate (Little).
                mean_s = run_phase["all"]["latency_us"]["mean"] / 1e6
                in_progress = run_phase["operations_per_second"] * mean_s
                self.assertLessEqual(in_progress, 1.5 * CONNECTIONS * cell["pipeline"])

    def test_the_probes_measured_something(self):
        probes = [cell["probe"] for cell in self.result["cells"] if "probe" in cell]
        self.assertEqual(len(probes), 2)
        for probe in probes:
            for part in ("echo", "sync"):
                self.assertGreater(probe[part]["operations"], 0)

    def test_nothing_is_left_behind(self):
        self.assertEqual(os.listdir(self.directory.name), ["out.json"])
        here = os.path.join(self.directory.name, "")
        for path in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                with open(path, encoding="utf-8", errors="replace") as line:
                    self.assertNotIn(here, line.read())
            except OSError:
                pass  # it has just ended


class Ends(unittest.TestCase):
    def test_an_unreachable_cluster_is_said_so(self):
        done = run([BENCH, "--seed", NOBODY])
        self.assertEqual(done.returncode, 5)
        self.assertIn("--seed", done.stderr)
        self.assertEqual(done.stdout, "")

    def test_wrong_usage_names_what_is_wrong(self):
        for arguments, word in ((["--workload", "e"], '"e"'), (["--value-size", "x"], '"x"'),
                                (["--keys", "all"], '"all"'), (["--r", "9"], '"9"'),
                                (["--seed", "nowhere"], '"nowhere"'),
                                (["--workload", "a", "--read-ratio", "1"], "--read-ratio"),
                                (["--connections", "0"], "--connections"),
                                (["--server-pids", str(1 << 30)], str(1 << 30))):
            with self.subTest(" ".join(arguments)):
                done = run([BENCH, *arguments])
                self.assertEqual(done.returncode, 2)
                self.assertIn(word, done.stderr)

    def test_help_has_examples_and_exit_codes(self):
        done = run([BENCH, "--help"])
        self.assertEqual(done.returncode, 0)
        self.assertIn("Examples:", done.stdout)
        self.assertIn("Exit codes:", done.stdout)

    def test_three_peers_stops_its_peers_when_it_is_ended(self):
        with tempfile.TemporaryDirectory() as directory:
            with subprocess.Popen(["python3", "-B", THREE_PEERS, "--node", NODE, "--bench", BENCH,
                                   "--directory", directory], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL) as process:
                deadline = time.monotonic() + 60
                while not glob.glob(directory + "/*/three.log"):
                    self.assertLess(time.monotonic(), deadline)
                    time.sleep(0.05)
                process.send_signal(signal.SIGTERM)
                process.wait(timeout=60)
            self.assertEqual(os.listdir(directory), [])

    def test_a_comparison_measures_what_is_installed_and_cleans_up(self):
        with tempfile.TemporaryDirectory() as directory:
            page = os.path.join(directory, "page.html")
            kept = os.path.join(directory, "result.json")
            done = run([BENCH, "compare", "--json", "--systems", "redis,coterie-interval",
                        "--rounds", "1", "--records", "300", "--connections", "4", "--pipeline",
                        "2", "--warm-up", "0", "--duration", "0.2", "--probe", "0.05",
                        "--no-curve", "--node", NODE, "--directory", directory, "--html", page,
                        "--result", kept])
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(sorted(os.listdir(directory)), ["page.html", "result.json"])
            out = json.loads(done.stdout)
            measured = {row["system"] for row in out["rows"]}
            self.assertIn("coterie-interval", measured)
            self.assertEqual(measured | {each["system"] for each in out["skipped"]},
                             {"redis", "coterie-interval"})
            for row in out["rows"]:
                self.assertGreater(row["per_second"][0], 0)
                self.assertGreater(row["memory_mib"], 0)
                self.assertEqual(row["failed"], 0)
            with open(page, encoding="utf-8") as text:
                self.assertTrue(text.read().endswith("</html>\n"))
            with open(kept, encoding="utf-8") as text:
                self.assertEqual(len(json.load(text)["rows"]), len(out["rows"]))


if __name__ == "__main__":
    unittest.main()
