#!/usr/bin/env python3
"""What single steps of a change's way cost: changes per second, instructions and bytes copied a change.

Instructions are counted by valgrind and hardly differ from run to run, so they are kept in
`Protocol/performance.md`: a step that got worse by more than 5 % is named, and the exit code is 1.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGE = os.path.join(ROOT, "Protocol", "performance.md")
BEGIN, END = "<!-- steps: begin -->", "<!-- steps: end -->"
CHANGES = 1024
WORSE = 1.05
STEPS = {
    "encode": "encode and deflate a batch of 1,024 creations",
    "decode": "inflate and decode it",
    "part": "inflate it and decode one change, for each change of the batch",
    "hash": "canonical bytes and chained hashes",
    "verify": "decode, hash and check the signature",
    "merge": "apply an edit to the state of a record",
    "varint": "read a number",
}


def counted(program, step, times, folder, tool):
    """The total that a tool of valgrind counts while a step is done."""
    out = os.path.join(folder, f"{tool}.out")
    words = {"callgrind": ["--tool=callgrind", f"--callgrind-out-file={out}"],
             "dhat": ["--tool=dhat", "--mode=copy", f"--dhat-out-file={out}"]}[tool]
    done = subprocess.run(
        ["valgrind", *words, program, step, str(times)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    pattern = {"callgrind": r"Collected : (\d+)", "dhat": r"Total:\s+([\d,]+) bytes"}[tool]
    found = re.search(pattern, done.stderr)
    if done.returncode or not found:
        sys.exit(f"valgrind couldn't run {step}:\n{done.stderr}")
    return int(found.group(1).replace(",", ""))


def measure(program, step):
    with tempfile.TemporaryDirectory() as folder:
        def each(tool):
            # What starting takes falls out. It varies by some hundred thousand.
            more = {"merge": 40, "varint": 2000}.get(step, 2)
            counts = [counted(program, step, times, folder, tool) for times in (1, 1 + more)]
            return (counts[1] - counts[0]) / more / CHANGES
        text = subprocess.run(
            [program, step, "200"], check=True, stdout=subprocess.PIPE,
            text=True).stdout
        return {"rate": int(text.split()[1]), "instructions": each("callgrind"),
                "copied": each("dhat")}


def noted():
    """Instructions by step, as the page has them."""
    if not os.path.exists(PAGE):
        return {}
    with open(PAGE, encoding="utf-8") as file:
        part = file.read().partition(BEGIN)[2].partition(END)[0]
    rows = [[cell.strip() for cell in line.split("|")] for line in part.splitlines() if "`" in line]
    return {row[1].strip("`"): float(row[4].replace(",", "")) for row in rows}


def record(figures):
    lines = ["", "| step | what | changes a second | instructions a change | bytes copied a change |",
             "|---|---|---|---|---|"]
    for step, figure in figures.items():
        lines.append(f"| `{step}` | {STEPS[step]} | {figure['rate']:,} | "
                     f"{figure['instructions']:,.0f} | {figure['copied']:,.0f} |")
    with open(PAGE, encoding="utf-8") as file:
        before, _, rest = file.read().partition(BEGIN)
    after = rest.partition(END)[2]
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(f"{before}{BEGIN}\n" + "\n".join(lines) + f"\n\n{END}{after}")


def stripped(program, folder):
    """A copy without what a debugger reads, which this valgrind can't."""
    copy = os.path.join(folder, "ParleySteps")
    subprocess.run(["strip", "--strip-debug", "-o", copy, program], check=True)
    return copy


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", required=True)
    parser.add_argument("--save", help="write JSON to this file as well")
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    if not shutil.which("valgrind"):
        sys.exit("The steps are counted with valgrind, which isn't installed: apt-get install valgrind.")
    before = noted()
    figures, worse = {}, []
    folder = tempfile.TemporaryDirectory()
    program = stripped(os.path.join(options.programs, "ParleySteps"), folder.name)
    for step in STEPS:
        figures[step] = figure = measure(program, step)
        change = ""
        if step in before:
            ratio = figure["instructions"] / before[step]
            change = f", {100 * (ratio - 1):+.1f} % since noted"
            if ratio > WORSE:
                worse.append(step)
        print(f"{step:8} {figure['rate']:>12,} changes/s {figure['instructions']:>12,.0f} "
              f"instructions {figure['copied']:>8,.0f} bytes copied a change{change}", flush=True)
    if options.save:
        with open(options.save, "w") as file:
            json.dump(figures, file)
    if options.record:
        record(figures)
    elif worse:
        print(f"Worse by more than 5 %: {', '.join(worse)}. Mend it, or note it with --record and say "
              "why in the commit.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
