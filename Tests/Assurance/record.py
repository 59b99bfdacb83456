"""Writes the figures last reached into `Protocol/assurance.md`, from rows that checks report."""
import argparse
import datetime
import json
import os
import platform

from goals import GOALS, OPEN

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGE = os.path.join(ROOT, "Protocol", "assurance.md")
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
WORDS = {True: "met", False: "**not met**", None: "not in full", "short": "holds in a short run"}


def rows(path):
    """The last row of each check, by goal and check; none that was skipped, nor one after a failure,
    takes the place of another."""
    found = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            # Less was done than is demanded, and all of it held.
            row.setdefault("met", "short")
            key = (row["goal"], row["check"])
            if found.get(key, {}).get("met") is False:
                continue
            if row["met"] is not None or key not in found:
                found[key] = row
    return found


def earlier(text):
    """The rows that stand in the page already."""
    found = {}
    goal = None
    for line in text.split("\n"):
        if line.startswith("### "):
            goal = line[4:].split(" ")[0]
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if goal and line.startswith("| ") and len(cells) == 5 and cells[0] not in ("check", "---"):
            met = {word: met for met, word in WORDS.items()}[cells[3]]
            found[(goal, cells[0])] = {
                "check": cells[0], "command": cells[1].strip("`").replace("¦", "|"),
                "figure": cells[2], "met": met, "date": cells[4]}
    return found


def table(found):
    """The figures, goal by goal."""
    lines = []
    for goal, promise, demand in GOALS:
        lines += [f"### {goal}  {promise}", "", f"Demanded: {demand}.", ""]
        checks = [row for key, row in found.items() if key[0] == goal]
        if goal in OPEN:
            lines += [f"Open: {OPEN[goal]}.", ""]
        elif not checks:
            lines += ["Not measured yet.", ""]
        if checks:
            lines += ["| check | command | figure | | when |", "|---|---|---|---|---|"]
            for row in checks:
                command = row["command"].replace("|", "¦")
                lines.append(f"| {row['check']} | `{command}` | {row['figure']} "
                             f"| {WORDS[row['met']]} | {row['date']} |")
            lines.append("")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", help="the file that checks have appended to")
    parser.add_argument("--part", action="store_true",
                        help="the run made a part of its command's checks: figures of the others stay")
    options = parser.parse_args()
    with open(PAGE, encoding="utf-8") as file:
        text = file.read()
    before, rest = text.split(BEGIN)
    old, after = rest.split(END)
    found = earlier(old)
    today = datetime.date.today().isoformat()
    new = rows(options.results)
    if not options.part:
        # What a command that was made whole says no more is stale: it words it otherwise now.
        partial = {row["command"] for row in new.values() if row["met"] in (None, "short")}
        whole = {row["command"] for row in new.values()} - partial
        found = {key: row for key, row in found.items() if row["command"] not in whole}
    # Beside what was shown in full, what holds in a part of it says nothing.
    shown = {row["command"] for row in found.values() if row["met"] is True}
    for key, row in new.items():
        if row["met"] == "short" and row["command"] in shown and key not in found:
            continue
        if row["met"] in (True, False) or found.get(key, {}).get("met") in (None, "short"):
            found[key] = {**row, "date": today}
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.release().split('-')[0]}"
    body = f"\n\nLast written {today}, on {machine}.\n\n{table(found)}\n"
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(before + BEGIN + body + END + after)
    open_goals = [row for row in found.values() if row["met"] is False]
    print(f"{len(found)} figures, {len(open_goals)} not met: {os.path.relpath(PAGE, ROOT)}")


if __name__ == "__main__":
    main()
