#!/usr/bin/env python3
"""Runs the steps of `make test` one after the other and says at the end how many tests passed and failed.

The steps come from the variable TEST_STEPS, one a line: `heading | command`. A step that fails does not keep the
later ones from running. What a step printed is counted as cargo, pytest, unittest, node and our own programs
(`N passed, N failed`) say it. A step that says no number counts as one: passed if it exited with 0. A step that
exits with something else counts at least one failed. The last line printed is the sum, `N passed, N failed`.
Standard library only.
"""

import os
import re
import subprocess
import sys
import time

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
CARGO = re.compile(r"test result: \w+\. (\d+) passed; (\d+) failed;")
PYTEST = re.compile(r"=* ?((?:\d+ [a-z]+, )*\d+ [a-z]+) in [\d.]+s(?: \([\d:]+\))? ?=*")
UNITTEST_RAN = re.compile(r"Ran (\d+) tests? in [\d.]+s")
UNITTEST_END = re.compile(r"(?:OK|FAILED)(?: \((.*)\))?")
NODE = re.compile(r"(?:#|\N{INFORMATION SOURCE}) (pass|fail|cancelled) (\d+)")
OWN = re.compile(r"(\d+) passed, (\d+) failed")


class Count:
    """What one step's output says of tests, read line by line."""

    def __init__(self):
        self.passed = 0
        self.failed = 0
        self._ran = None

    def read(self, line):
        """Counts what a line says; most lines say nothing."""
        line = COLOUR.sub("", line).strip()
        if found := CARGO.match(line) or OWN.fullmatch(line):
            self._add(int(found[1]), int(found[2]))
        elif found := PYTEST.fullmatch(line):
            words = self._named(found[1].split(", "), " ")
            self._add(words.get("passed", 0), words.get("failed", 0) + words.get("errors", words.get("error", 0)))
        elif found := UNITTEST_RAN.fullmatch(line):
            self._ran = int(found[1])
        elif self._ran is not None and (found := UNITTEST_END.fullmatch(line)):
            self._unittest(found[1] or "")
        elif found := NODE.fullmatch(line):
            self._add(*((int(found[2]), 0) if found[1] == "pass" else (0, int(found[2]))))

    def close(self, exit_code):
        """The step has ended; returns (passed, failed), of which at least one is not 0."""
        if exit_code != 0 and self.failed == 0:
            self.failed = 1
        elif exit_code == 0 and self.passed == self.failed == 0:
            self.passed = 1
        return self.passed, self.failed

    def _add(self, passed, failed):
        self.passed += passed
        self.failed += failed

    def _unittest(self, remarks):
        words = self._named(remarks.split(", "), "=") if remarks else {}
        failed = words.get("failures", 0) + words.get("errors", 0) + words.get("unexpected successes", 0)
        self._add(self._ran - failed - words.get("skipped", 0), failed)
        self._ran = None

    @staticmethod
    def _named(parts, between):
        """`2 failed` or `failures=2`, as {word: number}."""
        pairs = (part.split(between, 1) for part in parts)
        return {(b if a.isdigit() else a): int(a if a.isdigit() else b) for a, b in pairs}


def steps_of(text):
    """The (heading, command) pairs of TEST_STEPS; empty lines are allowed."""
    pairs = (line.split("|", 1) for line in text.splitlines() if line.strip())
    return [(heading.strip(), command.strip()) for heading, command in pairs]


def run(command, count, out):
    """Runs one command, passes on what it prints, and returns its exit code."""
    with subprocess.Popen(["bash", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        for raw in process.stdout:
            line = raw.decode("utf-8", "replace")
            out.write(line)
            out.flush()
            count.read(line)
        return process.wait()


def clock(seconds):
    """Seconds as a person reads them, `3 m 05 s`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} m {rest:02} s" if minutes else f"{rest} s"


def main(steps, out, now=time.monotonic):
    """Runs every step, prints the table and the sum, and returns the exit code."""
    began = now()
    rows = []
    for number, (heading, command) in enumerate(steps, 1):
        out.write(f"\n==> [{number}/{len(steps)}] {heading}, after {clock(now() - began)}\n    {command}\n")
        out.flush()
        count, at = Count(), now()
        rows.append((heading, *count.close(run(command, count, out)), now() - at))
    out.write("\n" + "".join(f"{p:6} passed {f:4} failed {clock(s):>12}  {heading}\n" for heading, p, f, s in rows))
    passed, failed = (sum(row[i] for row in rows) for i in (1, 2))
    out.write(f"{passed} passed, {failed} failed\n")
    out.flush()
    return 1 if failed or not rows else 0


if __name__ == "__main__":
    try:
        sys.exit(main(steps_of(os.environ.get("TEST_STEPS", "")), sys.stdout))
    except KeyboardInterrupt:
        sys.exit("\nstopped before the end; nothing was counted")
