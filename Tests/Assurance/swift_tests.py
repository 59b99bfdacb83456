"""Runs tests of the suite, as many at a time as `Scripts/test` does, and says what came of them."""
import os
import re
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class SwiftTests:
    """What `swift test` with these arguments came to: `count` tests, the names of those that `failed`,
    how many were `skipped`, all that was `printed`, and whether it `passed` with at least one test."""

    def __init__(self, *arguments):
        process = subprocess.run(
            ["swift", "test", "--skip-build", *arguments], cwd=ROOT, text=True, errors="replace",
            env=dict(os.environ, SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH="8"),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.printed = process.stdout
        counted = re.findall(r"Test run with (\d+) tests?", self.printed)
        self.count = int(counted[-1]) if counted else 0
        self.failed = re.findall(r"^. Test (\S+) failed after", self.printed, re.MULTILINE)
        self.skipped = len(re.findall(r"^. Test .* skipped", self.printed, re.MULTILINE))
        self.passed = process.returncode == 0 and self.count > 0


def build(*arguments):
    """Builds the tests; ends the program where that fails."""
    subprocess.run(["swift", "build", "--build-tests", *arguments], cwd=ROOT, check=True)
