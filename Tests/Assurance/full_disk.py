"""Fills the disk below a real daemon to many levels, before and during its transactions.

At each level edits, a bulk request, erasures, reads and intake are tried and held against what a
node promises for that much room: intake from 256 MiB on, edits from 64 MiB on, erasing from 1 MiB
on, reads always. Below 1 MiB the room also goes while large requests are being written, so that
SQLite itself meets the full disk. Then the room comes back, and an edit must go in within 5 s. Now
and then the daemon is killed and started on the full disk. Nothing acknowledged may be lost,
nothing refused may be there, and the daemon may not end.
"""
import contextlib
import errno
import os
import threading
import time

from control import ControlLine
from disks import FORMATS, MIB, command, free_bytes, mounted
from checks import Check, free_address, missing_tools
from nodes import Node, Trouble
from oracle import DONE, REFUSED, Edits
from waiting import let_pass, time_until, until

DISK_BYTES = 384 * MIB
INTAKE, EDITS, PROTECTION = 256 * MIB, 64 * MIB, MIB
KINDS = ("tmpfs", "ext4 with 1 KiB blocks", "ext4 with 4 KiB blocks")
# How far the room may move while a request is under way: nearer to a threshold than this, either
# answer is right.
SLACK = 8 * MIB
RESUME_SECONDS = 5.0


def levels(generator, count):
    """So many amounts of free bytes, most of them where something changes."""
    steps = [0, 1, 1024, 4096, 65536, MIB, 4 * MIB, 12 * MIB]
    for _ in range(count):
        region = generator.random()
        near = generator.choice(steps) * generator.choice((-1, 1))
        if region < 0.12:
            yield INTAKE + near
        elif region < 0.35:
            yield EDITS + near
        elif region < 0.45:
            yield generator.randrange(MIB, EDITS)
        elif region < 0.6:
            yield PROTECTION + generator.choice(steps[:6]) * generator.choice((-1, 1))
        else:
            yield int(MIB * generator.random() ** 4)


class Filler:
    """A file that takes the room which shall not be free."""

    def __init__(self, folder):
        self.folder, self.path = folder, f"{folder}/filler"
        self.descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT)
        self.size = 0

    def leave(self, free):
        """Leaves about so many bytes free."""
        for _ in range(20):
            excess = free_bytes(self.folder) - max(0, free)
            if abs(excess) < 4096 or (free <= 0 and excess <= 0):
                return
            self.resize(self.size + excess)

    def resize(self, size):
        size = max(0, size)
        if size < self.size:
            os.ftruncate(self.descriptor, size)
            self.size = size
            return
        step = size - self.size
        while step >= 512:
            try:
                os.posix_fallocate(self.descriptor, self.size, step)
                self.size += step
                return
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                step //= 2

    def release(self):
        os.ftruncate(self.descriptor, 0)
        self.size = 0

    def close(self):
        os.close(self.descriptor)


class Bench:
    """A node on a small disk, and a peer on a large one."""

    def __init__(self, check, folder, disk):
        programs = check.options.programs
        self.random, self.disk = check.random, disk
        self.amal = Node(programs, f"{disk}/amal", "amal", free_address())
        self.basil = Node(programs, f"{folder}/basil", "basil", free_address())
        self.amal.log = f"{folder}/amal.log"
        self.filler = Filler(disk)
        self.mine, self.theirs = Edits("amal"), Edits("basil")
        self.theirs.contents = self.mine.contents
        self.records = []
        self.counts = {"refused": 0, "full": 0, "unknown": 0, "erased": 0}
        self.slowest_resume, self.starts, self.starts_refused = 0, 0, 0

    def found(self):
        self.amal.found()
        self.amal.start()
        self.basil.parley("init", "--name", "basil")
        self.basil.start()
        self.amal.admit(self.basil)
        self.basil.parley("sync")
        with ControlLine(self.amal.home) as line:
            for _ in range(18):
                record = self.mine.new(line)
                self.records.append((record, list(self.mine.acknowledged)[-1]))

    def try_level(self, free, has_peer):
        """Everything at one level, then the room comes back."""
        self.filler.leave(free)
        with ControlLine(self.amal.home, timeout=30) as line:
            self.try_edits(line)
            if free < EDITS and self.records and self.random.random() < 0.5:
                self.try_erasing(line)
            self.read(line)
            if has_peer:
                self.try_intake(line)
            if free < MIB:
                self.fill_meanwhile(line, free)
            self.filler.release()
            self.resume(line)
        self.check_alive()

    def room(self):
        return free_bytes(self.disk)

    def try_edits(self, line):
        for deed in (self.mine.new, lambda line: self.mine.bulk(line, 20)):
            before = self.room()
            self.mine.last = None
            deed(line)
            self.judge(self.mine.last, before, EDITS, "an edit")

    def try_erasing(self, line):
        record, token = self.records.pop()
        before = self.room()
        reply = line.ask("erase", record=record, basis="asked for")
        self.judge(reply, before, PROTECTION, "an erasure")
        if reply.code in DONE:
            self.counts["erased"] += 1
            self.mine.erase(token)
        elif reply.code != REFUSED:
            self.mine.erase(token, is_certain=False)

    def judge(self, reply, before, threshold, what):
        """An answer must be right for the room there was, before or after."""
        if reply is None:
            raise Trouble(f"{what} had no answer with {before} bytes free")
        low, high = min(before, self.room()), max(before, self.room())
        self.note(reply)
        if reply.code in DONE and high < threshold - SLACK:
            raise Trouble(f"{what} went in with {high} bytes free, below {threshold}")
        if reply.code in DONE and before < threshold and low < threshold - 65536:
            raise Trouble(f"{what} went in with {before} bytes free, below {threshold}")
        if reply.code not in DONE and low > threshold + SLACK:
            raise Trouble(f"{what} was refused with {low} bytes free: {reply.error}")

    def note(self, reply):
        if reply.code in DONE:
            return
        is_full = "the disk is full" in (reply.error or "")
        kind = "full" if is_full else "refused" if reply.code == REFUSED else "unknown"
        self.counts[kind] += 1

    def read(self, line):
        for request, fields in (("list", {"filters": [], "deleted": False, "limit": 5}),
                                ("status", {}), ("log", {"limit": 3})):
            reply = line.ask(request, **fields)
            if reply.code not in DONE:
                raise Trouble(f"{request} isn't served with {self.room()} bytes free: "
                              f"{reply.error}")

    def try_intake(self, line):
        """The peer has something: it comes in where there is room, and only then."""
        before = self.room()
        with ControlLine(self.basil.home, timeout=30) as other:
            self.theirs.new(other)
            token, change = list(self.theirs.acknowledged.items())[-1]
            other.ask("sync", peer="amal", waitSeconds=1)
        is_in = change in line.ask("log", limit=50).text
        low, high = min(before, self.room()), max(before, self.room())
        if is_in and high < INTAKE:
            raise Trouble(f"{token} came in with {high} bytes free")
        if not is_in and low > INTAKE + SLACK:
            raise Trouble(f"{token} didn't come in with {low} bytes free")

    def fill_meanwhile(self, line, free):
        """The room goes while a large request is being written."""
        self.filler.release()
        self.mine.last = None
        writer = threading.Thread(target=self.mine.bulk, args=(line, 1500))
        writer.start()
        let_pass(self.random.uniform(0, 0.12))
        self.filler.leave(free)
        writer.join()
        if self.mine.last is None:
            raise Trouble("a large request had no answer when the disk filled up")
        self.note(self.mine.last)
        self.read(line)

    def resume(self, line):
        taken = time_until(lambda: self.mine.new(line), RESUME_SECONDS, every=0.01)
        if taken is None:
            raise Trouble(f"no edit goes in {RESUME_SECONDS} s after there is room again: "
                          f"{self.mine.last.error if self.mine.last else 'no answer'}")
        self.slowest_resume = max(self.slowest_resume, taken)

    def check_alive(self):
        code = self.amal.daemon.poll()
        if code is not None:
            raise Trouble(f"the daemon ended with {code}: {self.amal.errors()[-400:]}")

    def restart(self):
        """Killed and started on a full disk, then with room; nothing may be lost."""
        self.amal.stop(9)
        self.filler.leave(self.random.choice((0, 0, 4096, 65536)))
        if not self.amal.start():
            raise Trouble(f"doesn't start on a full disk: {self.amal.errors()[-400:]}")
        with ControlLine(self.amal.home) as line:
            reply = line.ask("list", filters=[], deleted=False, limit=5)
        if reply.code not in DONE:
            # What the last daemon left can't be brought in order: it says so and touches nothing.
            self.starts_refused += 1
            if "Make room" not in reply.error:
                raise Trouble(f"reads nothing after a start, and not for want of room: "
                              f"{reply.error}")
            self.filler.release()
            with ControlLine(self.amal.home) as line:
                self.await_opening(line)
        self.starts += 1
        self.amal.stop(9)
        self.filler.release()
        began = time.monotonic()
        if not self.amal.start():
            raise Trouble(f"doesn't start with room: {self.amal.errors()[-400:]}")
        if time.monotonic() - began > 2:
            raise Trouble(f"ready only after {time.monotonic() - began:.2f} s")

    def await_opening(self, line):
        """What couldn't be opened on the full disk is open soon after there is room."""
        def is_open():
            return line.ask("list", filters=[], deleted=False, limit=5).code in DONE

        if not until(is_open, RESUME_SECONDS, every=0.1):
            raise Trouble("with room again the casebook isn't opened without a restart")

    def check(self):
        self.mine.check(self.amal)
        self.amal.verify()
        self.basil.parley("sync")
        self.mine.check(self.basil, settles=False)
        self.theirs.check(self.amal, settles=False)
        self.mine.check_same(self.amal, self.basil)

    def end(self):
        for node in (self.amal, self.basil):
            if node.daemon:
                node.stop(9)
        self.filler.close()


@contextlib.contextmanager
def small_disk(folder, kind):
    if kind == "tmpfs":
        with mounted("tmpfs", f"{folder}/disk", "-t", "tmpfs", "-o", f"size={DISK_BYTES}") as disk:
            yield disk
        return
    image = f"{folder}/image"
    with open(image, "wb") as file:
        file.truncate(DISK_BYTES)
    command(*FORMATS[kind], "-m", "0", image)
    try:
        with mounted(image, f"{folder}/disk", "-o", "loop") as disk:
            yield disk
    finally:
        os.remove(image)


def try_kind(check, folder, kind, count):
    """So many levels on one file system; a new node after every 25."""
    figures = {"levels": 0, "wrong": 0, "acknowledged": 0, "resume": 0, "starts": 0,
               "unread": 0}
    every = list(levels(check.random, count))
    for first in range(0, count, 25):
        place = f"{folder}/{kind.replace(' ', '-')}-{first}"
        os.makedirs(place)
        with small_disk(place, kind) as disk:
            bench = Bench(check, place, disk)
            try_series(bench, every[first:first + 25], figures, kind)
    row(check, kind, figures)


def try_series(bench, series, figures, kind):
    free = None
    try:
        bench.found()
        for number, free in enumerate(series):
            figures["levels"] += 1
            bench.try_level(free, has_peer=number % 5 == 0)
        free = "restart"
        bench.check()
        bench.restart()
        bench.check()
    except (Trouble, OSError, ValueError, KeyError) as error:
        figures["wrong"] += 1
        print(f"wrong: {kind}, level {free}: {type(error).__name__}: {error}", flush=True)
    finally:
        bench.end()
    figures["acknowledged"] += bench.mine.acknowledged_ever + bench.theirs.acknowledged_ever
    figures["resume"] = max(figures["resume"], bench.slowest_resume)
    figures["starts"] += bench.starts
    figures["unread"] += bench.starts_refused
    for name, count in bench.counts.items():
        figures[name] = figures.get(name, 0) + count


def row(check, kind, figures):
    check.results.row(
        "G22", f"full disk: {kind}",
        f"{figures['levels']} fill levels, {figures['acknowledged']:,} acknowledged edits, "
        f"{figures['erased']} erasures, {figures['refused']} refusals in time, {figures['full']} "
        f"by SQLite, {figures['unknown']} of unknown outcome; {figures['wrong']} wrong; writes "
        f"resume within {figures['resume']:.2f} s; started {figures['starts']} times on a full "
        f"disk, which {figures['unread']} times had no room to open the casebook, and said so",
        figures["wrong"] == 0 and (check.options.size != "full" or figures["levels"] >= 200))


def main():
    check = Check(__doc__, {"levels": (200, 40, 8, "so many fill levels of each file system")})
    options = check.parse()
    reason = missing_tools("mount", "mkfs.ext4")
    if reason:
        check.results.skip("G22", "full disk", reason)
        check.results.end()
    with check.folder() as folder:
        with mounted("tmpfs", f"{folder}/memory", "-t", "tmpfs") as memory:
            for kind in KINDS:
                try_kind(check, memory, kind, options.levels)
    check.results.end()


if __name__ == "__main__":
    main()
