"""./check: builds, runs and counts every test. See docs/testing.md."""

import argparse
import fcntl
import os
import sys

from . import stages
from .tally import Tally

USAGE = """
examples:
  ./check                    everything that has to pass before a change is landed
  ./check --quick            unit tests of the release build and the house rules, for a tight loop
  ./check --stage tsan       one stage; can be given several times
  ./check --long             everything, in every build, with long simulations and fuzzing
"""


def parse():
    parser = argparse.ArgumentParser(
        prog="./check", description=__doc__, epilog=USAGE,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="unit tests and house rules only")
    parser.add_argument("--long", action="store_true", help="everything everywhere")
    parser.add_argument("--stage", action="append", choices=list(stages.STAGES),
                        help="run only this stage")
    parser.add_argument("-j", "--jobs", type=int, default=len(os.sched_getaffinity(0)),
                        help="processes at once (default: the number of cores)")
    options = parser.parse_args()
    if options.quick and options.long:
        parser.error("--quick and --long exclude each other")
    if options.jobs < 1:
        parser.error("--jobs needs at least 1")
    return options


def only_run():
    """Two runs in one tree would build over each other."""
    os.makedirs("build-check", exist_ok=True)
    lock = open("build-check/.lock", "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit("check: another ./check runs in this tree; wait for it")
    return lock


def main():
    options = parse()
    lock = only_run()
    tally = Tally()
    try:
        stages.run(options, tally)
    except KeyboardInterrupt:
        tally.fail("check", "interrupted")
    lock.close()
    tally.print_failures()
    if tally.total() == 0:
        tally.fail("check", "nothing was run")
    print(tally.line())
    return 1 if tally.failed else 0


sys.exit(main())
