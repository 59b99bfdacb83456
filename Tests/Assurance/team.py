"""Several nodes on a wiring that write, and what they were promised."""
import contextlib
import json
import os
import random
import threading
import time

from nodes import Node, Trouble
from waiting import let_pass, until


class Team:
    """Nodes of one casebook, one in each namespace; their daemons end when the block is left."""

    def __init__(self, programs, folder, wiring):
        self.wiring = wiring
        self.nodes = [Node(programs, os.path.join(folder, f"node{number}"), f"node{number}",
                           listen=wiring.listen(number))
                      for number in range(len(wiring.names))]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for node in self.nodes:
            try:
                node.stop()
            except Trouble as trouble:
                print(trouble, flush=True)

    def start(self):
        for number, node in enumerate(self.nodes):
            if node.start(before=self.wiring.inside(number)) is None:
                raise Trouble(f"{node.name}: the daemon ended at once: {node.errors()}")

    def stop(self):
        for node in self.nodes:
            node.stop()

    def gather(self):
        """The first founds the casebook and admits the others; all know where all are."""
        self.nodes[0].found()
        for node in self.nodes[1:]:
            node.parley("init", "--name", node.name)
        self.start()
        for node in self.nodes[1:]:
            self.nodes[0].admit(node)
        self.await_equality(60)
        for node in self.nodes:
            for other in self.nodes:
                if other is not node:
                    node.parley("peer", "add", other.name, other.address)

    def digests(self):
        return [node.digest() for node in self.nodes]

    def await_equality(self, patience, start=None):
        """Waits until all digests and clocks are equal; returns the seconds, `None` if too long."""
        start = start or time.monotonic()
        rest = patience - (time.monotonic() - start)
        return time.monotonic() - start if until(self.are_equal, rest, every=0.05) else None

    def are_equal(self):
        states = [node.ask("status")["casebooks"] for node in self.nodes]
        return all(states) and len({(state[0]["digest"], json.dumps(state[0]["clock"]))
                                    for state in states}) == 1

    def connections(self):
        """How many directions of sessions stand, as the nodes see them."""
        return sum(peer["connected"] for node in self.nodes for peer in node.ask("status")["peers"])


class Promises:
    """What was acknowledged to whoever typed it."""

    def __init__(self):
        self.lock = threading.Lock()
        self.titles, self.tags, self.changes = set(), set(), set()
        self.imported = 0
        self.own = {}
        self.last = time.monotonic()

    @property
    def count(self):
        return len(self.changes) + self.imported

    @contextlib.contextmanager
    def note(self):
        """Around what is noted once it was acknowledged."""
        with self.lock:
            yield
            self.last = time.monotonic()

    def broken(self, node):
        """What isn't there, in words; empty where all is."""
        faults = []
        notes = node.rows("list", "note")
        titles = [note["title"] for note in notes]
        shared = [note["record"] for note in notes if note["title"].startswith("shared")]
        faults += [f"{node.name} lacks note {title}" for title in self.titles - set(titles)]
        if len(titles) != len(set(titles)):
            faults.append(f"{node.name} shows a note twice")
        tags = node.ask("show", shared[0])["fields"].get("tags", []) if shared else []
        faults += [f"{node.name} lacks tag {tag}" for tag in self.tags - set(tags)]
        log = {row["change"] for row in node.ask("log", "--limit", "0")}
        faults += [f"{node.name} lacks change {change}" for change in self.changes - log]
        for record, value in self.own.items():
            shown = node.ask("show", record)["fields"].get("note")
            if shown != value:
                faults.append(f"{node.name} shows {shown!r} in {record}, not {value!r}")
        return faults


class Writers:
    """Edits going on at all nodes at once, as people make them: one after the other on each."""

    def __init__(self, team, promises, seed, burst):
        self.team, self.promises, self.burst = team, promises, burst
        self.seed, self.round = seed, 0
        self.shared = team.nodes[0].new("shared")["record"]
        self.own = {}

    def prepare(self):
        """Gives each node a record that it alone edits."""
        for node in self.team.nodes:
            self.own[node.name] = self.new(node, f"{node.name} own")

    def write(self, seconds):
        """Writes on all nodes for some time; raises what went wrong in any."""
        self.round += 1
        self.trouble = []
        deadline = time.monotonic() + seconds
        threads = [threading.Thread(target=self.work, args=(number, deadline))
                   for number in range(len(self.team.nodes))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self.trouble:
            raise self.trouble[0]

    def work(self, number, deadline):
        chance = random.Random(f"{self.seed} {self.round} {number}")
        node, step = self.team.nodes[number], 0
        try:
            while time.monotonic() < deadline:
                step += 1
                self.edit(node, f"{node.name}-{self.round}-{step}", chance)
                let_pass(chance.uniform(0.05, 0.4))  # A person's pause.
        except Trouble as trouble:
            self.trouble.append(trouble)

    def edit(self, node, word, chance):
        draw = chance.random()
        if draw < 0.35:
            self.new(node, word)
        elif draw < 0.6:
            self.tag(node, word)
        elif draw < 0.8:
            self.rewrite(node, word)
        elif draw < 0.9:
            self.contest(node, word)
        else:
            self.load(node, word)

    # Each notes what was acknowledged.

    def new(self, node, word):
        answer = node.new(word)
        with self.promises.note():
            self.promises.titles.add(word)
            self.promises.changes.add(answer["change"])
        return answer["record"]

    def tag(self, node, word):
        answer = node.ask("edit", self.shared, f"tags+={word}")
        with self.promises.note():
            self.promises.tags.add(word)
            self.promises.changes.add(answer["change"])

    def rewrite(self, node, word):
        record = self.own[node.name]
        answer = node.ask("edit", record, f"note={word}")
        with self.promises.note():
            self.promises.own[record] = word
            self.promises.changes.add(answer["change"])

    def contest(self, node, word):
        """Where the field is in conflict already an edit is refused, and promises nothing."""
        answer = node.run("edit", self.shared, f"title=shared {word}", "--json")
        if answer.code == 0:
            with self.promises.note():
                self.promises.changes.add(answer.json["change"])
        elif answer.code != 1 or "conflict" not in answer.errors:
            raise Trouble(f"{node.name}: edit of a contested field: {answer.code} {answer.errors}")

    def load(self, node, word):
        titles = [f"{word}-{number}" for number in range(self.burst)]
        lines = "".join(json.dumps({"type": "note", "fields": {"title": title}}) + "\n"
                        for title in titles)
        answer = node.ask("import", "-", text=lines)
        if answer["created"] != self.burst:
            raise Trouble(f"{node.name}: {answer['created']} of {self.burst} lines went in")
        with self.promises.note():
            self.promises.titles.update(titles)
            self.promises.imported += self.burst
