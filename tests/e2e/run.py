#!/usr/bin/env python3
"""Runs the end-to-end tests; the last line is "N passed, N failed".

run.py [NAME...]: only the cases whose id contains one of the names. CANOPY_BINARY names the program under test.
"""
import pathlib
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent


class Result(unittest.TextTestResult):
    """Counts cases, and says how long each took: the slow ones are the ones to watch."""

    passed = 0

    def startTest(self, test):
        self.began = time.monotonic()
        unittest.TestResult.startTest(self, test)

    def report(self, test, word):
        self.stream.writeln(f"{word:6} {time.monotonic() - self.began:6.1f} s  {test.id()}")
        self.stream.flush()

    def addSuccess(self, test):
        self.passed += 1
        self.report(test, "ok")

    def addFailure(self, test, err):
        unittest.TestResult.addFailure(self, test, err)
        self.report(test, "FAILED")

    def addError(self, test, err):
        unittest.TestResult.addError(self, test, err)
        self.began = getattr(self, "began", time.monotonic())
        self.report(test, "FAILED")

    def addSubTest(self, test, subtest, err):
        unittest.TestResult.addSubTest(self, test, subtest, err)
        if err is not None:
            self.report(subtest, "FAILED")


def chosen(suite, names):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from chosen(item, names)
        elif not names or "_FailedTest" in item.id() or any(name in item.id() for name in names):
            yield item


def main():
    sys.path.insert(0, str(HERE))
    found = unittest.defaultTestLoader.discover(str(HERE), pattern="*_test.py", top_level_dir=str(HERE))
    suite = unittest.TestSuite(chosen(found, sys.argv[1:]))
    runner = unittest.TextTestRunner(stream=sys.stdout, resultclass=Result, verbosity=0)
    result = runner.run(suite)
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    print(f"{result.passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
