"""Cuts the power of a real daemon: what its disk holds at a random instant is what it starts with
next.

The home lies in an image, mounted by a loop device, so only what was synced reaches the image. A
cut stops the daemon, copies the image until the copy is one moment of it, and throws the mounted
file system away. The node goes on from the copy; a peer outside goes on as it is. Every edit that
was answered before the cut must be there, and so must everything of this node that the peer had
heard of.

As a counter-test some cuts are made with a daemon whose syncs do nothing: these must lose edits.
And one daemon is traced: the sync of the write-ahead log must end before an answer or a send
begins.
"""
import contextlib
import os
import re
import signal
import time

from control import ControlLine
from disks import MIB, copy_settled, make_image, mounted, refusal_of
from checks import Check, free_address, missing_tools
from kills import Author
from nodes import Node, Trouble
from oracle import Edits
from waiting import let_pass, until

IMAGE_BYTES = 768 * MIB
KINDS = ("ext4", "XFS", "Btrfs")
# Words that make every sync of the daemon succeed and do nothing.
WITHOUT_SYNC = ["strace", "-D", "-f", "-q", "--seccomp-bpf", "-o", "/dev/null", "-e", "signal=none",
                "-e", "trace=fdatasync,fsync", "-e", "inject=fdatasync,fsync:retval=0"]


class Bench:
    """A node on a disk that can be cut off, and a peer on one that can't."""

    def __init__(self, check, folder, kind, before=()):
        self.random, self.folder, self.before = check.random, folder, before
        self.disk, self.copies = f"{folder}/disk", 0
        self.image = f"{folder}/image-0"
        programs = check.options.programs
        self.amal = Node(programs, f"{self.disk}/amal", "amal", free_address())
        self.basil = Node(programs, f"{folder}/basil", "basil", free_address())
        self.amal.log = f"{folder}/amal.log"
        self.mine, self.theirs = Edits("amal"), Edits("basil")
        self.theirs.contents = self.mine.contents
        os.makedirs(folder)
        make_image(self.image, IMAGE_BYTES, kind)
        self.mount = contextlib.ExitStack()
        self.slowest = 0

    def found(self):
        self.plug()
        self.amal.found()
        self.amal.start(before=self.before)
        self.basil.parley("init", "--name", "basil")
        self.basil.start()
        self.amal.admit(self.basil)
        self.basil.parley("sync")
        if self.before:
            # The counter-test is about edits, not about a home that isn't there at all.
            os.sync()

    def plug(self):
        self.mount.enter_context(mounted(self.image, self.disk, "-o", "loop"))

    def cut(self):
        """Works for a moment, then goes on from what the disk held; returns edits acknowledged."""
        # What is answered after the cut wouldn't count, so nobody writes whom the cut can't stop.
        authors = [Author(self.amal, self.mine, self.random.random(), imports=False),
                   Author(self.basil, self.theirs, self.random.random())]
        for author in authors:
            author.start()
        let_pass(self.random.uniform(0.005, 0.12))
        self.meet_end()
        self.amal.daemon.send_signal(signal.SIGSTOP)
        authors[1].may_stop.set()
        authors[1].join()
        self.copies += 1
        image = f"{self.folder}/image-{self.copies}"
        copy_settled(self.image, image)
        self.amal.stop(9)
        authors[0].join()
        for author in authors:
            if author.trouble:
                raise Trouble(author.trouble)
        self.basil.stop(9)
        self.mount.close()
        os.remove(self.image)
        self.image = image

    def meet_end(self):
        """Now and then the power goes while the daemon stops or starts: then it checkpoints."""
        moment = self.random.random()
        if moment > 0.3:
            return
        self.amal.daemon.send_signal(signal.SIGTERM if moment < 0.15 else signal.SIGKILL)
        if moment >= 0.15:
            self.amal.stop(9)
            self.amal.launch(before=self.before)
        let_pass(self.random.uniform(0, 0.04))

    def heal(self):
        heard = self.mine.read_log(self.basil)
        self.plug()
        began = time.monotonic()
        if not self.amal.start(before=self.before):
            raise Trouble(f"doesn't start again: {self.amal.errors()[-600:]}")
        self.slowest = max(self.slowest, time.monotonic() - began)
        if self.slowest > 2:
            raise Trouble(f"ready only after {self.slowest:.2f} s")
        self.mine.check(self.amal)
        missing = heard.keys() - self.mine.read_log(self.amal).keys()
        if missing:
            raise Trouble(f"the peer had heard of {len(missing)} edits that are lost")
        self.amal.verify()
        self.basil.start()
        self.basil.parley("sync")
        self.mine.check(self.basil, settles=False)
        self.theirs.check(self.amal, settles=False)
        self.mine.check_same(self.amal, self.basil)

    @property
    def acknowledged(self):
        return self.mine.acknowledged_ever + self.theirs.acknowledged_ever

    def end(self):
        for node in (self.amal, self.basil):
            if node.daemon:
                node.stop(9)
        self.mount.close()
        for name in os.listdir(self.folder):
            if name.startswith("image-"):
                os.remove(f"{self.folder}/{name}")


def cut_all(check, folder, kind, cuts, figures):
    """So many cuts over one file system; new nodes after every twelve."""
    for first in range(0, cuts, 12):
        bench = Bench(check, f"{folder}/{kind}-{first}", kind)
        try:
            bench.found()
            for number in range(first, min(first + 12, cuts)):
                figures["cuts"] += 1
                bench.cut()
                bench.heal()
        except (Trouble, OSError, ValueError, KeyError) as error:
            figures["wrong"] += 1
            print(f"wrong: {kind}, cut {number}: {type(error).__name__}: {error}", flush=True)
        finally:
            bench.end()
        figures["acknowledged"] += bench.acknowledged
        figures["slowest"] = max(figures["slowest"], bench.slowest)


def cut_without_sync(check, folder, cuts):
    """How many cuts of so many are noticed where nothing is synced."""
    noticed = 0
    for number in range(cuts):
        bench = Bench(check, f"{folder}/unsynced-{number}", "ext4", WITHOUT_SYNC)
        try:
            bench.found()
            bench.cut()
            bench.heal()
        except (Trouble, OSError, ValueError, KeyError):
            noticed += 1
        finally:
            bench.end()
    return noticed


# The trace


# A message between nodes with a change in it is larger than this; signs of life are smaller.
CHANGE_BYTES = 150


class Order:
    """Reads a trace of a daemon in which one edit at a time was made, each heard by a peer.

    Each edit is answered once and sent to the peer once. So between two answers, and between two
    sends to the peer, a sync of the write-ahead log must have ended. That the log has no unsynced
    bytes can't be asked for: the daemon may be tidying up by then.
    """

    def __init__(self, path, start):
        self.syncs, self.answers, self.sends, self.violations = 0, 0, 0, []
        self.under_way, self.syncs_at_last = {}, {"UNIX": 0, "TCP": 0}
        with open(path, encoding="utf-8", errors="replace") as file:
            file.seek(start)
            for line in file:
                self.read(line)

    def read(self, line):
        thread, _, rest = line.partition(" ")
        rest = rest.strip()
        if rest.startswith("<..."):
            self.end(self.under_way.pop(thread, (None, "")))
            return
        call = re.match(r"(\w+)\(\d+<([^>]*)", rest)
        if not call:
            return
        self.begin(*call.groups(), line)
        if "<unfinished" in rest:
            self.under_way[thread] = call.groups()
        else:
            self.end(call.groups())

    def begin(self, name, file, line):
        channel = file.partition(":")[0].partition("-")[0]
        size = re.search(r", (\d+)(?:\)| <unfinished)", line)
        if channel not in self.syncs_at_last or int(size[1]) < CHANGE_BYTES:
            return
        self.sends += 1
        self.answers += channel == "UNIX"
        if self.syncs == self.syncs_at_last[channel]:
            self.violations.append(line.strip()[:160])
        self.syncs_at_last[channel] = self.syncs

    def end(self, call):
        name, file = call
        if name == "fdatasync" and file.endswith("-wal"):
            self.syncs += 1


def trace_order(check, folder, edits):
    """Makes edits one after the other, each heard by the peer before the next."""
    os.makedirs(folder)
    trace = f"{folder}/trace"
    amal = Node(check.options.programs, f"{folder}/amal", "amal", free_address())
    basil = Node(check.options.programs, f"{folder}/basil", "basil", free_address())
    listed = Edits()
    try:
        amal.found()
        amal.start(before=["strace", "-D", "-f", "-q", "--seccomp-bpf", "-yy", "-o", trace,
                           "-e", "signal=none",
                           "-e", "trace=fdatasync,write,writev,sendto,sendmsg"])
        basil.parley("init", "--name", "basil")
        basil.start()
        amal.admit(basil)
        basil.parley("sync")
        with ControlLine(amal.home) as line, ControlLine(basil.home) as other:
            start = os.path.getsize(trace)
            for _ in range(edits):
                listed.new(line)
                await_change(other, list(listed.acknowledged.values())[-1])
        amal.stop()
    finally:
        for node in (amal, basil):
            if node.daemon:
                node.stop(9)
    return Order(trace, start)


def await_change(line, change, timeout=10):
    """Until a node has a change."""
    origin, _, sequence = change.partition(":")

    def is_there():
        clock = line.ask("status").json["casebooks"][0]["clock"]
        return clock.get(origin, 0) >= int(sequence)

    if not until(is_there, timeout, every=0.002):
        raise Trouble(f"{change} isn't heard of within {timeout} s")


def main():
    check = Check(__doc__, {
        "cuts": (300, 60, 9, "so many cuts, over all file systems"),
        "unsynced": (8, 4, 2, "so many cuts of a daemon whose syncs do nothing"),
        "edits": (1000, 300, 100, "so many edits in the trace")})
    options = check.parse()
    reason = missing_tools("strace", "mount", "mkfs.ext4")
    if reason:
        check.results.skip("G3", "power cuts and the order of syncs", reason)
        check.results.end()
    with check.folder() as folder:
        # Images in memory, so that a copy takes no longer than it must.
        with mounted("tmpfs", f"{folder}/memory", "-t", "tmpfs") as memory:
            # A size of 0 leaves that part out.
            if options.cuts:
                run_cuts(check, memory, options)
            if options.unsynced:
                run_counter_test(check, memory, options)
            if options.edits:
                run_trace(check, memory, options)
    check.results.end()


def run_cuts(check, memory, options):
    kinds = []
    for kind in KINDS:
        refusal = refusal_of(kind, memory)
        if refusal:
            check.results.skip("G3", f"power cuts over {kind}", refusal)
        else:
            kinds.append(kind)
    figures = {"cuts": 0, "acknowledged": 0, "wrong": 0, "slowest": 0}
    for kind in kinds:
        cut_all(check, memory, kind, options.cuts // len(kinds), figures)
    check.results.row(
        "G3", f"power cuts over {', '.join(kinds)}",
        f"{figures['cuts']} cuts, {figures['acknowledged']:,} acknowledged edits, "
        f"{figures['wrong']} wrong; ready again within {figures['slowest']:.2f} s",
        figures["wrong"] == 0 and (options.size != "full" or figures["cuts"] >= 300))


def run_counter_test(check, memory, options):
    noticed = cut_without_sync(check, memory, options.unsynced)
    check.results.row(
        "G3", "counter-test: power cuts of a daemon whose syncs do nothing",
        f"{noticed} of {options.unsynced} cuts lose edits, and are noticed", noticed > 0)


def run_trace(check, memory, options):
    order = trace_order(check, f"{memory}/trace", options.edits)
    for line in order.violations[:5]:
        print(f"wrong: sent before the sync: {line}", flush=True)
    check.results.row(
        "G3", "trace: the sync of the write-ahead log ends before a send begins",
        f"{order.answers:,} edits, {order.syncs:,} syncs, {order.sends:,} sends, "
        f"{len(order.violations)} order violations",
        not order.violations and order.answers >= options.edits)


if __name__ == "__main__":
    main()
