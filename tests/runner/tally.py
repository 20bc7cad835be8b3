"""What passed, failed and was skipped; the one place where tests are summed."""

import dataclasses


@dataclasses.dataclass
class Counts:
    passed: int = 0
    failed: int = 0
    skips: list = dataclasses.field(default_factory=list)  # one written reason each


class Tally:
    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.skipped = 0
        self.failures = []  # (name, how to run it again)

    def ok(self, name, note=""):
        self.passed += 1
        say(f"  ok    {name}{note and f' ({note})'}")

    def fail(self, name, why, output="", again=""):
        """One failed test that has no finer count."""
        self.add(name, Counts(failed=1), why, output, again)

    def add(self, name, counts, note="", output="", again=""):
        self.passed += counts.passed
        self.failed += counts.failed
        self.skipped += len(counts.skips)
        if counts.failed:
            self.failures.append((name, again))
            say(f"  FAIL  {name}: {note}")
            for line in tail(output):
                say(f"        | {line}")
            if again:
                say(f"        run again: {again}")
        else:
            say(f"  ok    {name} ({note})")
        for reason in counts.skips:
            say(f"        skipped: {reason}")

    def total(self):
        return self.passed + self.failed + self.skipped

    def print_failures(self):
        if not self.failures:
            return
        say("\nfailures:")
        for name, again in self.failures:
            say(f"  {name}{again and f'    run again: {again}'}")

    def line(self):
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def tail(output, lines=60):
    kept = output.rstrip().splitlines()
    if len(kept) > lines:
        return [f"... {len(kept) - lines} lines before"] + kept[-lines:]
    return kept


def say(line):
    print(line, flush=True)
