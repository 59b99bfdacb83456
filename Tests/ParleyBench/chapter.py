#!/usr/bin/env python3
"""Writes the performance chapter of README.md from what the last runs of Scripts/bench left."""
import datetime
import json
import os
import platform
import re
import sqlite3
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGE = os.path.join(ROOT, "README.md")
ANSWERS = {"show": "`show`", "list": "`list`", "indexedList": "`list` by an indexed field",
           "find": "`find`", "conflictList": "`conflict list`"}
BEGIN, END = "<!-- performance: begin -->", "<!-- performance: end -->"


def load(folder, name):
    """What a run left and the day it did so; `None` where there was none."""
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        return None, None
    day = datetime.date.fromtimestamp(os.path.getmtime(path)).isoformat()
    with open(path, encoding="utf-8") as file:
        if name.endswith("l"):
            return [json.loads(line) for line in file], day
        return json.load(file), day


def short(number):
    if number is None:
        return ""
    if number == int(number) or abs(number) >= 1000:
        return f"{number:,.0f}"
    return f"{number:.3g}"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def machine():
    with open("/proc/cpuinfo") as file:
        model = re.search(r"model name\s*: (.*)", file.read())
    with open("/proc/meminfo") as file:
        memory = int(re.search(r"MemTotal:\s+(\d+)", file.read()).group(1)) / (1 << 20)
    swift = subprocess.run(["swift", "--version"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                           text=True).stdout
    version = re.search(r"Swift version ([\d.]+)", swift)
    return (f"{os.cpu_count()} cores ({model.group(1) if model else platform.machine()}), "
            f"{memory:.0f} GiB, Linux {platform.release().split('-')[0]}, "
            f"Swift {version.group(1) if version else 'of unknown version'}, "
            f"SQLite {sqlite3.sqlite_version}")


def figures(report, day):
    rows = []
    for row in report["figures"]:
        verdict = {True: "met", False: "**missed**", None: ""}[row.get("met")]
        ratio = f"{row['ratio']:.2f}" if "ratio" in row else ""
        rows.append([row["name"], f"{short(row['value'])} {row['unit']}", row.get("goal", ""),
                     short(row.get("floor")), ratio, verdict])
    missed = sum(row.get("met") is False for row in report["figures"])
    met = sum(row.get("met") is True for row in report["figures"])
    return [f"{report['records']:,} records of about 450 bytes of JSON, {report['edits']:,} edits on "
            f"each side while apart, {day}: {met} goals met, {missed} missed.",
            table(["figure", "reached", "goal", "floor", "ratio", ""], rows)]


def compared(peers, report, day):
    named = {row["name"]: row["value"] for row in report["figures"]}
    own = ["Parley", named["cold sync, join included"],
           named["cold sync, a record"] * report["records"] / 1e6, named["peak memory, sender"],
           named["peak memory, receiver"], named["reconnect, just opened"],
           named["reconnect, in"] / 1000, named["durable edits, through the socket"]]
    rows = [own] + [
        [peer["engine"], peer["cold_seconds"], peer["cold_bytes"] / 1e6, peer["sender_mebibytes"],
         peer["receiver_mebibytes"], peer["reconnect_seconds"], peer["reconnect_bytes_in"] / 1000,
         peer["edits_per_second"]] for peer in peers]
    return [f"Beside it on the same workload, {day}: engines within one process on each side, without "
            "signatures, encryption, members, search or rows that can be queried, and of Loro and Yrs "
            "without the time they take to start and load.",
            table(["", "cold sync, s", "MB", "sender, MiB", "receiver, MiB", "reconnect, s", "kB",
                   "durable edits/s"], [[row[0]] + [short(cell) for cell in row[1:]] for row in rows])]


def growth(series, day):
    titles = {"records": "records, 1 % in conflict", "origins": "logs (10,000 records)",
              "history": "edits a record (1,000 records)",
              "conflicts": "open conflicts (20,000 records)",
              "casebooks": "casebooks of 100 records"}
    rows = []
    for name, title in titles.items():
        for point in series["series"].get(name, []):
            rows.append([
                f"{point['count']:,} {title}", short(point["coldSeconds"]),
                short(point["coldSeconds"] / point["changes"] * 1e6),
                short(point["coldBytes"] / point["changes"]),
                f"{short(point['senderMebibytes'])} / {short(point['receiverMebibytes'])}",
                f"{short(point['readySeconds'])} / {short(point['recoveredSeconds'])}",
                short(point["reconnectSeconds"]),
                " / ".join(short(point[f"{answer}Milliseconds"]) for answer in ANSWERS)])
    parts = [f"How costs grow, {day} (start after a clean stop and after `kill -9`; reconnect after 100 "
             "edits of the same fields on each side; `show`, `list`, `list` by an indexed field, `find` "
             "and `conflict list` at the 99th percentile):",
             table(["", "cold sync, s", "us a change", "bytes a change", "memory, MiB", "start, s",
                    "reconnect, s", "answers, ms"], rows)]
    if series["onlookers"]:
        parts.append(table(
            ["", "one edit is with all, ms", "processor of the sender, ms", "memory, MiB"],
            [[f"{point['count']:,} who look on", short(point["milliseconds"]),
              short(point["processorMilliseconds"]), short(point["mebibytes"])]
             for point in series["onlookers"]]))
    return parts + slope(series["series"]) + at_most(series["series"])


def slope(series):
    """What a record costs among the most, beside among the fewest."""
    points = series.get("records", [])
    if len(points) < 2:
        return []
    costs = [point["coldSeconds"] / point["changes"] for point in (points[0], points[-1])]
    ratio = costs[1] / costs[0]
    verdict = "met" if ratio <= 1.3 else "**missed**"
    return [f"A record among {points[-1]['count']:,} takes {ratio:.2f} times what one among "
            f"{points[0]['count']:,} does (goal: at most 1.3, {verdict})."]


def at_most(series):
    """The goals that are for as many records as were measured."""
    points = series.get("records", [])
    if not points:
        return []
    point = points[-1]
    goals = [(answer, point[f"{answer}Milliseconds"], 10, "ms") for answer in ANSWERS] + [
        ("start after a clean stop", point["readySeconds"], 0.3, "s"),
        ("start after kill -9", point["recoveredSeconds"], 2, "s"),
        ("memory of the sender", point["senderMebibytes"], 60, "MiB"),
        ("memory of the receiver", point["receiverMebibytes"], 60, "MiB")]
    verdicts = [f"{ANSWERS.get(name, name)} {short(value)} {unit} (at most {goal}, "
                f"{'met' if value <= goal else '**missed**'})" for name, value, goal, unit in goals]
    return [f"Of goals for any number of records, among {point['count']:,}: " + ", ".join(verdicts) + "."]


def main():
    folder = sys.argv[1]
    report, day = load(folder, "daemons.json")
    if report is None:
        print("There are no figures yet; run Scripts/bench first.", file=sys.stderr)
        return 2
    parts = [f"Measured by `Scripts/bench` on {machine()}. Machines vary from minute to minute: trust "
             "ratios. The floor is what SQLite alone takes in the same run for the same rows."]
    parts += figures(report, day)
    peers, day = load(folder, "peers.jsonl")
    if peers:
        parts += compared(peers, report, day)
    series, day = load(folder, "growth.json")
    if series and "series" in series:
        parts += growth(series, day)
    elif series:
        print("What growth.json says is of an older form; run Scripts/bench --growth.", file=sys.stderr)
    poor, day = load(folder, "low-end.json")
    if poor:
        parts.append(
            f"With {poor['memory_limit']} MiB of memory and {poor['processor_percent']} % of one core a "
            f"node takes in {poor['records']:,} records in {short(poor['seconds'])} s ({day}).")
    with open(PAGE, encoding="utf-8") as file:
        before, begin, rest = file.read().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        print(f"{PAGE} has no place for the chapter: {BEGIN} and {END}.", file=sys.stderr)
        return 1
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(f"{before}{BEGIN}\n\n" + "\n\n".join(parts) + f"\n\n{END}{after}")
    print("README.md has the figures of the last runs.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
