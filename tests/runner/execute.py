"""Runs tests, several at once, each with its time limit, and counts them."""

import concurrent.futures
import os
import re
import signal
import subprocess
import time

from .counting import count, count_planted, describe
from .tally import say

NO_LIMIT_S = 3600  # for a test that Meson gives no time limit
GRACE_S = 10       # between being asked to end and being killed
# A test prints it of a run that must be the same in every build, whatever the compiler.
TRACE = re.compile(r"^TRACE (\S+) ([0-9a-f]+)$", re.M)


SLOWEST = 5


def run_all(tests, jobs, tally, scale, traces):
    """Process tests start several peers each, wait more than they work and watch real clocks: two
    of them run beside the others, which only compute and yield to them. Those that are not
    `is_parallel` run one by one, and the suite `alone` when all else is done."""
    spent = []

    def run_these(lanes):
        running = [lane.submit(run_one, test, scale) for lane, test in lanes]
        for future in concurrent.futures.as_completed(running):
            test, output, exit_code, seconds = future.result()
            spent.append((seconds, test.name))
            report(tally, traces, test, output, exit_code, seconds)

    pool = concurrent.futures.ThreadPoolExecutor
    with pool(jobs) as computing, pool(1) as one_by_one, pool(1) as waiting:
        def lane(test):
            if not test.parallel:
                return one_by_one
            return waiting if test.kind == "process" else computing

        tests = in_order(tests)
        run_these([(lane(test), test) for test in tests if "alone" not in test.suites])
        run_these([(one_by_one, test) for test in tests if "alone" in test.suites])
    slowest = sorted(spent, reverse=True)[:SLOWEST]
    if slowest:
        say("  slowest: " + ", ".join(f"{name} {seconds:.0f} s" for seconds, name in slowest))


def in_order(tests):
    """Those that run long begin first: a high `priority` in Meson, and sims before units."""
    kinds = ("process", "sim", "unit", "fuzz")
    return sorted(tests, key=lambda test: (-test.priority, kinds.index(test.kind)))


def run_one(test, scale):
    env = test.build.environment() | test.env | {"COTERIE_TEST_SCALE": scale}
    limit_s = test.timeout if test.timeout > 0 else NO_LIMIT_S
    command = test.command if test.kind == "process" else ["nice", "-n", "19", *test.command]
    output, exit_code, seconds = run_limited(command, env, test.workdir, limit_s)
    return test, output, exit_code, seconds


def run_limited(command, env, workdir, limit_s):
    """Output, exit code and seconds; a program over its limit is killed with its children."""
    began = time.monotonic()
    process = subprocess.Popen(command, env=env, cwd=workdir, text=True, errors="replace",
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, start_new_session=True)
    try:
        output, _ = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        output = ended(process) + f"\nkilled: it ran longer than its limit of {limit_s} s"
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return output, process.returncode, time.monotonic() - began


def ended(process):
    """Ends a program and its children, and gives what it printed: doctest names the test case."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        return process.communicate(timeout=GRACE_S)[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.communicate()[0]


def report(tally, traces, test, output, exit_code, seconds):
    planted = "planted" in test.suites
    counts, why = count_planted(output) if planted else count(output, exit_code)
    tally.add(f"{test.build.name}: {test.name}", counts, describe(counts, why, seconds), output,
              test.again)
    for label, trace in TRACE.findall(output):
        compare(tally, traces, test, label, trace)


def compare(tally, traces, test, label, trace):
    """One seed gives one trace, whichever build runs it."""
    if label not in traces:
        traces[label] = (trace, test.build.name)
        return
    first, where = traces[label]
    name = f"{test.build.name}: trace of {label}"
    if trace == first:
        tally.ok(name, f"as in {where}")
    else:
        tally.fail(name, f"{trace}, but {first} in {where}", again=test.again)
