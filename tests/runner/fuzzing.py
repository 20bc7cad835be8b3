"""Runs the fuzz targets: real ones must survive, planted ones must be seen to crash."""

import concurrent.futures
import os
import re
import shutil

from .execute import run_limited
from .tally import Counts

RUNS = 200_000
LONG_RUNS = 5_000_000
PLANTED_RUNS = 200_000
LIMIT_S = 1200
EXECUTED = re.compile(r"^stat::number_of_executed_units:\s*(\d+)", re.M)
CRASH = re.compile(
    r"^(?:SUMMARY: (?:Address|UndefinedBehavior)Sanitizer: .*|==\d+== ERROR: .*)", re.M)


def run(tests, options, tally):
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        running = [pool.submit(run_planted if "planted" in test.suites else run_target, test,
                               options) for test in tests]
        for future in concurrent.futures.as_completed(running):
            tally.add(*future.result())


def run_target(test, options):
    """At least RUNS executions, none of which may crash, leak, hang or eat memory."""
    runs = LONG_RUNS if options.long else RUNS
    output, exit_code, seconds, again = fuzz(test, runs, 0 if options.long else 1)
    executed = EXECUTED.search(output)
    executed = int(executed.group(1)) if executed else 0
    passed = exit_code == 0 and executed >= runs
    note = f"{executed} executions in {seconds:.0f} s"
    if not passed:
        note += f", exit code {exit_code}"
    return f"sanitizers: {test.name}", Counts(int(passed), int(not passed)), note, output, again


def run_planted(test, options):
    """A decoder without its length check, which the fuzzer has to notice."""
    output, exit_code, seconds, again = fuzz(test, PLANTED_RUNS, 1)
    crash = CRASH.search(output)
    seen = exit_code != 0 and crash is not None
    note = f"crash seen after {seconds:.0f} s, as it must be" if seen else \
        f"the planted fault was not found in {PLANTED_RUNS} executions"
    return f"sanitizers: {test.name}", Counts(int(seen), int(not seen)), note, output, again


def fuzz(test, runs, seed):
    name = test.name.replace(" ", "_")
    work = os.path.join(test.build.directory, "corpus", name)
    artifacts = os.path.join(test.build.directory, "crashes", name) + "/"
    # A planted target learns nothing that is kept: its corpus would end in crashing inputs.
    if "planted" in test.suites:
        shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work, exist_ok=True)
    os.makedirs(artifacts, exist_ok=True)
    program, corpus = test.command[0], test.command[-1]
    command = [program, f"-runs={runs}", f"-seed={seed}", "-timeout=20", "-rss_limit_mb=2048",
               "-print_final_stats=1", f"-artifact_prefix={artifacts}", work, corpus]
    output, exit_code, seconds = run_limited(command, test.build.environment(), ".", LIMIT_S)
    return output, exit_code, seconds, f"{program} {artifacts}<the input named above>"
