"""Runs every house rule on the repository; each is one test."""

import sys

from . import rules, tree

SHOWN = 40


def main():
    files = tree.of_repository()
    failed = 0
    for number, rule in enumerate(rules.RULES, 1):
        complaints = list(rule(files))
        failed += bool(complaints)
        for complaint in complaints[:SHOWN]:
            print(f"  {complaint}")
        if len(complaints) > SHOWN:
            print(f"  and {len(complaints) - SHOWN} more")
        print(f"{'not ok' if complaints else 'ok'} {number} - {rule.__name__.replace('_', ' ')}")
    print(f"1..{len(rules.RULES)}")
    return 1 if failed else 0


sys.exit(main())
