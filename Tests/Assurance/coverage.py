"""Measures which regions of codec, log, merging, sessions and store the suite exercises.

Builds and runs the suite anew with counters in it, in a build folder of its own.
"""
import argparse
import glob
import json
import os
import sys

from results import Results
from swift_tests import ROOT, SwiftTests, build

MODULES = [
    ("codec", "ParleyWire"), ("log", "ParleyLog"), ("merging", "ParleyCRDT"),
    ("sessions", "ParleySync"), ("store", "ParleyStore"),
]


def measure(scratch):
    """Runs the suite; returns each file's counted and exercised regions."""
    where = ["--scratch-path", scratch, "--enable-code-coverage"]
    build(*where)
    # What drives programs exercises nothing in this process.
    outcome = SwiftTests(*where, "--skip", "CommandTests")
    if not outcome.passed:
        sys.exit(f"{outcome.printed[-20_000:]}\nWhat was exercised isn't known: tests failed.")
    return read(scratch)


def read(scratch):
    """What the last run in a build folder has counted: by file, how often each region was entered."""
    reports = glob.glob(os.path.join(ROOT, scratch, "*", "debug", "codecov", "*.json"))
    with open(reports[0], encoding="utf-8") as file:
        functions = json.load(file)["data"][0]["functions"]
    files = {}
    for function in functions:
        for line, column, end_line, end_column, count, file, _, kind in function["regions"]:
            if kind == 0:  # Code, neither a gap nor an expansion.
                regions = files.setdefault(function["filenames"][file], {})
                place = (line, column, end_line, end_column)
                regions[place] = max(regions.get(place, 0), count)
    return {path: that_can_run(path, regions) for path, regions in files.items()
            if any(f"/Sources/{module}/" in path for _, module in MODULES)}


def that_can_run(path, regions):
    """Leaves out planted defects, which no release build has, and what only a broken precondition
    runs."""
    planted, broken = set(), set()
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    for number, line in enumerate(lines):
        if "precondition(" in line or "preconditionFailure(" in line:
            broken.add(number + 1)
        if "PlantedDefect" not in line:
            continue
        planted.add(number + 1)
        if line.endswith("{"):
            indent = line[:len(line) - len(line.lstrip())]
            end = next(later for later in range(number + 1, len(lines))
                       if lines[later].startswith(indent + "}"))
            planted.update(range(number + 1, end + 2))
    if os.path.basename(path) == "PlantedDefect.swift":
        return {}
    return {place: count for place, count in regions.items() if place[0] not in planted
            and not (count == 0 and broken.intersection(range(place[0], place[2] + 1)))}


def lacking(regions):
    return sum(count == 0 for count in regions.values())


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
        count = sum(map(len, part.values()))
        covered = count - sum(map(lacking, part.values()))
        share = 100 * covered / max(1, count)
        results.row("coverage", subject, f"{share:.1f} % of {count} regions", share >= 95)
        if options.files:
            for path in sorted(part, key=lambda path: -lacking(part[path]))[:8]:
                print(f"    {lacking(part[path]):4} of {len(part[path]):4} in "
                      f"{os.path.basename(path)}")
    results.end()


if __name__ == "__main__":
    main()
