#!/usr/bin/env python3
"""A daemon that has had ten thousand short sessions is what it was before.

Goal G29: as many open files as before, and no more than 5 % more memory than after the first
thousand. Sessions come from a member's key in a program of our own, and from the command line.
"""
import contextlib
import multiprocessing
import os
import random
import subprocess
import time

import peer
from attacks import Target
from checks import Check
from nodes import Node, Trouble
from peer import Key
from waiting import until
from watching import Process, in_mib


def hold_sessions(target, member, count, seed):
    """Connects, proves the key, greets, waits for the greeting, says goodbye; over and over."""
    chance, farewell = random.Random(seed), peer.frame(peer.CLOSE, b"\0\0")
    for _ in range(count):
        with target.greet(member, run=chance.getrandbits(64)) as session:
            session.say(farewell)
            with contextlib.suppress(OSError):
                for _ in session.frames():
                    pass


class Daemon:
    """One daemon, and members whose keys are ours."""

    def __init__(self, options, folder):
        self.options, self.round = options, 0
        self.node = Node(options.programs, os.path.join(folder, "node"), "node").found()
        self.node.start()
        keys = [self.recruit(folder, number) for number in range(options.workers)]
        self.record = self.node.new("looked at")["record"]
        casebook = self.node.ask("status")["casebooks"][0]["casebook"]
        self.target = Target(self.node.address, bytes.fromhex(casebook), keys, options.seed)
        self.process = Process(self.node.daemon.pid)

    def recruit(self, folder, number):
        member = Node(self.options.programs, os.path.join(folder, f"member{number}"),
                      f"member{number}")
        member.parley("init", "--name", member.name)
        member.start()
        self.node.admit(member)
        member.parley("sync")
        member.stop()
        return Key.of(member.home)

    def sessions(self, count):
        """So many sessions by all members together."""
        each = count // self.options.workers
        self.round += 1
        context = multiprocessing.get_context("fork")
        workers = [context.Process(target=hold_sessions, daemon=True, args=(
            self.target, number, each, f"{self.options.seed} {number} {self.round}"))
            for number in range(self.options.workers)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if any(worker.exitcode for worker in workers):
            raise Trouble("a member wasn't greeted")

    def commands(self, count):
        for _ in range(count):
            subprocess.run([f"{self.options.programs}/parley", "show", self.record],
                           env=self.node.environment, stdout=subprocess.DEVNULL, check=True)

    def await_files(self, count):
        """Waits until there are so few open files again."""
        until(lambda: self.process.descriptors() <= count, 30)
        return self.process.descriptors()


def compare(daemon, results, name, make, first, rest):
    """Warms up, then compares before and after."""
    make(first)
    files = daemon.process.settled_descriptors()
    memory, start = daemon.process.memory(), time.monotonic()
    course = []
    for done in range(0, rest, 1000):
        make(min(1000, rest - done))
        course.append(daemon.process.memory())
    rate = rest / (time.monotonic() - start)
    print("  memory after each thousand:", ", ".join(map(in_mib, course)), flush=True)
    left, grown = daemon.await_files(files), daemon.process.memory() - memory
    results.row("G29", f"{rest:,} {name} after {first:,} others: open files",
                f"{files} before, {left} after; {rate:.0f} a second", left == files)
    results.row("G29", f"{rest:,} {name} after {first:,} others: memory",
                f"{in_mib(memory)} before, {grown / memory:+.1%} after (at most +5 %)",
                grown <= 0.05 * memory, is_measure=True)


def main():
    check = Check(__doc__, {
        "sessions": (10_000, 3000, 600, "of members"), "first": (1000, 500, 300, "sessions that don't count"),
        "commands": (2000, 1000, 100, "over the control socket"),
        "workers": (2, 2, 2, "processes that hold sessions")})
    options, results = check.parse(), check.results
    with check.folder() as folder:
        daemon = Daemon(options, folder)
        try:
            results.started = time.monotonic()
            compare(daemon, results, "sessions of members", daemon.sessions, options.first,
                    options.sessions - options.first)
            compare(daemon, results, "commands over the control socket", daemon.commands,
                    options.commands // 10, options.commands)
            code = daemon.node.run("verify").code
            results.row("G9", "parley verify afterwards", f"exit {code}", code == 0)
        except Trouble as trouble:
            results.row("G29", "what a daemon does", str(trouble), False)
        finally:
            daemon.node.stop()
    results.end()


if __name__ == "__main__":
    main()
