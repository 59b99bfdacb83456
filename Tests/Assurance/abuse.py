#!/usr/bin/env python3
"""A node under attack: it goes on serving, within bounds, and takes in nothing that is false.

Goals G15, G16, G19 and, at the end, G9. One daemon with many records; strangers, members that break
the rules, peers that vanish. The last need root and nftables; everything else runs anywhere.
"""
import contextlib
import json
import multiprocessing
import os
import random
import socket
import ssl
import subprocess
import tempfile
import threading
import time

import attacks
import peer
from attacks import Target
from checks import Check
from nodes import Node, Trouble
from peer import Key, Peer, dial
from waiting import time_until, until
from watching import KIB, MIB, Process, in_mib, in_ms, percentile
from wiring import Wiring, obstacle

MEMBERS = 10
PATIENCE = 60
# Where the daemon has taken so much more an attack ends: the machine is needed by others.
TOO_MUCH = 512 * MIB
STRANGERS, STRANGERS_PER_ADDRESS = 64, 8


class Stage:
    """The node that is attacked, an honest peer of it, and members whose keys attackers hold."""

    def __init__(self, programs, folder, records, seed):
        self.victim = Node(programs, os.path.join(folder, "victim"), "victim")
        self.honest = Node(programs, os.path.join(folder, "honest"), "honest")
        self.programs, self.folder, self.seed = programs, folder, seed
        self.records = records

    def __enter__(self):
        self.victim.found().start()
        self.honest.parley("init", "--name", "honest")
        self.honest.start()
        self.victim.admit(self.honest)
        keys = [self.recruit(f"mallory{number}") for number in range(MEMBERS)]
        chance = random.Random(self.seed)
        lines = "".join(json.dumps({"type": "note", "fields": {
            "title": f"Call {number}", "note": chance.randbytes(300).hex()}}) + "\n"
            for number in range(self.records))
        self.victim.ask("import", "-", text=lines)
        self.record = self.victim.new("looked at")["record"]
        self.await_honest(60)
        status = self.victim.ask("status")["casebooks"][0]
        self.target = Target(
            self.victim.address, bytes.fromhex(status["casebook"]), keys, self.seed)
        self.target.author = author(status, self.victim)
        self.process = Process(self.victim.daemon.pid)
        return self

    def __exit__(self, *_):
        for node in (self.honest, self.victim):
            node.stop()

    def restart(self):
        """The victim anew, with memory that nothing has used yet."""
        self.victim.stop()
        self.victim.start()
        self.process = Process(self.victim.daemon.pid)
        self.await_honest(30)

    def recruit(self, name):
        """A member by the rules, whose program is then replaced by ours."""
        node = Node(self.programs, os.path.join(self.folder, name), name)
        node.parley("init", "--name", name)
        node.start()
        self.victim.admit(node)
        node.parley("sync")
        node.stop()
        return Key.of(node.home)

    def await_honest(self, patience):
        """Seconds until the honest peer has what the victim has; `None` if it took too long."""
        return time_until(lambda: self.victim.digest() == self.honest.digest(), patience)

    def await_descriptors(self, count, patience=30):
        """Waits until the victim has so few open files again; returns how many it has."""
        until(lambda: self.process.descriptors() <= count, patience)
        return self.process.descriptors()


def author(status, node):
    """The origin of the victim's own log, as on the wire."""
    epoch = next(iter(status["clock"])).split(".")[1]
    return bytes.fromhex(node.ask("status")["node"]) + bytes.fromhex(epoch)


class Abuse:
    """The checks, on one stage."""

    def __init__(self, stage, options, results):
        self.stage, self.options, self.results = stage, options, results
        self.digest = stage.victim.digest()

    @property
    def process(self):
        return self.stage.process

    # One frame at a time (G16)

    def single_frames(self):
        frames = dict(self.stage.target.frames[0])
        frames.update((f"vector {name}", data)
                      for name, data in attacks.invalid_messages().items())
        usual = self.cost("nothing", b"", self.options.repeats)
        worst = {"closed": (0.0, ""), "memory": (0, ""), "processor": (0.0, "")}
        open_still = []
        for name, data in frames.items():
            cost = self.cost(name, data, self.options.repeats)
            count = peer.frames_in(data)
            cost["processor"] = (cost["processor"] - usual["processor"]) / count
            cost["memory"] /= count
            if cost["closed"] is None:
                open_still.append(name)
                continue
            print(f"  {name}: closed {in_ms(cost['closed'])}, {in_mib(cost['memory'])}, "
                  f"{in_ms(cost['processor'])} of processor", flush=True)
            for measure, (most, _) in worst.items():
                if cost[measure] > most:
                    worst[measure] = (cost[measure], name)
        self.report_frames(len(frames), usual, worst, open_still)

    def report_frames(self, count, usual, worst, open_still):
        what = f"{count} kinds of hostile frames of a member, {self.options.repeats} times each"
        (closed, slow), (memory, large), (processor, costly) = (
            worst["closed"], worst["memory"], worst["processor"])
        self.results.row(
            "G16", f"{what}: connection closed",
            f"{in_ms(closed)} ({slow}); left open: {', '.join(open_still) or 'none'} "
            "(at most 100 ms)", closed <= 0.1 and not open_still,
            is_measure=not open_still)
        self.results.row("G16", f"{what}: memory beyond that before, at its peak",
                         f"{in_mib(memory)} ({large}) (at most 2 MiB)", memory <= 2 * MIB,
                         is_measure=True)
        self.results.row(
            "G16", f"{what}: processor time beyond that of a session, "
            f"{in_ms(usual['processor'])}", f"{in_ms(processor)} ({costly}) (at most 20 ms)",
            processor <= 0.02, is_measure=True)

    def cost(self, name, data, repeats):
        """What a session costs in which this is said: seconds to its end, memory, processor."""
        for _ in range(min(5, repeats)):
            self.provoke(data)
        start, closed, memory = self.process.processor(), [], []
        for _ in range(repeats):
            before = self.process.memory()
            self.process.forget_peak()
            closed.append(self.provoke(data))
            memory.append(self.process.peak() - before)
        used = (self.process.processor() - start) / repeats
        is_closed = all(each is not None for each in closed)
        return {"closed": percentile(closed, 0.99) if is_closed else None,
                "memory": percentile(memory, 0.99), "processor": used}

    def provoke(self, data):
        """Says it in a session of the first member; returns the seconds to its end."""
        with self.stage.target.greet(0, timeout=5) as connection:
            if not data:
                return 0.0
            connection.socket.settimeout(2)
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                connection.say(data)
            start = time.monotonic()
            try:
                while connection.socket.recv(65_536):
                    pass
            except TimeoutError:
                return None
            except OSError:
                pass  # Cut off rather than told why.
            return time.monotonic() - start

    # Who isn't known (G15, G19)

    def unauthenticated(self):
        kinds = {"silent": lambda number: dial(self.stage.target.address, attacks.source(number)),
                 "in mid TLS": self.half_shaken, "after TLS": self.shaken,
                 "with an unfinished frame": self.unfinished}
        for name, make in kinds.items():
            self.stage.restart()
            make(100).close()  # What the first connection ever needs stays.
            before, held = self.hold(make)
            each = (held - before) / STRANGERS
            self.results.row(
                "G15", f"{STRANGERS} connections of strangers, {name}: memory of each",
                f"{each / KIB:.0f} KiB (at most 64 KiB)", each <= 64 * KIB, is_measure=True)

    def hold(self, make):
        """Memory before and while as many strangers as are let in are there."""
        files = self.process.settled_descriptors()
        before, held = self.process.memory(), []
        try:
            held = [make(number // STRANGERS_PER_ADDRESS) for number in range(STRANGERS)]
            self.await_more(files + STRANGERS)
            return before, self.process.memory()
        finally:
            for each in held:
                each.close()
            self.stage.await_descriptors(files)

    def await_more(self, files):
        if not until(lambda: self.process.descriptors() >= files, 10):
            raise Trouble(f"{self.process.descriptors()} open files where {files} were due")

    def half_shaken(self, number):
        connection = dial(self.stage.target.address, attacks.source(number))
        connection.sendall(attacks.tls_hello())
        connection.recv(1)
        return connection

    def shaken(self, number):
        return Peer(self.stage.target.address, Key().context(), attacks.source(number))

    def unfinished(self, number):
        connection = self.shaken(number)
        connection.say(peer.frame(peer.JOIN, bytes(1000))[:-1])
        return connection

    def scans(self):
        """Connections that show every kind of certificate but a member's."""
        cases = certificate_cases(self.stage.target.keys[0])
        address, told, done = self.stage.target.address, {"silence": [], "HTTP": [], "hello": []}, 0
        sayings = {"silence": b"", "HTTP": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                   "hello": peer.hello(7)}
        while done < self.options.scans:
            for make in cases.values():
                for name, saying in sayings.items():
                    told[name].append(scan(address, make(), saying, attacks.source(done % 100)))
                    done += 1
        dumb = told["silence"] + told["HTTP"]
        self.results.row(
            "G19", f"{len(dumb)} scans with {len(cases)} kinds of wrong certificates, silent or "
            "speaking HTTP", f"{sum(map(len, dumb))} application bytes (0)", not any(dumb))
        answers = {answer[4:5] for answer in told["hello"] if answer}
        self.results.row(
            "G19", f"{len(told['hello'])} more that say hello, "
            f"{len(list(filter(None, told['hello'])))} of them with a key of their own",
            f"{max(map(len, told['hello']))} bytes: the close that says `not admitted`",
            answers <= {bytes([peer.CLOSE])})

    # While it is attacked (G15)

    def service(self):
        self.stage.victim.open_all()
        usual = self.shows()
        print(f"  undisturbed: p50 {in_ms(percentile(usual, 0.5))}, "
              f"p99 {in_ms(percentile(usual, 0.99))}", flush=True)
        for name, attack in self.attacks().items():
            if self.options.attack in name:
                self.under(name, attack, usual)

    def attacks(self):
        return {
            "1,000 idle connections": attacks.idle,
            "a byte a second, before and inside TLS": attacks.trickle,
            "handshakes of strangers without end": attacks.handshakes,
            "10 members: everything that breaks the rules": attacks.hostile_members,
            "10 members: pings without end": attacks.pings,
            "10 members: pings without end, pongs never read": attacks.pings_unread,
            "10 members: unknown frames of 512 KiB": attacks.unknown_frames,
            "10 members: clocks without end": attacks.clock_pages,
            "10 members: the whole log wanted without end": attacks.wants,
            "10 members: addresses without end": attacks.wrong_addresses,
            "10 members that never read": attacks.never_reads,
        }

    def under(self, name, attack, usual):
        files, memory = self.process.settled_descriptors(), self.process.memory()
        self.process.forget_peak()
        with Attack(attack, self.stage.target) as attacker:
            with Guard(self.process, memory + TOO_MUCH, attacker.stop):
                times = self.shows()
        peak = self.process.peak() - memory
        left = self.stage.await_descriptors(files)
        self.judge(name, times, usual)
        self.results.row(
            "G15", f"{name}: memory and open files",
            f"grew by {in_mib(peak)} (at most 128 MiB); {files} files open before, {left} after; "
            f"{attacker.done:,} deeds", peak <= 128 * MIB and left <= files)

    def judge(self, name, times, usual):
        """Where the machine is too busy even without an attack, only a clear difference tells."""
        p99, before = percentile(times, 0.99), percentile(usual, 0.99)
        met = p99 <= 0.05
        if not met and before > 0.05 and p99 <= 2 * before:
            met = None
        self.results.row(
            "G15", f"{name}: `parley show`, {len(times)} times",
            f"p50 {in_ms(percentile(times, 0.5))}, p99 {in_ms(p99)}, worst {in_ms(max(times))}; "
            f"undisturbed {in_ms(percentile(usual, 0.5))}, {in_ms(before)}, {in_ms(max(usual))} "
            f"(p99 at most 50 ms){'; the machine is too busy to tell' if met is None else ''}", met,
            is_measure=True)

    def shows(self, count=None):
        """Seconds that each of many commands took, process start included."""
        command = [f"{self.stage.programs}/parley", "show", self.stage.record]
        times = []
        for _ in range(count or self.options.shows):
            start = time.monotonic()
            process = subprocess.Popen(command, env=self.stage.victim.environment,
                                       stdout=subprocess.DEVNULL)
            # Waiting with a timeout would look now and then only, up to 50 ms apart.
            guard = threading.Timer(PATIENCE, process.kill)
            guard.start()
            code = process.wait()
            guard.cancel()
            if code == -9:
                return [*times, PATIENCE]  # Not served at all: more of these would tell no more.
            times.append(time.monotonic() - start)
            if code != 0:
                raise Trouble(f"parley show ended with {code}")
        return times

    def door(self):
        """A peer whose address is new, so that only it can dial, while strangers fill the door."""
        honest = self.stage.honest
        honest.stop()
        files = self.process.settled_descriptors()
        honest.address = "127.0.0.1:0"
        with Attack(attacks.idle, self.stage.target):
            self.await_more(files + STRANGERS - 2)
            honest.start()
            honest.new("said at the door")
            taken = self.stage.await_honest(60)
        self.results.row(
            "G15", "1,000 idle connections: a peer at a new address dials in",
            f"equal after {taken:.1f} s" if taken else "not within 60 s", taken is not None)
        self.stage.await_honest(60)
        self.digest = self.stage.victim.digest()

    def writers(self):
        """Members that write within the rules, as much as 4 frames each can say."""
        memory, before = self.process.memory(), self.records()
        due = before + MEMBERS * 4 * 10_000
        usual = self.shows()
        self.process.forget_peak()
        start = time.monotonic()
        with Attack(attacks.records_by_the_thousand, self.stage.target):
            times = self.shows()
            while self.records() < due and time.monotonic() - start < 300:
                times += self.shows(20)
        taken, count = time.monotonic() - start, self.records() - before
        peak = self.process.peak() - memory
        self.results.row(
            "G15", f"{MEMBERS} members write {due - before:,} records in 40 frames of 170 bytes",
            f"{count:,} taken in within {taken:.0f} s, memory grew by {in_mib(peak)} (at most "
            "128 MiB)", peak <= 128 * MIB and count == due - before)
        self.judge("records by the thousand", times, usual)
        self.digest = self.stage.victim.digest()

    def records(self):
        return self.stage.victim.ask("status")["casebooks"][0]["records"]

    # Afterwards

    def settle(self):
        victim, honest = self.stage.victim, self.stage.honest
        self.results.row("G9", "casebook digest after all attacks",
                         "unchanged" if victim.digest() == self.digest else "changed",
                         victim.digest() == self.digest)
        honest.new("said afterwards")
        code = honest.run("sync", "victim").code
        taken = self.stage.await_honest(30)
        self.results.row("G15", "an honest peer afterwards",
                         f"sync exit {code}, {'equal' if taken is not None else 'not equal'}",
                         code == 0 and taken is not None)
        code = victim.run("verify", timeout=1800).code
        self.results.row("G9", "parley verify afterwards", f"exit {code}", code == 0)
        crashes = victim.errors().count("Fatal error")
        alive = victim.daemon.poll() is None
        self.results.row("G15", "the daemon afterwards",
                         f"{'runs' if alive else 'has ended'}, {crashes} crashes",
                         alive and crashes == 0)


class Attack:
    """An attack that goes on while the block runs.

    It yields the processor to whom it attacks: attackers elsewhere don't take any of it either.
    """

    def __init__(self, attack, target):
        context = multiprocessing.get_context("fork")
        self.stop, self.count = context.Event(), context.Queue()
        self.process = context.Process(target=self.work, args=(attack, target), daemon=True)
        self.done = 0

    def work(self, attack, target):
        os.nice(10)
        self.count.put(attack(self.stop, target))

    def __enter__(self):
        self.process.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        with contextlib.suppress(Exception):
            self.done = self.count.get(timeout=30)
        self.process.join(10)
        if self.process.is_alive():
            self.process.kill()


class Guard:
    """Ends an attack while the block runs, once the daemon has more memory than this."""

    def __init__(self, process, most, stop):
        self.process, self.most, self.stop = process, most, stop
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def watch(self):
        while not self.over.wait(0.02):
            if self.process.memory() > self.most:
                self.stop.set()

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def certificate_cases(member):
    """Makers of TLS contexts that aren't a member's, by what is wrong; `None` for no TLS at all."""
    stranger, other = Key(), Key(curve=True)
    foreign = stranger.certificate() + member.certificate()
    old = ssl.TLSVersion.TLSv1_2
    return {
        "none": peer.bare_context,
        "a stranger's": stranger.context,
        "another kind of key": other.context,
        "expired": lambda: stranger.context(chain=stranger.certificate(end=1)),
        "not yet valid": lambda: stranger.context(
            chain=stranger.certificate(start=3_900_000_000)),
        "with a name": lambda: stranger.context(chain=stranger.certificate(name="victim")),
        "with a member's behind it": lambda: stranger.context(chain=foreign),
        "signed by another": lambda: stranger.context(
            chain=stranger.certificate(signer=Key().private)),
        "TLS 1.2 without one": lambda: peer.bare_context(old),
        "TLS 1.2 with one": lambda: stranger.context(old),
        "no TLS": lambda: None,
    }


def scan(address, context, saying, source):
    """What is heard, after decryption, from somebody to whom this is said."""
    heard = b""
    with contextlib.suppress(OSError):
        if context is None:
            with dial(address, source, 1) as connection:
                connection.sendall(saying)
                heard = connection.recv(65_536)
                return b"" if is_alert(heard) else heard
        with Peer(address, context, source, 1) as connection:
            if not saying:
                connection.socket.unwrap()  # Says farewell, and raises where there is more to read.
                return b""
            connection.say(saying)
            for data in iter(lambda: connection.socket.recv(4096), b""):
                heard += data
    return heard


def is_alert(data):
    """What TLS says to what isn't TLS."""
    return data[:1] == b"\x15"


class Vanishing:
    """Peers that are gone without a word, on a network where packets can be dropped."""

    def __init__(self, options, results):
        self.options, self.results = options, results

    def run(self):
        missing = obstacle("ip", "nft")
        if missing:
            self.results.skip("G15", "half-open connections and vanished peers", missing)
            return
        with tempfile.TemporaryDirectory(prefix="abuse-") as folder:
            with Wiring(2, self.options.seed) as wiring:
                self.check(folder, wiring)

    def check(self, folder, wiring):
        victim = Node(self.options.programs, os.path.join(folder, "victim"), "victim",
                      wiring.listen(0))
        guest = Node(self.options.programs, os.path.join(folder, "guest"), "guest",
                     wiring.listen(1))
        victim.found()
        guest.parley("init", "--name", "guest")
        try:
            victim.start(before=wiring.inside(0))
            guest.start(before=wiring.inside(1))
            victim.admit(guest)
            self.half_open(wiring, victim, guest)
            self.vanished(wiring, victim, guest)
        finally:
            guest.stop()
            victim.stop()

    def half_open(self, wiring, victim, guest):
        """SYN, and nothing more: the last step of each handshake is dropped."""
        process = Process(victim.daemon.pid)
        victim.open_all()
        files, memory = process.descriptors(), process.memory()
        wiring.filter(0, "tcp sport 20000-29999 tcp flags & (syn | ack) == ack counter drop")
        with wiring.entered(1):
            sockets = [half_open(wiring.listen(0), 20_000 + number) for number in range(1000)]
        guest.stop()
        guest.start(before=wiring.inside(1))
        title = guest.new("said meanwhile")["record"]
        guest.parley("sync", "victim")
        shown = victim.run("show", title).code
        grown, held = process.memory() - memory, process.descriptors() - files
        for each in sockets:
            each.close()
        self.results.row(
            "G15", "1,000 half-open connections (SYN and silence)",
            f"{held} files and {in_mib(grown)} more; a peer connects and syncs meanwhile: "
            f"{'yes' if shown == 0 else 'no'}; {wiring.filtered()} packets dropped",
            held <= 0 and grown <= 2 * MIB and shown == 0)
        wiring.filter(0)

    def vanished(self, wiring, victim, guest):
        """A member whose machine is gone; after 90 s of silence its connection is, too."""
        process = Process(victim.daemon.pid)
        guest.stop()
        key = Key.of(guest.home)
        status = victim.ask("status")["casebooks"][0]
        target = Target(wiring.listen(0), bytes.fromhex(status["casebook"]), [key], 1)
        files = process.settled_descriptors()
        with wiring.entered(1):
            member = target.greet(0)
            stranger = Peer(wiring.listen(0), Key().context())
        held = process.descriptors() - files
        wiring.rule(open=False)
        start, ends = time.monotonic(), {}

        def are_gone():
            for number in range(len(ends), held - (process.descriptors() - files)):
                ends[number] = time.monotonic() - start
            return len(ends) >= held

        until(are_gone, 120, every=0.2)
        member.close()
        stranger.close()
        told = ", ".join(f"{seconds:.0f} s" for seconds in ends.values())
        self.results.row(
            "G15", "a stranger and a member whose machines are gone: connections closed",
            f"after {told or 'no time'} (15 s, 90 s)",
            len(ends) == 2 and ends[0] <= 17 and ends[1] <= 95)


def half_open(address, port):
    """A connection under way from this port."""
    connection = socket.socket()
    connection.setblocking(False)
    connection.bind(("", port))
    host, target = address.rsplit(":", 1)
    connection.connect_ex((host, int(target)))
    return connection


def main():
    check = Check(__doc__, {
        "records": (20_000, 5000, 500, "in the casebook"),
        "shows": (500, 200, 20, "`parley show` under each attack"),
        "repeats": (100, 20, 3, "of each hostile frame"), "scans": (1000, 200, 48, "at the door")})
    check.parser.add_argument("--attack", default="", metavar="WORDS",
                              help="only attacks with these words in their names")
    check.parser.add_argument("--only", metavar="PART", help="frames, strangers, scans, service, "
                              "door, writers or vanishing alone")
    options = check.parse()
    try:
        on_stage(check)
        if options.only in (None, "vanishing") and options.size != "quick":
            check.results.started = time.monotonic()
            Vanishing(options, check.results).run()
    except Trouble as trouble:
        check.results.row("G15", "what a node does", str(trouble), False)
    check.results.end()


def on_stage(check):
    options, results = check.options, check.results
    parts = {"frames": "single_frames", "strangers": "unauthenticated", "scans": "scans",
             "service": "service", "door": "door", "writers": "writers"}
    chosen = [part for part in parts if options.only in (None, part)]
    if options.size == "quick":
        chosen = [part for part in chosen if part not in ("door", "writers")]
    if not chosen:
        return
    with check.folder() as folder:
        with Stage(options.programs, folder, options.records, options.seed) as stage:
            abuse = Abuse(stage, options, results)
            results.started = time.monotonic()
            for part in chosen:
                getattr(abuse, parts[part])()
            abuse.settle()


if __name__ == "__main__":
    main()
