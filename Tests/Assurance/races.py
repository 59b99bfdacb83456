"""Runs tests of the concurrent parts under the thread sanitizer, in a build folder of its own."""
import argparse

from results import Results
from swift_tests import SwiftTests, build

PARTS = ["ParleyStoreTests", "ParleyTransportTests", "ParleyControlTests", "ParleyNodeTests"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scratch-path", default=".build-tsan")
    parser.add_argument("--part", action="append", help="only this module's tests")
    parser.add_argument("--results", help="append what was reached to this file")
    options = parser.parse_args()
    results = Results("Scripts/assure --only races", options.results)
    where = ["--scratch-path", options.scratch_path, "--sanitize", "thread"]
    build(*where)
    for part in options.part or PARTS:
        outcome = SwiftTests(*where, "--filter", part + r"\.")
        reports = outcome.printed.count("WARNING: ThreadSanitizer")
        if reports or not outcome.passed:
            print(outcome.printed[-20_000:])
        results.row("races", part, f"{outcome.count} tests, {reports} reports",
                    reports == 0 and outcome.passed)
    results.end()


if __name__ == "__main__":
    main()
