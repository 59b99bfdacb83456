"""Measures which regions of codec, log, merging, sessions and store the suite exercises.

Builds and runs the suite anew with counters in it, in a build folder of its own.
"""
import argparse
import glob
import json
import os
import subprocess

from results import Results

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MODULES = [
    ("codec", "ParleyWire"), ("log", "ParleyLog"), ("merging", "ParleyCRDT"),
    ("sessions", "ParleySync"), ("store", "ParleyStore"),
]


def measure(scratch):
    """Runs the suite; returns each file's counted and exercised regions."""
    where = ["--scratch-path", scratch, "--enable-code-coverage"]
    subprocess.run(["swift", "build", "--build-tests", *where], cwd=ROOT, check=True)
    subprocess.run(["swift", "test", "--skip-build", *where], cwd=ROOT, check=True,
                   stdin=subprocess.DEVNULL)
    return read(scratch)


def read(scratch):
    """What the last run in a build folder has counted."""
    reports = glob.glob(os.path.join(ROOT, scratch, "*", "debug", "codecov", "*.json"))
    with open(reports[0], encoding="utf-8") as file:
        data = json.load(file)["data"][0]["files"]
    return {entry["filename"]: entry["summary"]["regions"] for entry in data}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scratch-path", default=".build-coverage")
    parser.add_argument("--read", action="store_true", help="read the last run's figures")
    parser.add_argument("--files", action="store_true", help="say which files lack most")
    parser.add_argument("--results", help="append what was reached to this file")
    options = parser.parse_args()
    regions = read(options.scratch_path) if options.read else measure(options.scratch_path)
    results = Results("Scripts/assure --only coverage", options.results)
    for subject, module in MODULES:
        part = {path: count for path, count in regions.items() if f"/Sources/{module}/" in path}
        count = sum(entry["count"] for entry in part.values())
        covered = sum(entry["covered"] for entry in part.values())
        share = 100 * covered / max(1, count)
        results.row("coverage", subject, f"{share:.1f} % of {count} regions", share >= 95)
        if options.files:
            worst = sorted(part.items(), key=lambda item: item[1]["covered"] - item[1]["count"])
            for path, entry in worst[:8]:
                lacking = entry["count"] - entry["covered"]
                print(f"    {lacking:4} of {entry['count']:4} in {os.path.basename(path)}")
    results.end()


if __name__ == "__main__":
    main()
