"""A load that arrives at its own pace (open loop, latency from when each request was meant to
begin) in the background, for the scripts here that do something to the peers meanwhile."""

import json
import subprocess
import time

from peers import Failed, call


def bench_command(options, cluster, *more):
    return [options.bench, "--json", "--seed", cluster.seeds(), "--bucket", "commit",
            "--records", str(options.records), "--value-size", str(options.value_size),
            "--connections", str(options.connections), "--read-ratio", "0.5", "--warm-up", "2",
            *more]


def closed_loop(options, cluster):
    return call(bench_command(options, cluster, "--duration", str(options.steady)))["run"]


def wait_until(condition, what, patience=120):
    begun = time.monotonic()
    while not condition():
        if time.monotonic() - begun > patience:
            raise Failed(f"not seen within {patience} s: {what}")
        time.sleep(0.05)
    return time.monotonic() - begun


class Load:
    """The open loop in the background; what it saw in each second."""

    def __init__(self, options, cluster, rate, seconds):
        self.process = subprocess.Popen(
            bench_command(options, cluster, "--rate", str(rate), "--duration", str(seconds)),
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.begun = time.monotonic() + 2  # after the warm-up

    def at(self, second):
        time.sleep(max(0.0, self.begun + second - time.monotonic()))

    def end(self):
        out, _ = self.process.communicate(timeout=300)
        return json.loads(out)["run"]


def worst(run, begin, end):
    """Of the seconds [begin, end) after the warm-up: the failed, and the worst second's p99."""
    seconds = [each for each in run["each_second"] if not each["warm_up"]]
    chosen = [each for each in seconds if begin < round(each["ended_s"] - 2) <= end]
    return {"failed": sum(each["failed"] for each in chosen),
            "answered": sum(each["answered"] for each in chosen),
            "worst_p99_ms": max((each["p99_us"] for each in chosen), default=0) / 1000}
