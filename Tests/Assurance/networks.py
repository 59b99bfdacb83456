#!/usr/bin/env python3
"""Nodes on bad networks: they converge once a path exists, and lose nothing they acknowledged.

Goals G1, G2 and G17. Five daemons in network namespaces, joined by a switch of our own, while all
of them are written to; eight in a line. Needs root, /dev/net/tun, iproute2 and nftables.
"""
import random
import tempfile
import time

from checks import Check
from nodes import Trouble
from team import Promises, Team, Writers
from waiting import let_pass
from wiring import PORT, Wiring, obstacle

LINE = 8
ROUNDS = LINE - 1 + 2


# What can be wrong with a network. Each makes it so; whether it stays while the nodes converge is
# said below.

def calm(wiring, chance):
    pass


def far(wiring, chance):
    wiring.rule(delay=0.15, jitter=0.03)


def lossy(wiring, chance):
    wiring.rule(loss=0.3)


def doubling(wiring, chance):
    wiring.rule(delay=0.02, jitter=0.02, duplicate=0.3, reorder=0.5)


def one_way(wiring, chance):
    """Of three pairs one hears the other and isn't heard; paths by others stay."""
    for source, target in [(0, 1), (2, 3), (4, 0)]:
        wiring.filter(target, f"ip saddr {wiring.address(source)} counter drop")


def resetting(wiring, chance):
    for number in range(len(wiring.names)):
        wiring.filter(
            number, f"tcp dport {PORT} numgen random mod 1000 < 30 counter reject with tcp reset",
            f"tcp sport {PORT} numgen random mod 1000 < 30 counter reject with tcp reset")


def parted(wiring, chance):
    """Two sides that don't hear each other, and one node that hears nobody."""
    for a in (0, 1):
        for b in (2, 3):
            wiring.rule(a, b, open=False)
            wiring.rule(b, a, open=False)
    wiring.link(4, "down")


def narrow(wiring, chance):
    for number in range(len(wiring.names)):
        wiring.rate(number, "256kbit")
    wiring.rule(delay=0.15)


def small_frames(wiring, chance):
    for number in range(len(wiring.names)):
        wiring.mtu(number, 600)


def everything(wiring, chance):
    wiring.rule(delay=0.1, jitter=0.05, loss=0.1, duplicate=0.1, reorder=0.2)
    resetting(wiring, chance)
    wiring.link(chance.randrange(len(wiring.names)), "down")


# name: (what to do, whether it stays, seconds in which all must be equal)
FAULTS = {
    "calm": (calm, True, 10),
    "300 ms RTT with jitter": (far, True, 60),
    "30 % loss": (lossy, False, 60),
    "30 % doubled, half reordered": (doubling, True, 60),
    "one-way drops": (one_way, True, 60),
    "3 % of segments reset": (resetting, False, 60),
    "parted, one link down": (parted, False, 60),
    "256 kbit/s at 300 ms RTT": (narrow, True, 120),
    "MTU 600": (small_frames, True, 60),
    "all at once": (everything, False, 60),
}


def mend(wiring):
    """The network is as it should be again."""
    wiring.rule(open=True, delay=0.0, jitter=0.0, loss=0.0, duplicate=0.0, reorder=0.0)
    for number in range(len(wiring.names)):
        wiring.filter(number)
        wiring.link(number, "up")
        wiring.mtu(number, 1500)


class Networks:
    """The checks, on one set of programs."""

    def __init__(self, options, results):
        self.options, self.results = options, results
        self.lost = []

    def with_team(self, count, body):
        """Runs a check on a fresh team; whatever goes wrong with it is a row, too."""
        with tempfile.TemporaryDirectory(prefix="networks-") as folder:
            with Wiring(count, self.options.seed) as wiring:
                with Team(self.options.programs, folder, wiring) as team:
                    body(wiring, team)

    # Bad networks under five nodes

    def faults(self, names, count=5):
        self.with_team(count, lambda wiring, team: self.run_faults(wiring, team, names))

    def run_faults(self, wiring, team, names):
        team.gather()
        promises = Promises()
        writers = Writers(team, promises, self.options.seed, self.options.burst)
        writers.prepare()
        if team.await_equality(30) is None:
            raise Trouble("the nodes weren't equal even before anything was done to them")
        self.results.started = time.monotonic()
        for name in names:
            self.run_fault(name, wiring, team, writers)
        self.settle(team, promises)

    def run_fault(self, name, wiring, team, writers):
        make, stays, patience = FAULTS[name]
        before, lost = writers.promises.count, wiring.count()["lost"]
        make(wiring, random.Random(f"{self.options.seed} {name}"))
        writers.write(self.options.seconds)
        start = writers.promises.last
        filtered = wiring.filtered()
        if not stays:
            mend(wiring)
            start = time.monotonic()
        taken = team.await_equality(self.options.patience, start)
        mend(wiring)
        if name.startswith("256"):
            for number in range(len(wiring.names)):
                wiring.rate(number, None)
        edits, lost = writers.promises.count - before, wiring.count()["lost"] - lost + filtered
        until = "the last edit" if stays else "it was over"
        found = f"not equal after {self.options.patience} s" if taken is None else \
            f"equal {taken:.1f} s after {until}"
        self.results.row(
            "G1", f"{len(team.nodes)} nodes, {name}, {self.options.seconds} s of edits",
            f"{found}, {edits} edits acknowledged, {lost} frames lost (at most {patience} s)",
            taken is not None and taken <= patience)
        if taken is None:
            self.explain(team)
            if team.await_equality(600) is None:
                raise Trouble(f"after {name}: not equal within 10 minutes of a good network")

    def explain(self, team):
        for node in team.nodes:
            status = node.ask("status")
            print(node.name, status["casebooks"][0]["clock"],
                  [(peer["name"], peer["connected"], peer["refused"]) for peer in status["peers"]])

    def settle(self, team, promises):
        """In the end every node shows all that was acknowledged, and finds nothing wrong."""
        faults = [fault for node in team.nodes for fault in promises.broken(node)]
        for fault in faults[:20]:
            print(fault)
        self.results.row("G2", "acknowledged edits on bad networks, looked for on every node",
                         f"{len(faults)} of {promises.count} lost", not faults)
        checks = [check for node in team.nodes for check in node.ask("verify", codes=(0, 7))]
        wrong = [check for check in checks if not check["ok"]]
        self.results.row("G1", "parley verify on every node afterwards",
                         f"{len(wrong)} of {len(checks)} checks failed", not wrong)

    # Eight nodes in a line

    def line(self, name, bound, **rule):
        self.with_team(LINE, lambda wiring, team: self.run_line(wiring, team, name, bound, rule))

    def run_line(self, wiring, team, name, bound, rule):
        team.gather()
        team.stop()
        for node in team.nodes:
            for number in range(self.options.notes):
                node.new(f"{node.name} {number}")
        wiring.in_a_line()
        wiring.rule(**rule)
        self.results.started = time.monotonic()
        start = time.monotonic()
        team.start()
        rounds = 0
        while len(set(team.digests())) > 1 and time.monotonic() - start < 3 * bound:
            rounds += 1
            self.meet_neighbours(team)
        taken = time.monotonic() - start
        equal = team.await_equality(1) is not None
        self.results.row(
            "G17", f"{LINE} nodes in a line, {name}: all start with edits of their own",
            f"{'equal' if equal else 'not equal'} after {rounds} rounds and {taken:.1f} s "
            f"(at most {ROUNDS} rounds, {bound} s)", equal and taken <= bound and rounds <= ROUNDS)
        self.pass_along(team, name, bound)

    def meet_neighbours(self, team):
        """One round: every node syncs once with the next one, from the far end on, so that nothing
        is carried through by the order."""
        for number in reversed(range(len(team.nodes) - 1)):
            team.nodes[number].run("sync", team.nodes[number + 1].name, "--wait", "15")

    def pass_along(self, team, name, bound):
        """An edit at one end of a line that stands shows at the other."""
        start = time.monotonic()
        team.nodes[0].new("passed along")
        taken = team.await_equality(3 * bound)
        self.results.row(
            "G17", f"{LINE} nodes in a line, {name}: an edit from end to end, sessions standing",
            "never" if taken is None else f"{time.monotonic() - start:.2f} s (at most {bound} s)",
            taken is not None and taken <= bound)

    def line_by_itself(self, bound):
        """Nobody types anything: what the nodes' own dialling makes of it."""
        def body(wiring, team):
            team.gather()
            wiring.rule(open=False)
            for node in team.nodes:
                node.new(f"{node.name} alone")
            let_pass(self.options.outage)
            self.results.started = time.monotonic()
            wiring.in_a_line()
            taken = team.await_equality(300)
            self.results.row(
                "G17", f"{LINE} nodes in a line after {self.options.outage} s cut off, "
                "nobody types `sync`",
                "not equal after 300 s" if taken is None else f"equal after {taken:.1f} s",
                taken is not None)
        self.with_team(LINE, body)

    # How much of a narrow link is used

    def narrow_link(self):
        def body(wiring, team):
            team.gather()
            team.stop()
            team.nodes[0].ask("import", "-", text=random_notes(self.options.seed, 3000))
            wiring.rule(delay=0.15)
            wiring.rate(0, "256kbit")
            before = wiring.count()["to"][1]
            start = time.monotonic()
            team.start()
            taken = team.await_equality(600)
            sent = wiring.count()["to"][1] - before
            share = sent * 8 / 256_000 / (time.monotonic() - start)
            self.results.row(
                "G17", "a link of 256 kbit/s at 300 ms RTT, 3,000 records to a node that has none",
                f"{sent / 1e6:.2f} MB in {taken or 600:.1f} s: {share:.0%} of the link used",
                taken is not None)
        self.with_team(2, body)


def random_notes(seed, count):
    """Records whose texts hardly get shorter by compression."""
    chance = random.Random(seed)
    return "".join('{"type":"note","fields":{"title":"%s"}}\n' % chance.randbytes(100).hex()
                   for _ in range(count))


def main():
    check = Check(__doc__, {
        "seconds": (15, 8, 4, "of edits under each fault"),
        "burst": (400, 400, 400, "records in one import"),
        "notes": (20, 20, 20, "of each node in the line"),
        "outage": (20, 20, 20, "seconds a line is cut off"),
        "patience": (180, 180, 180, "seconds to wait for equality")})
    check.parser.add_argument("--only", metavar="PART", help="faults, line or link alone")
    options, results = check.parse(), check.results
    missing = obstacle("ip", "tc", "nft")
    if missing:
        for goal in ("G1", "G2", "G17"):
            results.skip(goal, "nodes on bad networks", missing)
        results.end()
    networks = Networks(options, results)
    try:
        run(networks, options)
    except Trouble as trouble:
        results.row("G1", "what a node does", str(trouble), False)
    results.end()


def run(networks, options):
    if options.size == "quick":
        networks.faults(["calm", "30 % doubled, half reordered", "parted, one link down"])
        return
    if options.only in (None, "faults"):
        networks.faults(list(FAULTS))
    if options.only in (None, "line"):
        networks.line("loopback", 10)
        networks.line("300 ms RTT, 5 % loss", 60, delay=0.15, loss=0.05)
        networks.line_by_itself(60)
    if options.only in (None, "link"):
        networks.narrow_link()


if __name__ == "__main__":
    main()
