"""Kills real daemons at random while edits, imports and syncs go on between two nodes.

In each cycle both nodes are written to over their control sockets and with `parley import`, and
sync with each other meanwhile; then one or both daemons are killed, or the command that imports.
Everything acknowledged is held against both logs once they run again and have synced. Nodes are
replaced every few cycles, so that logs stay short enough to be read whole each time.
"""
import random
import threading
import time

from control import ControlLine
from checks import Check, free_address
from nodes import Node, Trouble
from oracle import Edits, whole_log
from waiting import let_pass

READY_SECONDS = 2.0


class Author(threading.Thread):
    """Writes to one node until its daemon is gone or it is told to stop.

    - goes_on: whether it does so although nobody knows what became of an edit.
    - imports: whether it uses `parley import`, which writes to the home itself without a daemon.
    """

    def __init__(self, node, edits, seed, goes_on=False, imports=True):
        super().__init__(daemon=True)
        self.node, self.edits, self.random = node, edits, random.Random(seed)
        self.goes_on, self.imports = goes_on, imports
        self.may_stop = threading.Event()
        self.trouble = None

    def run(self):
        try:
            with ControlLine(self.node.home) as line:
                while not self.may_stop.is_set():
                    self.write(line)
                    if self.edits.open and not self.goes_on:
                        return
        except ConnectionError:
            return
        except (Trouble, OSError, ValueError, KeyError) as error:
            self.trouble = f"{type(error).__name__}: {error}"

    def write(self, line):
        kind = self.random.random()
        if kind < 0.3:
            record = self.edits.new(line)
            if record:
                self.edits.edit(line, record)
        elif kind < 0.9 or not self.imports:
            self.edits.bulk(line, self.random.randrange(2, 60))
        else:
            self.edits.import_file(self.node, self.random.randrange(100, 400))


class Pair:
    """Two members of a casebook, with the list of each."""

    def __init__(self, check, folder, number):
        self.random, options = check.random, check.options
        self.amal, self.basil = (
            Node(options.programs, f"{folder}/{number}/{name}", name, free_address())
            for name in ("amal", "basil"))
        self.nodes = [self.amal, self.basil]
        self.edits = {node: Edits(node.name) for node in self.nodes}
        # A change says the same on both.
        self.edits[self.basil].contents = self.edits[self.amal].contents
        self.slowest, self.largest = 0, 0

    def found(self, folder):
        self.amal.found()
        self.basil.parley("init", "--name", "basil")
        for node in self.nodes:
            node.start()
        self.amal.admit(self.basil)
        self.basil.parley("sync")

    def cycle(self, kind):
        if kind == "command":
            return self.kill_command()
        authors = [Author(node, self.edits[node], self.random.random()) for node in self.nodes]
        for author in authors:
            author.start()
        let_pass(self.random.uniform(0.01, 0.15))
        victims = self.nodes if kind == "both" else [self.random.choice(self.nodes)]
        for node in victims:
            node.stop(9)
        self.end(authors)
        self.heal(victims)

    def end(self, authors):
        for author in authors:
            author.may_stop.set()
        for author in authors:
            author.join()
            if author.trouble:
                raise Trouble(author.trouble)

    def kill_command(self):
        """The daemon is stopped, and a command that writes to the home itself is killed."""
        self.amal.stop()
        seconds = f"{self.random.uniform(0.01, 0.15):.3f}"
        self.edits[self.amal].import_file(self.amal, 800, ["timeout", "-s", "KILL", seconds])
        self.heal([self.amal])

    def heal(self, victims):
        for node in victims:
            began = time.monotonic()
            if not node.start():
                raise Trouble(f"{node.name} doesn't start: {node.errors()[-600:]}")
            self.slowest = max(self.slowest, time.monotonic() - began)
            if self.slowest > READY_SECONDS:
                raise Trouble(f"{node.name} was ready only after {self.slowest:.2f} s")
        for node in victims:
            self.edits[node].check(node)
            node.verify()
        self.basil.parley("sync")
        for node in self.nodes:
            log = whole_log(node)
            for author in self.nodes:
                self.edits[author].check(node, settles=node is author, log=log)
        self.edits[self.amal].check_same(self.amal, self.basil)

    @property
    def acknowledged(self):
        return sum(edits.acknowledged_ever for edits in self.edits.values())

    def epochs(self):
        """How many epochs began, one a node where none had to."""
        return len({change.partition(":")[0] for change in self.edits[self.amal].contents})

    def stop(self):
        for node in self.nodes:
            if node.daemon:
                node.stop(9)


def main():
    check = Check(__doc__, {
        "cycles": (500, 60, 8, "so many kills"),
        "renewal": (10, 10, 4, "new nodes after so many cycles")})
    options = check.parse()
    figures = {"cycles": 0, "acknowledged": 0, "wrong": 0, "slowest": 0, "epochs": 0, "pairs": 0}
    with check.folder() as folder:
        for number in range(0, options.cycles, options.renewal):
            run_pair(check, folder, number, figures)
    check.results.row(
        "G2", "kill -9 of daemons and commands during edits, imports and syncs",
        f"{figures['cycles']} cycles, {figures['acknowledged']:,} acknowledged edits, "
        f"{figures['wrong']} wrong; {figures['epochs'] - 2 * figures['pairs']} new epochs; "
        f"ready again within {figures['slowest']:.2f} s",
        figures["wrong"] == 0 and (options.size != "full" or figures["acknowledged"] >= 100_000))
    check.results.end()


def run_pair(check, folder, number, figures):
    pair = Pair(check, folder, number)
    try:
        pair.found(folder)
        for cycle in range(number, min(number + check.options.renewal, check.options.cycles)):
            kind = check.random.choice(("one", "one", "both", "command"))
            figures["cycles"] += 1
            pair.cycle(kind)
    except (Trouble, OSError, ValueError, KeyError) as error:
        figures["wrong"] += 1
        print(f"wrong in cycle {cycle} ({kind}): {type(error).__name__}: {error}", flush=True)
    finally:
        pair.stop()
    figures["acknowledged"] += pair.acknowledged
    figures["slowest"] = max(figures["slowest"], pair.slowest)
    figures["epochs"] += pair.epochs()
    figures["pairs"] += 1


if __name__ == "__main__":
    main()
