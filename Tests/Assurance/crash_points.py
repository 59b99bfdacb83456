"""Ends or fails a real daemon at each system call that matters, one at a time, and looks at the
rest.

Six scenarios are traced once to see which calls they make. Then each is run again for every call
and fault: the process is killed there, or the call fails with EIO or ENOSPC, once or from then on
(`EIO+`). Afterwards a new daemon must be ready soon, find everything sound, hold every acknowledged
edit, write, and sync with a peer.

A call is counted within its thread, because that is how strace counts: `pwrite64 12` is the twelfth
of any thread. `write last.new 3` is the third to that file of the home. Runs in which the call
wasn't reached don't count as points.
"""
import collections
import concurrent.futures
import contextlib
import copy
import functools
import os
import queue
import re
import shutil
import subprocess
import time

from control import ControlLine
from checks import Check, free_address, missing_tools
from nodes import Node, Trouble
from oracle import DONE, Edits
from waiting import until

Point = collections.namedtuple("Point", "scenario call count fault")

# Calls that matter wherever they go.
ALWAYS = ("pwrite64", "fdatasync", "fsync", "ftruncate", "rename", "unlink", "write")
# Calls of which only those below the home matter: the others load the program.
BELOW_HOME = ("openat", "mkdir", "pread64")
FAULTS = ("KILL", "EIO", "ENOSPC")
# For what writes to the disk and what makes it sure.
STICKY_FAULTS = {"pwrite64": ("EIO+", "ENOSPC+"), "fdatasync": ("EIO+",), "fsync": ("EIO+",)}
READY_SECONDS = 2.0


def faults_of(call):
    """What may happen at a call.

    Reading can't fill a disk, nor does it matter whether a process ends before it. `write` is what
    sockets and event counters use, too: these don't fail like that, files of the home do.
    """
    if call.startswith("write"):
        return ("KILL",) if call == "write" else ("EIO", "ENOSPC")
    if call == "pread64":
        return ("EIO",)
    return FAULTS + STICKY_FAULTS.get(call, ())


# Tracing


class Trace:
    """What strace wrote of one run of a node."""

    def __init__(self, path, home):
        self.path, self.home = path, home

    def counting(self):
        """Words before a program of which all interesting calls are to be seen."""
        return self.words(",".join(ALWAYS + BELOW_HOME), ["-y"])

    def injecting(self, point):
        """Words before a program that is to meet a fault."""
        name, sign, _ = point.fault.partition("+")
        deed = "signal=KILL" if name == "KILL" else f"error={name}"
        call, _, file = point.call.partition(" ")
        where = ["-P", f"{self.home}/{file}"] if file else []
        return self.words(call, ["-e", f"inject={call}:{deed}:when={point.count}{sign}",
                                  *where])

    def words(self, calls, more):
        # Not with --seccomp-bpf, under which strace 6.1 rarely sends the signal it is to inject.
        return ["strace", "-D", "-f", "-q", "-o", self.path, "-e", "signal=none",
                "-e", f"trace={calls}", *more]

    def text(self, timeout=10):
        """The whole trace, once the tracer has seen the last process end."""
        until(lambda: self.has_ended(self.read()), timeout, every=0.005)
        return self.read()

    def read(self):
        with open(self.path, encoding="utf-8", errors="replace") as file:
            return file.read()

    @staticmethod
    def has_ended(text):
        last = text.rstrip().rpartition("\n")[2]
        return "+++ exited" in last or "+++ killed" in last

    def has_failed(self):
        return "(INJECTED)" in self.text()

    def counts(self):
        """For each call the counts, within a thread, at which it concerned the home."""
        counters, counts = collections.Counter(), collections.defaultdict(set)
        for line in self.text().splitlines():
            call = re.match(r"(\d+) +(\w+)\(", line)
            if not call:
                continue
            names = [call[2]] if call[2] in ALWAYS or self.home in line else []
            file = re.search(rf"write\(\d+<{re.escape(self.home)}/([^>]+)>", line)
            if file:
                names.append(f"write {file[1]}")
            counters[call.groups()] += call[2] not in names
            for name in names:
                counters[call[1], name] += 1
                counts[name].add(counters[call[1], name])
        return counts


# Scenarios


class World:
    """Two nodes of one worker, and copies of them in which things may go wrong."""

    def __init__(self, programs, folder):
        self.programs, self.folder = programs, folder
        self.addresses = {name: free_address() for name in ("amal", "basil")}
        self.runs = 0
        self.edits = Edits()
        os.makedirs(f"{folder}/model")
        self.make_model()

    def node(self, name, place):
        return Node(self.programs, f"{self.folder}/{place}/{name}", name, self.addresses[name])

    def make_model(self):
        """Two members with twenty records each has seen."""
        self.amal, self.basil = self.node("amal", "model"), self.node("basil", "model")
        self.amal.found()
        self.amal.start()
        self.basil.parley("init", "--name", "basil")
        self.basil.start()
        self.amal.admit(self.basil)
        self.records = [attempt(self.amal, self.edits.new) for _ in range(10)]
        attempt(self.basil, self.edits.bulk, 10)
        self.basil.parley("sync")
        for node in (self.amal, self.basil):
            node.stop()

    @contextlib.contextmanager
    def run(self, is_member=True):
        """A copy of both nodes and of the list of edits; all of it ends with the block."""
        self.runs += 1
        place = f"run-{self.runs}"
        run = Run(self, self.node("amal", place), self.node("basil", place), place)
        try:
            run.fill(is_member)
            yield run
        finally:
            for node in (run.amal, run.basil):
                if node.daemon:
                    node.stop(9)
            shutil.rmtree(f"{self.folder}/{place}", ignore_errors=True)


class Run:
    """One copy of a world. Faults meet `amal`."""

    def __init__(self, world, amal, basil, place):
        self.world, self.amal, self.basil = world, amal, basil
        self.edits, self.theirs = copy.deepcopy(world.edits), Edits("basil")
        self.place = f"{world.folder}/{place}"
        self.trace = Trace(f"{self.place}/trace", amal.home)
        self.erasures, self.slowest, self.code = {}, 0, None

    def fill(self, is_member):
        if not is_member:
            os.mkdir(self.place)
            self.edits = Edits()
            return
        shutil.copytree(f"{self.world.folder}/model", self.place)
        for node in (self.amal, self.basil):
            # A copy goes on in a new epoch; that is over before anything is looked at.
            node.parley("status")

    def erase(self, record, token):
        """Erases a record of the model."""
        line = connected(self.amal)
        if line is None:
            return
        self.erasures[token] = None
        with line, contextlib.suppress(ConnectionError):
            reply = line.ask("erase", record=record, basis="asked for")
            self.erasures[token] = reply.code in DONE


def connected(node):
    try:
        return ControlLine(node.home, timeout=30)
    except ConnectionError:
        return None


def attempt(node, deed, *arguments):
    """One edit, if there is a daemon to ask."""
    line = connected(node)
    if line is None:
        return None
    with line:
        return deed(line, *arguments)


class Scenario:
    """Something a node does. `work` runs under a fault, everything else without."""

    name = ""
    is_member = True

    def prepare(self, run):
        """Before the fault."""

    def work(self, run, before):
        """With a fault: nothing here may be relied on."""
        if run.amal.start(before=before, timeout=30):
            self.use(run)
        run.code = run.amal.stop(timeout=30)

    def use(self, run):
        """What is asked of the running daemon."""

    def heal(self, run):
        """After the fault; raises where a promise was broken."""
        restart(run)
        run.edits.check(run.amal)
        if not attempt(run.amal, run.edits.new):
            raise Trouble("after the restart an edit isn't taken")
        run.amal.verify()
        self.meet(run)

    def meet(self, run):
        """A peer fetches everything and holds the same."""
        if not run.basil.daemon:
            run.basil.start()
        run.basil.parley("sync")
        run.edits.check(run.basil, settles=False)
        run.edits.check_same(run.amal, run.basil)


def restart(run):
    began = time.monotonic()
    if not run.amal.start():
        raise Trouble(f"doesn't start again: {run.amal.errors()[-600:]}")
    run.slowest = time.monotonic() - began
    if run.slowest > READY_SECONDS:
        raise Trouble(f"ready only after {run.slowest:.2f} s")


class Making(Scenario):
    """`parley init`, which makes the key."""

    name, is_member = "init", False

    def work(self, run, before):
        run.code = run.amal.run("init", "--name", "amal", before=before).code

    def heal(self, run):
        again = run.amal.run("init", "--name", "amal")
        if again.code != 0 and "one lives there already" not in again.errors:
            raise Trouble(f"can't be made after all: {again.errors}")
        if again.code == 0 and run.code == 0:
            raise Trouble("a node that was made was gone")
        restart(run)
        run.amal.parley("casebook", "create", "sweida")
        self.complete(run)

    def complete(self, run):
        """The first edits and the first peer."""
        if not attempt(run.amal, run.edits.new):
            raise Trouble("the first edit isn't taken")
        run.edits.check(run.amal)
        run.amal.verify()
        run.basil.parley("init", "--name", "basil")
        run.basil.start()
        run.amal.admit(run.basil)
        self.meet(run)


class FirstStart(Making):
    """The first start of a daemon, and its first casebook."""

    name = "first start"

    def prepare(self, run):
        run.amal.parley("init", "--name", "amal")
        run.has_founded = False

    def work(self, run, before):
        Scenario.work(self, run, before)

    def use(self, run):
        line = connected(run.amal)
        if line is None:
            return
        with line, contextlib.suppress(ConnectionError):
            run.has_founded = line.ask("createCasebook", name="sweida").code in DONE
        for _ in range(3):
            attempt(run.amal, run.edits.new)

    def heal(self, run):
        restart(run)
        books = run.amal.ask("casebook", "list")
        if run.has_founded and len(books) != 1:
            raise Trouble("the casebook is gone")
        if not books:
            run.amal.parley("casebook", "create", "sweida")
        self.complete(run)


class EditBurst(Scenario):
    """Edits, a request of several records and a delete while a peer is connected."""

    name = "edit burst"

    def prepare(self, run):
        run.basil.start()

    def use(self, run):
        edits, amal = run.edits, run.amal
        for record in run.world.records[:4]:
            attempt(amal, edits.new)
            attempt(amal, edits.edit, record)
        attempt(amal, edits.bulk, 5)
        attempt(amal, lambda line: edits.send(
            line, [], "delete", record=run.world.records[5]))
        attempt(amal, edits.new)

    def heal(self, run):
        # What the peer has heard of must be there after the restart, too.
        heard = run.edits.read_log(run.basil)
        super().heal(run)
        missing = heard.keys() - run.edits.read_log(run.amal).keys()
        if missing:
            raise Trouble(f"a peer had heard of {missing}, which are gone")


class SyncIn(Scenario):
    """Two batches come in from a peer."""

    name = "sync in"

    def prepare(self, run):
        run.basil.start()
        attempt(run.basil, run.theirs.bulk, 60)
        for record in run.world.records[:3]:
            attempt(run.basil, run.theirs.edit, record)

    def use(self, run):
        for _ in range(2):
            line = connected(run.amal)
            if line:
                with line, contextlib.suppress(ConnectionError):
                    line.ask("sync", peer="basil", waitSeconds=2)
            attempt(run.basil, run.theirs.bulk, 5)

    def meet(self, run):
        super().meet(run)
        for node in (run.amal, run.basil):
            run.theirs.check(node)


class Checkpoint(Scenario):
    """A daemon that was killed starts again: its write-ahead log is copied back, twice."""

    name = "checkpoint"

    def prepare(self, run):
        run.amal.start()
        for _ in range(3):
            attempt(run.amal, run.edits.bulk, 40)
        run.amal.stop(9)

    def use(self, run):
        attempt(run.amal, run.edits.bulk, 40)


class Erase(Scenario):
    """Records are erased, and the last bytes of them go before each answer."""

    name = "erase"

    def use(self, run):
        for record, token in zip(run.world.records[:2], list(run.edits.acknowledged)[:2]):
            attempt(run.amal, run.edits.edit, run.world.records[7])
            run.erase(record, token)

    def heal(self, run):
        restart(run)
        found = run.edits.read_log(run.amal)
        for token, is_done in run.erasures.items():
            if is_done and token in found:
                raise Trouble(f"{token} was erased and is there")
            if token not in found:
                del run.edits.acknowledged[token]
        run.edits.check(run.amal)
        run.amal.verify()
        self.meet(run)
        for token in run.erasures:
            if token not in run.edits.acknowledged:
                await_absence(run.amal, token)


SCENARIOS = [Making(), FirstStart(), EditBurst(), SyncIn(), Checkpoint(), Erase()]


def files(node):
    for folder, _, names in os.walk(node.home):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                yield path


def await_absence(node, token):
    """The bytes of what was erased are gone from all files soon."""
    def is_absent():
        for path in files(node):
            with open(path, "rb") as file:
                if token.encode() in file.read():
                    return False
        return True
    if not until(is_absent, 10):
        raise Trouble(f"{token} was erased and is in the files of {node.name}")


# The run


def points_of(scenario, world):
    """All points of a scenario, from one run without faults that must end well."""
    with world.run(scenario.is_member) as run:
        scenario.prepare(run)
        scenario.work(run, run.trace.counting())
        counts = run.trace.counts()
        scenario.heal(run)
    return [Point(scenario.name, call, count, fault)
            for call in sorted(counts) for count in sorted(counts[call])
            for fault in faults_of(call)]


def try_point(point, world):
    """Whether the point was reached, what was wrong, seconds until ready, edits acknowledged."""
    scenario = next(each for each in SCENARIOS if each.name == point.scenario)
    with world.run(scenario.is_member) as run:
        try:
            scenario.prepare(run)
            scenario.work(run, run.trace.injecting(point))
            is_hit = run.code == -9 if point.fault == "KILL" else run.trace.has_failed()
            scenario.heal(run)
            return is_hit, None, run.slowest, run.edits.acknowledged_ever
        except (Trouble, OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
            return True, f"{type(error).__name__}: {error}", run.slowest, 0


def try_twice(point, world):
    """Threads share the work differently each time, so a call that wasn't reached may be later."""
    outcome = try_point(point, world)
    return outcome if outcome[0] else try_point(point, world)


def sample(points, generator, size):
    """As many of each scenario, spread over calls and faults."""
    chosen = []
    for name in dict.fromkeys(point.scenario for point in points):
        mine = [point for point in points if point.scenario == name]
        chosen += generator.sample(mine, min(len(mine), size))
    return chosen


def parse_point(text):
    scenario, call, count, fault = text.split(":")
    return Point(scenario, call, int(count), fault)


def main():
    check = Check(__doc__, {
        "points": (10000, 60, 6, "at most so many points of each scenario"),
        "workers": (2, 2, 2, "so many at a time")})
    check.parser.add_argument("--only", metavar="SCENARIO:CALL:COUNT:FAULT", type=parse_point,
                              help="one point, as a failure names it")
    check.parser.add_argument("--faults", metavar="LIST", type=lambda text: text.split(","),
                              default=None, help="only these, e.g. KILL,EIO+")
    options = check.parse()
    reason = missing_tools("strace")
    if reason:
        check.results.skip("G14", "crash points", reason)
        check.results.end()
    if options.only or options.faults:
        check.results.size = "hour"
    with check.folder() as folder:
        run_all(check, options, folder)
    check.results.end()


def run_all(check, options, folder):
    worlds = queue.SimpleQueue()
    for number in range(options.workers):
        worlds.put(World(options.programs, f"{folder}/{number}"))

    def with_world(job):
        world = worlds.get()
        try:
            return job(world)
        finally:
            worlds.put(world)

    with concurrent.futures.ThreadPoolExecutor(options.workers) as pool:
        if options.only:
            points = [options.only]
        else:
            jobs = [functools.partial(points_of, scenario) for scenario in SCENARIOS]
            every = [point for point in sum(pool.map(with_world, jobs), [])
                     if not options.faults or point.fault in options.faults]
            points = sample(every, check.random, options.points)
            print(f"{len(every)} points, of which {len(points)} are tried", flush=True)
        jobs = [functools.partial(try_twice, point) for point in points]
        report(check, points, pool.map(with_world, jobs))


def report(check, points, outcomes):
    hits, wrong, slowest, acknowledged = collections.Counter(), [], 0, 0
    for point, (is_hit, trouble, seconds, edits) in zip(points, outcomes):
        hits[point.scenario, point.fault] += is_hit
        slowest, acknowledged = max(slowest, seconds), acknowledged + edits
        if trouble:
            wrong.append(point)
            print(f"wrong: --only '{':'.join(map(str, point))}': {trouble}", flush=True)
    failed = sum(each for (_, fault), each in hits.items() if fault != "KILL")
    total = sum(hits.values())
    scenarios = collections.Counter()
    for (name, _), count in hits.items():
        scenarios[name] += count
    each = ", ".join(f"{name} {count}" for name, count in scenarios.items())
    wanted = 1500 if check.options.size == "full" and not check.options.only else 1
    check.results.row("G14", "crash points: six scenarios x call x "
                      "{KILL, EIO, ENOSPC, both also for good}",
                      f"{total:,} points ({each}), {acknowledged:,} acknowledged edits, "
                      f"{len(wrong)} wrong; ready again within {slowest:.2f} s",
                      not wrong and total >= wanted)
    bad = [point for point in wrong if point.fault != "KILL"]
    if failed or bad:
        check.results.row("G23", "calls of the home's files that fail with EIO or ENOSPC",
                          f"{failed:,} points, {len(bad)} wrong", not bad)


if __name__ == "__main__":
    main()
