"""Runs those tests of the suite that show a goal, goal by goal."""
import argparse

from goals import SUITE
from results import Results
from swift_tests import SwiftTests


def run(results, goal, check, tests):
    outcome = SwiftTests("--filter", tests)
    results.command = f"Scripts/test --filter '{tests}'"
    figure = f"{outcome.count} tests, {len(outcome.failed)} failed"
    if outcome.skipped:
        figure += f", {outcome.skipped} skipped"
    if outcome.failed:
        figure += ": " + ", ".join(outcome.failed[:3])
    results.row(goal, check, figure, outcome.passed)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--goal", help="only this one, e.g. G21")
    parser.add_argument("--results", help="append what was reached to this file")
    options = parser.parse_args()
    results = Results("Scripts/test", options.results)
    for goal, check, tests in SUITE:
        if options.goal in (None, goal):
            run(results, goal, check, tests)
    results.end()


if __name__ == "__main__":
    main()
