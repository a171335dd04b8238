"""What tally.py promises: each tool's own words are counted, and nothing that failed is ever a pass.

Run with `python3 -m unittest discover -s tests/setup`.
"""

import io
import unittest

from tally import Count, clock, main, steps_of


def counted(*lines, exit_code=0):
    count = Count()
    for line in lines:
        count.read(line + "\n")
    return count.close(exit_code)


class Counting(unittest.TestCase):
    def test_cargo_is_summed_over_its_binaries(self):
        self.assertEqual(
            counted(
                "running 3 tests",
                "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
                "test result: \x1b[31mFAILED\x1b[0m. 4 passed; 2 failed; 0 ignored; 0 measured; 9 filtered out; finished in 1s",
                exit_code=101,
            ),
            (7, 2),
        )

    def test_pytest_is_read_with_and_without_its_frame(self):
        self.assertEqual(counted("3 passed in 0.02s"), (3, 0))
        self.assertEqual(counted("==== 1 failed, 3 passed, 2 skipped, 2 errors in 61.02s (0:01:01) ====", exit_code=1), (3, 3))
        self.assertEqual(counted("=== 1 error in 0.02s ===", exit_code=2), (0, 1))

    def test_unittest_needs_both_of_its_lines(self):
        self.assertEqual(counted("Ran 34 tests in 1.057s", "", "OK"), (34, 0))
        self.assertEqual(counted("Ran 9 tests in 0.1s", "", "FAILED (failures=1, errors=2, skipped=1)", exit_code=1), (5, 3))
        self.assertEqual(counted("OK"), (1, 0))

    def test_node_is_read_in_both_of_its_styles(self):
        self.assertEqual(counted("# tests 5", "# pass 4", "# fail 1", "# cancelled 1", exit_code=1), (4, 2))
        self.assertEqual(counted("\N{INFORMATION SOURCE} pass 5", "\N{INFORMATION SOURCE} fail 0"), (5, 0))

    def test_our_own_line_counts_only_as_a_whole_line(self):
        self.assertEqual(counted("4 passed, 1 failed", exit_code=1), (4, 1))
        self.assertEqual(counted("it says 4 passed, 1 failed somewhere"), (1, 0))

    def test_a_step_without_a_number_counts_as_one(self):
        self.assertEqual(counted("Finished"), (1, 0))
        self.assertEqual(counted("error: could not compile", exit_code=101), (0, 1))

    def test_a_step_that_passes_its_tests_and_then_dies_has_failed(self):
        self.assertEqual(counted("# pass 5", "# fail 0", exit_code=139), (5, 1))

    def test_a_failure_said_but_not_signalled_is_a_failure(self):
        self.assertEqual(counted("2 passed, 1 failed", exit_code=0), (2, 1))


class Running(unittest.TestCase):
    def ran(self, *steps):
        out = io.StringIO()
        code = main(steps, out, now=lambda: 0.0)
        return code, out.getvalue()

    def test_the_last_line_is_the_sum_and_a_failure_stops_nothing(self):
        code, text = self.ran(("one", "echo 2 passed, 0 failed"), ("two", "false"), ("three", "echo 3 passed, 1 failed"))
        self.assertEqual(text.splitlines()[-1], "5 passed, 2 failed")
        self.assertEqual(code, 1)
        self.assertIn("==> [3/3] three", text)

    def test_all_passed_is_a_success(self):
        code, text = self.ran(("one", "true"), ("two", "echo 2 passed, 0 failed"))
        self.assertEqual((code, text.splitlines()[-1]), (0, "3 passed, 0 failed"))

    def test_what_goes_to_the_error_stream_is_counted_too(self):
        code, text = self.ran(("one", "echo 'Ran 2 tests in 0.1s' >&2; echo OK >&2"))
        self.assertEqual((code, text.splitlines()[-1]), (0, "2 passed, 0 failed"))

    def test_no_steps_is_no_success(self):
        self.assertEqual(self.ran()[0], 1)

    def test_a_command_may_have_pipes_of_its_own(self):
        self.assertEqual(steps_of("\na b | echo x | cat\n\n"), [("a b", "echo x | cat")])

    def test_seconds_are_read_as_minutes(self):
        self.assertEqual([clock(0.4), clock(59), clock(185)], ["0 s", "59 s", "3 m 05 s"])


if __name__ == "__main__":
    unittest.main()
