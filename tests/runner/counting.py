"""Reads how many tests a program ran, and with what outcome, from what it printed.

Known: doctest's summary (each test case counts), lines of TAP ("ok 1 - name",
"not ok 2 - name", "ok 3 - name # SKIP reason") and Python's unittest. Anything else counts
as one test. A program cannot fail without a failure being counted, and cannot pass without
a test being counted.
"""

import re

from .tally import Counts

DOCTEST = re.compile(
    r"^\[doctest\] test cases:\s*(\d+) \|\s*(\d+) passed \|\s*(\d+) failed \|\s*(\d+) skipped",
    re.M)
TAP = re.compile(r"^(not )?ok\b[^#\n]*(?:#\s*SKIP\b[ \t]*(.*))?$", re.M | re.I)
UNITTEST = re.compile(r"^Ran (\d+) tests? in ", re.M)
UNITTEST_BAD = re.compile(r"(?:failures|errors|unexpected successes)=(\d+)")
UNITTEST_SKIP = re.compile(r"\.\.\. skipped ['\"](.*)['\"]$", re.M)
SKIP_EXIT = 77  # by Meson's and automake's convention
SEED_FAILED = re.compile(r"^FAILED seed \d+: ", re.M)
SKIP_LINE = re.compile(r"^SKIP:[ \t]*(\S.*)$", re.M)


def count(output, exit_code):
    """Counts of one finished program, and a word on why it failed."""
    why = ""
    if match := DOCTEST.search(output):
        counts = doctest(match, output)
    elif UNITTEST.search(output):
        counts = unittest(output)
    elif TAP.search(output):
        counts = tap(output)
    elif exit_code == SKIP_EXIT:
        counts = reasons(1, SKIP_LINE.findall(output))
        exit_code = 0
    else:
        counts = Counts(passed=1) if exit_code == 0 else Counts()
    if exit_code != 0 and counts.failed == 0:
        counts.failed += 1
        why = "killed by signal %d" % -exit_code if exit_code < 0 else "exit code %d" % exit_code
    if counts.passed + counts.failed + len(counts.skips) == 0:
        counts.failed += 1
        why = "it ran no test"
    return counts, why


def count_planted(output):
    """A program over a planted fault passes when its tests ran and one of them noticed."""
    match = DOCTEST.search(output)
    # The simulator names the seed that failed.
    noticed = int(match.group(3)) > 0 if match else SEED_FAILED.search(output) is not None
    why = "" if noticed else "the planted fault went unnoticed"
    return Counts(int(noticed), int(not noticed)), why


def describe(counts, why, seconds):
    """A line's note: why it failed, how many passed and failed, how long it took."""
    parts = [why] if why else []
    parts.append(f"{counts.passed} passed" + (f", {counts.failed} failed" if counts.failed else ""))
    return "; ".join(parts) + f", {seconds:.1f} s"


def doctest(match, output):
    total, passed, failed, skipped = (int(number) for number in match.groups())
    counts = reasons(skipped, SKIP_LINE.findall(output))
    counts.passed = passed
    counts.failed += failed + max(0, total - passed - failed)
    return counts


def tap(output):
    counts = Counts()
    for match in TAP.finditer(output):
        if match.group(2) is not None:
            more = reasons(1, [match.group(2)] if match.group(2).strip() else [])
            counts.skips += more.skips
            counts.failed += more.failed
        elif match.group(1):
            counts.failed += 1
        else:
            counts.passed += 1
    plan = re.search(r"^1\.\.(\d+)", output, re.M)
    ran = counts.passed + counts.failed + len(counts.skips)
    if plan and int(plan.group(1)) > ran:
        counts.failed += int(plan.group(1)) - ran
    return counts


def unittest(output):
    ran = sum(int(number) for number in UNITTEST.findall(output))
    failed = sum(int(number) for number in UNITTEST_BAD.findall(output))
    skips = re.search(r"\bskipped=(\d+)", output)
    counts = reasons(int(skips.group(1)) if skips else 0, UNITTEST_SKIP.findall(output))
    counts.passed = max(0, ran - failed - len(counts.skips) - counts.failed)
    counts.failed += failed
    return counts


def reasons(skipped, written):
    """A skip without a written reason is a failure."""
    counts = Counts(skips=list(written[:skipped]))
    counts.failed = skipped - len(counts.skips)
    return counts
