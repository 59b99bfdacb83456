#!/usr/bin/env python3
"""The two readers of the protocol, Swift's and Protocol/reference, given the same damaged bytes."""
import argparse
import collections
import os
import pathlib
import subprocess
import sys

from results import Results

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Protocol" / "reference"))

import check_vectors  # noqa: E402
import edges  # noqa: E402
import mutations  # noqa: E402
import reading  # noqa: E402

PORTION = 2000
LARGEST_SAMPLE = 4096
# How many mutants are demanded.
WANTED = 200_000


class Reader:
    """`ParleyReading`, the Swift side."""

    def __init__(self, programs):
        self.program = f"{programs}/ParleyReading"

    def answers(self, mutants):
        """What it says of each, a portion at a time in a process of its own."""
        text = "".join(f"{form} {data.hex()}\n" for form, data in mutants)
        process = subprocess.run([self.program], input=text, capture_output=True, text=True)
        lines = process.stdout.splitlines()
        if process.returncode != 0 or len(lines) != len(mutants):
            form, data = mutants[min(len(lines), len(mutants) - 1)]
            sys.exit(f"ParleyReading ended with {process.returncode} at: {form} {data.hex()}")
        return lines


def reference_answer(form, data):
    """What the reader in Python says: the value, a tab, and the value encoded again."""
    answer = reading.rendering(form, data)
    if answer == "unknown" or answer.startswith("refused"):
        return answer
    return f"{answer}\t{reading.encode(form, reading.decode(form, data)).hex()}"


def difference(swift, reference):
    """How two answers differ: `decision`, `value`, `encoding`, `error` or not at all."""
    if swift == reference:
        return None
    refusals = [answer.startswith("refused") for answer in (swift, reference)]
    if all(refusals):
        return "error"
    if any(refusals):
        return "decision"
    return "value" if swift.split("\t")[0] != reference.split("\t")[0] else "encoding"


def check_edges(reader):
    """Names of the edges on which a reader doesn't decide as the specification does."""
    wrong = []
    answers = reader.answers([(form, data) for form, _, data in edges.EDGES.values()])
    for (name, (form, taken, data)), swift in zip(edges.EDGES.items(), answers):
        reference = reference_answer(form, data)
        decisions = [not answer.startswith("refused") for answer in (swift, reference)]
        if decisions != [taken, taken] or difference(swift, reference) not in (None, "error"):
            wrong.append(name)
            print(f"{name}: {'to be taken' if taken else 'to be refused'}\n  {form} "
                  f"{data.hex()[:2000]}\n  Swift:     {swift[:300]}\n"
                  f"  reference: {reference[:300]}")
    return wrong


def samples(wrong):
    """Vectors and edges to be changed.

    Without large ones, which would take all the time, and without edges on which the readers differ
    already: what is made of those would say the same again.
    """
    vectors = check_vectors.Vector.all("valid") + check_vectors.Vector.all("invalid")
    pairs = [(vector.form, vector.data) for vector in vectors]
    pairs += [(form, data) for name, (form, _, data) in edges.EDGES.items() if name not in wrong]
    return [mutations.Sample(*pair) for pair in pairs if len(pair[1]) <= LARGEST_SAMPLE]


def compare(reader, mutants, show):
    """How often the two say what of the mutants; prints some of the differences of each sort."""
    counts = collections.Counter()
    for start in range(0, len(mutants), PORTION):
        portion = mutants[start:start + PORTION]
        for (form, data), swift in zip(portion, reader.answers(portion)):
            reference = reference_answer(form, data)
            counts["refused" if reference.startswith("refused") else "taken"] += 1
            sort = difference(swift, reference)
            counts[sort] += 1
            if sort and sort != "error" and counts[sort] <= show:
                print(f"{sort}: {form} {data.hex()}\n  Swift:     {swift[:500]}\n"
                      f"  reference: {reference[:500]}")
    return counts


def main():
    parser = argparse.ArgumentParser(
        description="Gives the edges of the format and seeded mutations of the vectors to both "
                    "readers and compares what they say: taken or refused, the decoded value, and "
                    "the bytes that each makes of it. Which error a refusal names is counted and "
                    "not judged: where several rules are broken, either may be seen first. Exit "
                    "code 0 where they agree, 1 otherwise.")
    parser.add_argument("--programs", required=True, metavar="DIR",
                        help="a folder with ParleyReading (swift build --product ParleyReading)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the mutations")
    parser.add_argument("--count", type=int, default=WANTED, metavar="N",
                        help="how many mutants; %(default)s")
    parser.add_argument("--show", type=int, default=5, metavar="N",
                        help="how many differences of a sort to show")
    parser.add_argument("--results", metavar="FILE", help="add rows for Protocol/assurance.md")
    options = parser.parse_args()
    if not os.access(f"{options.programs}/ParleyReading", os.X_OK):
        parser.error(f"{options.programs} has no ParleyReading")

    reader = Reader(options.programs)
    results = Results("Scripts/assure --only differential", options.results,
                      "full" if options.count >= WANTED else "hour")
    wrong = check_edges(reader)
    results.row("reference", "two readers at the edges of the format",
                f"{len(edges.EDGES) - len(wrong)} of {len(edges.EDGES)} as specified", not wrong)
    mutants = list(mutations.mutants(samples(wrong), options.seed, options.count))
    counts = compare(reader, mutants, options.show)
    differing = counts["decision"] + counts["value"] + counts["encoding"]
    results.row("reference", "two readers, the same damaged bytes",
                f"{len(mutants)} mutants, {counts['taken']} taken, {differing} differences; "
                f"{counts['error']} refusals name another error or offset", differing == 0)
    results.end()


if __name__ == "__main__":
    main()
