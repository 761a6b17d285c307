#!/usr/bin/env python3
"""Runs the end-to-end tests; the last line is "N passed, N failed".

run.py [NAME...]: only the classes whose name, or the cases whose id, contains one of the names. CANOPY_BINARY names the
program under test. Most cases wait for real time to pass, so E2E_JOBS=3 classes run at once, each in a process of its own.
"""
import concurrent.futures
import os
import re
import signal
import subprocess
import sys
import time
import unittest

import harness

JOBS = int(os.environ.get("E2E_JOBS", "3"))
# Seconds. A case that hangs is a failure like any other, told by its name, and keeps nobody waiting for the rest.
CASE_LIMIT = int(os.environ.get("E2E_CASE_LIMIT", "300"))


class OutOfTime(BaseException):
    """Not an Exception: nobody who waits for something may take it for a failed try."""


def out_of_time(_signal, _frame):
    raise OutOfTime(f"the case took longer than {CASE_LIMIT} s")


class Result(unittest.TextTestResult):
    """A line for each case with its time: the slow ones are the ones to watch. Shows the logs of what failed."""

    passed = 0

    def startTest(self, test):
        self.began = time.monotonic()
        signal.alarm(CASE_LIMIT)
        unittest.TestResult.startTest(self, test)

    def report(self, test, word):
        self.stream.writeln(f"{word:6} {time.monotonic() - getattr(self, 'began', time.monotonic()):6.1f} s  {test.id()}")
        self.stream.flush()

    def addSuccess(self, test):
        self.passed += 1
        self.report(test, "ok")

    def failed(self, test, shown, into):
        into.append((test, self._exc_info_to_string(shown, test) + (test.logs() if hasattr(test, "logs") else "")))
        self.report(test, "FAILED")

    def addFailure(self, test, err):
        self.failed(test, err, self.failures)

    def addError(self, test, err):
        self.failed(test, err, self.errors)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.failed(subtest, err, self.failures)


def cases(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from cases(item)
        else:
            yield item


def of_class(case):
    return case.id().rsplit(".", 1)[0]


def run_here(found):
    """Runs the cases in this process."""
    signal.signal(signal.SIGALRM, out_of_time)
    signal.alarm(CASE_LIMIT)  # for what a class sets up
    result = unittest.TextTestRunner(stream=sys.stdout, resultclass=Result, verbosity=0).run(unittest.TestSuite(found))
    signal.alarm(0)
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    print(f"{result.passed} passed, {failed} failed")
    return failed


def run_apart(name, names):
    """Runs one class in a process of its own, prints what it printed, and returns how many passed and failed."""
    done = subprocess.run([sys.executable, __file__, "--class", name, *names], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False, preexec_fn=harness.peers.end_with_parent)
    *lines, last = done.stdout.splitlines() or [""]
    total = re.fullmatch(r"(\d+) passed, (\d+) failed", last)
    quiet = total and total[2] == "0"
    print("\n".join(line for line in lines if not quiet or line.startswith("ok")) + ("" if total else last), flush=True)
    return (int(total[1]), int(total[2])) if total else (0, 1)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    found = list(cases(unittest.defaultTestLoader.discover(here, pattern="*_test.py", top_level_dir=here)))
    arguments = sys.argv[1:]
    alone = arguments[1] if arguments[:1] == ["--class"] else None
    names = arguments[2:] if alone else arguments
    # A module that cannot be imported is a case of its own, and always chosen.
    found = [c for c in found if not names or "_FailedTest" in c.id() or any(name in c.id() for name in names)]
    if alone:
        return run_here(c for c in found if of_class(c) == alone)
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for good, bad in pool.map(lambda name: run_apart(name, names), dict.fromkeys(map(of_class, found))):
            passed, failed = passed + good, failed + bad
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
