"""The counting itself: a failure that is not counted would make every other test worthless."""

import unittest

from .counting import count, count_planted
from .tally import Tally


class Counting(unittest.TestCase):
    def check(self, output, exit_code, passed, failed, skipped=0):
        counts, _ = count(output, exit_code)
        self.assertEqual((counts.passed, counts.failed, len(counts.skips)),
                         (passed, failed, skipped))

    def test_doctest_cases_count(self):
        self.check("[doctest] test cases: 12 | 12 passed | 0 failed | 0 skipped\n", 0, 12, 0)
        self.check("[doctest] test cases:  3 |  1 passed | 2 failed | 0 skipped\n", 1, 1, 2)

    def test_a_crash_after_the_summary_counts(self):
        self.check("[doctest] test cases: 2 | 2 passed | 0 failed | 0 skipped\n", -6, 2, 1)

    def test_a_crash_before_the_summary_counts(self):
        self.check("==1==ERROR: AddressSanitizer\n", -6, 0, 1)

    def test_doctest_without_cases_fails(self):
        self.check("[doctest] test cases: 0 | 0 passed | 0 failed | 0 skipped\n", 0, 0, 1)

    def test_a_skip_needs_a_reason(self):
        summary = "[doctest] test cases: 1 | 1 passed | 0 failed | 1 skipped\n"
        self.check(summary, 0, 1, 1)
        self.check("SKIP: no root here\n" + summary, 0, 1, 0, 1)
        self.check("", 77, 0, 1)
        self.check("SKIP: no root here\n", 77, 0, 0, 1)
        self.check("ok 1 - a # SKIP\n", 0, 0, 1)
        self.check("ok 1 - a # SKIP no root\n", 0, 0, 0, 1)

    def test_tap(self):
        self.check("1..3\nok 1 - a\nnot ok 2 - b\nok 3 - c\n", 1, 2, 1)
        self.check("1..3\nok 1 - a\n", 0, 1, 2)

    def test_python_unittest(self):
        self.check("...\nRan 3 tests in 0.1s\n\nOK\n", 0, 3, 0)
        self.check("F..\nRan 3 tests in 0.1s\n\nFAILED (failures=1, errors=1)\n", 1, 1, 2)
        self.check("a ... skipped 'no root'\nRan 3 tests in 0.1s\n\nOK (skipped=1)\n", 0, 2, 0, 1)
        self.check("Ran 0 tests in 0.1s\n\nOK\n", 0, 0, 1)

    def test_any_other_program_is_one_test(self):
        self.check("done\n", 0, 1, 0)
        self.check("oh\n", 3, 0, 1)

    def test_a_planted_fault_has_to_be_noticed(self):
        for summary, passed in (
                ("[doctest] test cases: 3 | 1 passed | 2 failed | 0 skipped\n", 1),
                ("[doctest] test cases: 3 | 3 passed | 0 failed | 0 skipped\n", 0),
                ("FAILED seed 7: copies are equal: they are not\n", 1),
                ("400 seeds, violations 0\n", 0),
                ("error while loading shared libraries\n", 0)):
            counts, _ = count_planted(summary)
            self.assertEqual((counts.passed, counts.failed), (passed, 1 - passed))

    def test_the_last_line(self):
        tally = Tally()
        tally.passed = 5
        self.assertEqual(tally.line(), "5 passed, 0 failed")
        tally.failed, tally.skipped = 1, 2
        self.assertEqual(tally.line(), "5 passed, 1 failed, 2 skipped")


if __name__ == "__main__":
    unittest.main(verbosity=2)
