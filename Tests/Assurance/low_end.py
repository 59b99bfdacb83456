#!/usr/bin/env python3
"""A poor machine: a cold sync into a daemon that may use little memory and a third of one core.

Needs root and control groups (version 1 or 2) that may be written.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

from nodes import Node, Trouble
from waiting import time_until

ROOT = "/sys/fs/cgroup"
PERIOD = 100_000


class Cage:
    """A control group in which memory and processor time are short."""

    def __init__(self, name, mebibytes, percent):
        self.new = os.path.exists(f"{ROOT}/cgroup.controllers")
        parts = {"memory", "cpu"}
        self.folders = [f"{ROOT}/{name}"] if self.new else [f"{ROOT}/{part}/{name}" for part in parts]
        quota = PERIOD * percent // 100
        try:
            if self.new:
                with open(f"{ROOT}/cgroup.subtree_control", "w") as file:
                    file.write("+memory +cpu")
            for folder in self.folders:
                os.makedirs(folder, exist_ok=True)
            if self.new:
                self.set("memory.max", mebibytes << 20)
                self.set("memory.swap.max", 0)
                self.set("cpu.max", f"{quota} {PERIOD}")
            else:
                self.set("memory.limit_in_bytes", mebibytes << 20)
                self.set("cpu.cfs_quota_us", quota)
        except OSError as error:
            raise Trouble(f"no control group can be made here: {error}")

    def file(self, name):
        return next((path for folder in self.folders
                     if os.path.exists(path := f"{folder}/{name}")), f"{self.folders[0]}/{name}")

    def set(self, name, value):
        with open(self.file(name), "w") as file:
            file.write(str(value))

    @property
    def words(self):
        """What starts a program inside."""
        into = " ".join(f"echo $$ >{folder}/cgroup.procs &&" for folder in self.folders)
        return ["bash", "-c", f'{into} exec "$@"', "cage"]

    @property
    def peak(self):
        """Mebibytes, the pages of files that could be dropped included; `None` where nobody counts."""
        path = self.file("memory.peak" if self.new else "memory.max_usage_in_bytes")
        if not os.path.exists(path):
            return None
        with open(path) as file:
            return int(file.read()) / (1 << 20)

    def remove(self):
        for folder in self.folders:
            os.rmdir(folder)


def workload(programs, records, folder):
    subprocess.run(
        [f"{programs}/ParleyBench", "workload", "--records", str(records), "--out", folder],
        check=True, stdout=subprocess.DEVNULL)
    return f"{folder}/base.jsonl"


def resident(process):
    with open(f"/proc/{process}/status") as file:
        line = next(line for line in file if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def measure(options, folder, cage):
    rich = Node(options.programs, f"{folder}/rich", "amal").found()
    poor = Node(options.programs, f"{folder}/poor", "basil")
    poor.parley("init", "--name", "basil")
    rich.start()
    rich.parley("import", workload(options.programs, options.records, folder), timeout=3600)
    poor.start(before=cage.words)
    start = time.monotonic()
    rich.admit(poor)
    seconds = time_until(lambda: alike(rich, poor), options.patience, every=0.5)
    if seconds is None or poor.daemon.poll() is not None:
        raise Trouble(f"not everything came within {options.patience} s\n{poor.errors()}")
    figures = {
        "records": options.records, "seconds": time.monotonic() - start,
        "resident_mebibytes": resident(poor.daemon.pid), "cage_mebibytes": cage.peak,
        "memory_limit": options.memory, "processor_percent": options.processor,
    }
    poor.stop()
    rich.stop()
    poor.verify()
    return figures


def alike(rich, poor):
    # A daemon that is short of everything may take its time to answer.
    answer = poor.run("status", "--json", timeout=600)
    return answer.code in (0, 4) and answer.json["casebooks"] \
        and answer.json["casebooks"][0]["digest"] == rich.digest()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", required=True)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--memory", type=int, default=128, help="mebibytes")
    parser.add_argument("--processor", type=int, default=30, help="percent of one core")
    parser.add_argument("--patience", type=int, default=1800, help="seconds")
    parser.add_argument("--save", help="write JSON to this file as well")
    options = parser.parse_args()
    cage = None
    try:
        cage = Cage(f"parley{os.getpid()}", options.memory, options.processor)
        with tempfile.TemporaryDirectory() as folder:
            figures = measure(options, folder, cage)
    except Trouble as trouble:
        print(f"low end: {trouble}", file=sys.stderr)
        return 1
    finally:
        if cage:
            cage.remove()
    if options.save:
        with open(options.save, "w") as file:
            json.dump(figures, file)
    print(f"{figures['records']} records with {options.memory} MiB and {options.processor} % of a "
          f"core: {figures['seconds']:.1f} s, {figures['resident_mebibytes']:.1f} MiB resident, "
          f"everything verified")
    return 0


if __name__ == "__main__":
    sys.exit(main())
