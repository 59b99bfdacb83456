"""Runs those tests of the suite that show a goal, goal by goal."""
import argparse
import os
import re
import subprocess

from goals import SUITE
from results import Results

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def run(results, goal, check, tests):
    process = subprocess.run(
        ["swift", "test", "--skip-build", "--filter", tests], cwd=ROOT, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    results.command = f"Scripts/test --filter '{tests}'"
    counted = re.findall(r"Test run with (\d+) tests?", process.stdout)
    count = int(counted[-1]) if counted else 0
    failed = re.findall(r"^. Test (\S+) failed after", process.stdout, re.MULTILINE)
    skipped = len(re.findall(r"^. Test .* skipped", process.stdout, re.MULTILINE))
    figure = f"{count} tests, {len(failed)} failed"
    if skipped:
        figure += f", {skipped} skipped"
    if failed:
        figure += ": " + ", ".join(failed[:3])
    results.row(goal, check, figure, process.returncode == 0 and count > 0)


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
