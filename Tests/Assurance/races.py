"""Runs tests of the concurrent parts under the thread sanitizer, in a build folder of its own."""
import argparse
import os
import re
import subprocess

from results import Results

# As Scripts/test has it.
ENVIRONMENT = dict(os.environ, SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH="8")
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PARTS = ["ParleyStoreTests", "ParleyTransportTests", "ParleyControlTests", "ParleyNodeTests"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scratch-path", default=".build-tsan")
    parser.add_argument("--part", action="append", help="only this module's tests")
    parser.add_argument("--results", help="append what was reached to this file")
    options = parser.parse_args()
    results = Results("Scripts/assure --only races", options.results)
    where = ["--scratch-path", options.scratch_path, "--sanitize", "thread"]
    subprocess.run(["swift", "build", "--build-tests", *where], cwd=ROOT, check=True)
    for part in options.part or PARTS:
        process = subprocess.run(
            ["swift", "test", "--skip-build", *where, "--filter", part + r"\."], cwd=ROOT,
            env=ENVIRONMENT, text=True, errors="replace", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        reports = process.stdout.count("WARNING: ThreadSanitizer")
        counted = re.findall(r"Test run with (\d+) tests?", process.stdout)
        count = int(counted[-1]) if counted else 0
        if reports or process.returncode:
            print(process.stdout[-20_000:])
        results.row("races", part, f"{count} tests, {reports} reports",
                    reports == 0 and process.returncode == 0 and count > 0)
    results.end()


if __name__ == "__main__":
    main()
