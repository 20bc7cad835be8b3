"""./demo: imports real data into three peers, kills one, goes on, and compares every record."""

import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
NODE = os.path.join(ROOT, "build/coterie-node")
COTERIE = os.path.join(ROOT, "build/coterie")
ADMIN = os.path.join(ROOT, "build/cluster-admin")
PEERS = ["one", "two", "three"]
CLIENT_PORT = {"one": 7400, "two": 7410, "three": 7420}
PORTS = [7400 + 10 * peer + door for peer in range(3) for door in range(4)]
KILL_AT = 40_000
PATIENCE = 60  # seconds, for anything that must happen

WORDNET = [("n", "noun"), ("v", "verb"), ("a", "adj"), ("r", "adv")]
SYNSETS = 117_659


class Failed(Exception):
    pass


def say(text=""):
    print(text, flush=True)


def escape(value):
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\r", "\\r")


def wordnet_records():
    """Key: part of speech and offset; value: the line with its trailing blanks."""
    for letter, name in WORDNET:
        with open(f"/usr/share/wordnet/data.{name}", encoding="utf-8", newline="") as lines:
            for line in lines:
                if not line.startswith("  "):  # the licence stands indented on top
                    yield letter + line[:8], line.rstrip("\n")


def unicode_records():
    with open("/usr/share/unicode/UnicodeData.txt", encoding="utf-8", newline="") as lines:
        for line in lines:
            yield line.split(";", 1)[0], line.rstrip("\n")


def write_tsv(path, records):
    count = 0
    with open(path, "w", encoding="utf-8", newline="") as out:
        for key, value in records:
            out.write(f"{key}\t{escape(value)}\n")
            count += 1
    return count


class Bar:
    """A progress bar on a terminal; elsewhere a line now and then."""

    def __init__(self, title, total):
        self.title, self.total = title, total
        self.last = 0.0

    def show(self, done, note="", end=False):
        now = time.monotonic()
        if not end and now - self.last < (0.1 if sys.stdout.isatty() else 1.0):
            return
        self.last = now
        width = 30
        filled = width * done // max(self.total, 1)
        line = f"  {self.title:<34} [{'#' * filled}{'.' * (width - filled)}] {done:>7} {note}"
        if sys.stdout.isatty():
            print("\r\033[K" + line, end="\n" if end else "", flush=True)
        else:
            say(line)


class Cluster:
    def __init__(self, directory):
        self.directory = directory
        self.processes = {}

    def start(self, name):
        log = open(os.path.join(self.directory, name + ".log"), "ab")
        self.processes[name] = subprocess.Popen(
            [NODE, "--config", os.path.join(ROOT, "configs", name + ".toml")],
            cwd=self.directory, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        log.close()

    def kill(self, name):
        self.processes[name].kill()
        self.processes.pop(name).wait()

    def stop(self):
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes.clear()

    def check_running(self):
        for name, process in self.processes.items():
            if process.poll() is not None:
                raise Failed(f"peer {name} ended by itself; the end of its log:\n{self.log(name)}")

    def log(self, name):
        with open(os.path.join(self.directory, name + ".log"), encoding="utf-8",
                  errors="replace") as lines:
            return "".join(lines.readlines()[-15:])

    def status(self):
        """What peer one sees, or None while it does not answer."""
        done = subprocess.run([ADMIN, "status", "--json"], capture_output=True, text=True,
                              timeout=20)
        try:
            return json.loads(done.stdout)
        except ValueError:
            return None

    def liveness(self):
        status = self.status() or {}
        return sorted(member["state"] for member in status.get("nodes", []))

    def is_recovered(self):
        """All peers alive, and none has anything to say but that its copies are behind."""
        status = self.status() or {}
        problems = {problem["code"] for problem in status.get("problems", [])}
        return self.liveness() == ["alive"] * 3 and problems <= {"copies_behind"}

    def wait_for_all(self, why):
        deadline = time.monotonic() + PATIENCE
        while not self.is_recovered():
            self.check_running()
            if time.monotonic() > deadline:
                raise Failed(f"{why}: not seen within {PATIENCE} s; status shows "
                             f"{self.liveness()}")
            time.sleep(0.1)

    def show_status(self, title):
        self.show("status", title)

    def show(self, command, title):
        """What cluster-admin prints of it."""
        say(f"\n$ cluster-admin {command:<13} # {title}")
        done = subprocess.run([ADMIN, command], capture_output=True, text=True, timeout=PATIENCE)
        for line in (done.stdout + done.stderr).rstrip().split("\n"):
            say("  " + line)
        return done.returncode

    def hints(self):
        """How many writes wait for a node that missed them, over all nodes."""
        done = subprocess.run([ADMIN, "handoff", "--json"], capture_output=True, text=True,
                              timeout=20)
        return sum(target["hints"] for node in json.loads(done.stdout)["nodes"]
                   for target in node["targets"])


class Import:
    """One `coterie import`, watched through its progress lines."""

    PROGRESS = re.compile(r"acknowledged (\d+) of (\d+), (\d+) failed")

    def __init__(self, path, bucket, peers):
        self.acknowledged = 0
        self.errors = []
        seeds = [f"--seed=127.0.0.1:{CLIENT_PORT[peer]}" for peer in peers]
        self.process = subprocess.Popen(
            [COTERIE, "import", "--bucket", bucket, "--progress", "lines", *seeds, path],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stderr:
            match = self.PROGRESS.search(line)
            if match:
                self.acknowledged = int(match.group(1))
            else:
                self.errors.append(line.rstrip())

    def is_running(self):
        return self.process.poll() is None

    def finish(self):
        code = self.process.wait()
        self.reader.join()
        if code != 0:
            raise Failed(f"coterie import ended with {code}:\n" + "\n".join(self.errors[-10:]))
        return self.acknowledged


def import_all(path, bucket, peers, bar, at=None):
    """Imports a file; calls `at()` once KILL_AT writes are acknowledged."""
    begun = time.monotonic()
    run = Import(path, bucket, peers)
    while run.is_running():
        bar.show(run.acknowledged)
        if at and run.acknowledged >= KILL_AT:
            at(run.acknowledged)
            at = None
        time.sleep(0.02)
    done = run.finish()
    seconds = time.monotonic() - begun
    bar.show(done, f"{done / seconds:,.0f}/s", end=True)
    if at:
        raise Failed(f"only {done} writes were acknowledged; the peer was never killed")
    return done, seconds


def compare(path, bucket, peers, bar, *options):
    """Reads every record of a file back; the numbers equal, different and missing."""
    seeds = [f"--seed=127.0.0.1:{CLIENT_PORT[peer]}" for peer in peers]
    begun = time.monotonic()
    command = [COTERIE, "compare", "--json", "--bucket", bucket, *options, *seeds, path]
    done = subprocess.run(command, capture_output=True, text=True)
    try:
        result = json.loads(done.stdout)
    except ValueError:
        raise Failed(f"coterie compare ended with {done.returncode}: {done.stderr}") from None
    seconds = time.monotonic() - begun
    bar.show(result["equal"], f"{result['equal'] / seconds:,.0f}/s", end=True)
    return result


def compare_all(sets, peers, *options):
    total = {"equal": 0, "different": 0, "missing": 0}
    title = "compare bucket {}, R=3" if options else "compare bucket {}"
    for bucket, path, count in sets:
        result = compare(path, bucket, peers, Bar(title.format(bucket), count), *options)
        for name in total:
            total[name] += result[name]
    return total


def wait_for_handoff(cluster):
    say("\nHints, of writes that peer three missed, are replayed to it:")
    total = waiting = cluster.hints()
    bar = Bar("handoff", total)
    deadline = time.monotonic() + PATIENCE
    while waiting > 0:
        bar.show(total - waiting)
        if time.monotonic() > deadline:
            raise Failed(f"{waiting} hints were not replayed within {PATIENCE} s")
        time.sleep(0.1)
        waiting = cluster.hints()
        total = max(total, waiting)
    bar.show(total, "all replayed", end=True)


def return_of_three(cluster, sets, found):
    """Starts it again and brings it up to date; adds to `found` what is lost or different."""
    say("\nPeer three starts again:")
    cluster.start("three")
    cluster.wait_for_all("peer three alive again")
    cluster.show_status("it is back, and is sent what was written meanwhile")
    wait_for_handoff(cluster)
    if cluster.show("repair", "all copies are compared, and made equal where they differ") != 0:
        raise Failed("cluster-admin repair failed")
    cluster.show("verify", "once more, changing nothing")
    say("\nReads of all three copies (R=3), compared byte for byte:")
    again = compare_all(sets, PEERS, "--r", "all")
    found["missing"] += again["missing"]
    found["different"] += again["different"]
    cluster.show_status("after")


def prepare(directory):
    files = {}
    for name, records in (("wordnet", wordnet_records()), ("unicode", unicode_records())):
        path = os.path.join(directory, name + ".tsv")
        files[name] = (path, write_tsv(path, records))
    if files["wordnet"][1] != SYNSETS:
        raise Failed(f"wordnet-base has {files['wordnet'][1]} synsets here, not {SYNSETS}; is "
                     "the package another version?")
    return files


def check_ports():
    for port in PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                raise Failed(f"port {port} of 127.0.0.1 is in use; stop what listens there (the "
                             "peers of configs/ use 7400 to 7423)") from None


def run(cluster):
    files = prepare(cluster.directory)
    wordnet, synsets = files["wordnet"]
    unicode, characters = files["unicode"]

    say("Three equal peers, each from its own file in configs/:")
    for name in PEERS:
        cluster.start(name)
    cluster.wait_for_all("three peers alive")
    cluster.show_status("before")

    killed_at = []

    def kill(acknowledged):
        cluster.kill("three")
        killed_at.append(acknowledged)

    say("\nWordNet's synsets, unthrottled; peer three is killed on the way (SIGKILL):")
    records, write_seconds = import_all(wordnet, "wordnet", PEERS,
                                        Bar("import, W=2 of 3, synced", synsets), kill)
    say(f"  peer three died after {killed_at[0]} acknowledged writes; "
        f"{records - killed_at[0]} more were taken without it")
    extra, more = 0, []
    living = ["one", "two"]
    while cluster.liveness() != ["alive", "alive", "dead"]:
        cluster.check_running()
        extra += 1
        if extra > PATIENCE:
            raise Failed("the killed peer is not shown as dead")
        path = os.path.join(cluster.directory, f"more{extra}.tsv")
        count = write_tsv(path, ((f"{extra}:{key}", value) for key, value in unicode_records()))
        more.append(("default", path, count))
        done, seconds = import_all(path, "default", PEERS,
                                   Bar("still writing, until it is seen dead", count))
        records, write_seconds = records + done, write_seconds + seconds
    cluster.show_status("while peer three is dead")
    say("\nUnicode's characters, with two of three peers:")
    done, seconds = import_all(unicode, "unicode", living, Bar("import, W=2 of 3", characters))
    records, write_seconds = records + done, write_seconds + seconds

    sets = [("wordnet", wordnet, synsets), ("unicode", unicode, characters), *more]
    say("\nEvery record read back through the two that live (R=2), compared byte for byte:")
    begun = time.monotonic()
    found = compare_all(sets, living)
    read_seconds = time.monotonic() - begun
    return_of_three(cluster, sets, found)

    lost, different, compared = found["missing"], found["different"], found["equal"]
    say()
    say(f"  records     {records:,} written, {compared:,} read back equal")
    say(f"  seconds     {write_seconds:.1f} writing, {read_seconds:.1f} reading")
    say(f"  operations  {records / write_seconds:,.0f} writes/s, "
        f"{compared / read_seconds:,.0f} reads/s")
    say(f"  different   {different}")
    say(f"  lost: {lost}")
    if lost or different or compared != records:
        raise Failed("records were lost or changed")


def main():
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--keep", action="store_true",
                        help="leave the peers' data and logs behind, and say where")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    directory = tempfile.mkdtemp(prefix="coterie-demo-")
    cluster = Cluster(directory)
    try:
        check_ports()
        run(cluster)
        code = 0
    except Failed as failure:
        say(f"\ndemo: {failure}")
        code = 1
    except KeyboardInterrupt:
        say("\ndemo: interrupted")
        code = 130
    finally:
        cluster.stop()
        if options.keep:
            say(f"data and logs: {directory}")
        else:
            shutil.rmtree(directory, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
