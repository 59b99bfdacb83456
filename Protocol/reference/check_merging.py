#!/usr/bin/env python3
"""Random changes of several writers, merged by a real node and by the reader in this folder."""
import argparse
import random
import tempfile
import time

import messages
from changes import (ADD, ADMISSION, CASEBOOK, CREATED, CUT, DELETED, ERASURE, EXISTING, LIVE,
                     OPERATIONS, PAYLOAD, REASON, RECORD, REDACTION, REMOVE, RESOLVE,
                     RESOLVE_STATE, SET_STATE, TEXT, WRITE, Group, Operation)
from casebook import Refused
from check_sync import RealNode, Results, Trouble, expect
from peer import Closed, Node, Session, Violation

FIELDS = [b"title", b"tags", b"occupation"]
TEXTS = [b"", b"a", b"b", "é".encode(), "e\u0301".encode(), b"one two"]
STATES = [(LIVE, b""), (DELETED, b"")]
UNKNOWN_OPERATION, UNKNOWN_GROUP = 77, 200
COORDINATOR, EDITOR, READER = 1, 2, 3


class Writer:
    """A node of the reader that writes whatever comes to its mind."""

    def __init__(self, draw, node):
        self.draw, self.node, self.book = draw, node, node.casebook

    def chance(self, share):
        return self.draw.random() < share

    def reference(self, held):
        """To a change that is applied; long where its number alone could mean another one."""
        is_ambiguous = len(self.book.logs[held.dot[0]][held.dot[1]]) > 1
        return (*held.dot[:2], held.dot[2] if is_ambiguous or self.chance(0.1) else None)

    def write(self):
        """One change: of records, and now and then of what belongs to the whole casebook."""
        places = list(self.book.places())
        role = self.book.role(self.node.id, self.book.applied_clock)
        if role == COORDINATOR and self.chance(0.35):
            groups = self.decision(places)
        else:
            subjects = self.draw.sample([None, None, *places], min(len(places) + 2,
                                                                   self.draw.randint(1, 3)))
            groups = [self.group(place, places) for place in subjects]
        if self.chance(0.2):
            groups.append(payload(REASON, b"because"))
        if self.chance(0.05):
            groups.append(payload(UNKNOWN_GROUP, b"\xff"))
        self.node.write(*groups)

    def group(self, place, places):
        cells, operations = set(), []
        for _ in range(self.draw.choice([0, 1, 1, 1, 2, 3])):
            operation = self.operation(places)
            # No cell twice in one group: here, no field twice, of registers and sets alike.
            if operation.field not in cells:
                cells.add(operation.field)
                operations.append(operation)
        if place is None:
            kind = self.draw.choice([b"note", b"person", b"zebra"])
            return Group(RECORD, CREATED, None, OPERATIONS, kind, tuple(operations), b"")
        creator, number = place
        record = self.reference(creator), number
        return Group(RECORD, EXISTING, record, OPERATIONS, b"", tuple(operations), b"")

    def operation(self, places):
        kind = self.draw.choices(
            [WRITE, RESOLVE, ADD, REMOVE, SET_STATE, RESOLVE_STATE, UNKNOWN_OPERATION],
            [8, 4, 5, 4, 2, 2, 0.4])[0]
        if kind == SET_STATE:
            return Operation(kind, 0, b"", (self.draw.choice(STATES),), ())
        if kind == RESOLVE_STATE:
            states = tuple(self.draw.sample(STATES, self.draw.randint(1, 2)))
            return Operation(kind, 0, b"", states, self.drops())
        texts = self.draw.sample([(TEXT, text) for text in TEXTS], self.draw.choice([1, 1, 1, 2]))
        if kind in (WRITE, RESOLVE) and self.chance(0.2):
            texts[0] = (0, b"")
        return Operation(kind, int(self.chance(0.5)), self.draw.choice(FIELDS), tuple(texts),
                         self.drops() if kind == RESOLVE else ())

    def drops(self):
        """Mostly of changes that were written lately, which may or may not stand in the cell."""
        recent = self.book.applied[-12:]
        chosen = self.draw.sample(recent, min(len(recent), self.draw.randint(1, 6)))
        return tuple(self.reference(held) for held in chosen)

    def decision(self, places):
        """What only coordinators write."""
        kind = self.draw.choice([ERASURE, REDACTION, CUT, CUT, ADMISSION])
        if kind in (ERASURE, REDACTION):
            if not places:
                return []
            creator, number = self.draw.choice(places)
            record = self.reference(creator), number
            what = [] if kind == ERASURE else [self.draw.choice(FIELDS)]
            name = "redaction" if what else "erasure"
            return [payload(kind, messages.encode_payload(name, record, *what, b"asked for"))]
        others = {origin[:32] for origin in self.book.applied_clock} - self.protected()
        if not others:
            return []
        node = self.draw.choice(sorted(others))
        groups = []
        if kind == CUT:
            tips = {origin: self.cut_tips(origin) for origin in self.book.applied_clock
                    if origin[:32] == node and self.chance(0.8)}
            groups.append(payload(CUT, messages.encode_payload("cut", node, tips)))
        if kind == ADMISSION or self.chance(0.85):
            role = self.draw.choice([COORDINATOR, EDITOR, EDITOR, READER])
            groups.append(payload(ADMISSION, messages.encode_payload(
                "admission", node, role, b"renamed")))
        return groups

    def protected(self):
        """The founder, over whose node everybody meets, and the writer itself."""
        return {self.book.applied[0].node, self.node.id}

    def cut_tips(self, origin):
        """The end of a log, or an earlier change of it."""
        tip = self.book.held[origin, *self.draw.choice(self.book.applied_clock[origin])]
        chain = list(self.book.ancestors(tip))
        return [self.draw.choice([chain[0], self.draw.choice(chain[:8])]).dot[1:]]


def payload(kind, data):
    return Group(kind, CASEBOOK, None, PAYLOAD, b"", (), data)


class Gathering:
    """A real node and the writers that meet over it."""

    def __init__(self, real, seed):
        self.real, self.draw = real, random.Random(seed)
        self.key = bytes.fromhex(real.ask("status")["node"])
        self.writers, self.gone = [], 0

    def admit(self, role):
        code = self.real.ask("invite", "--role", role, "--address", self.real.address)["code"]
        identity, inviter, secret, _, address = messages.decode_invitation(code)
        node = Node(identity, randomness=self.draw.randbytes)
        session = Session(node, address.decode(), inviter)
        session.join(secret, b"writer")
        self.exchange(node, session)
        self.writers.append(Writer(self.draw, node))

    def exchange(self, node, session=None):
        """Brings both sides to one, and compares what they make of it."""
        session = session or Session(node, self.real.address, self.key)
        session.greet()
        session.until(lambda: session.peer_caught_up)
        session.settle()
        # The real node's own work, receipts above all, may come a moment after its causes.
        deadline = time.monotonic() + 20
        while node.casebook.digest().hex() != self.real.digest():
            expect(time.monotonic() < deadline, "the digests differ")
            session.settle()
        session.close()
        if len(node.casebook.clock.get(node.origin, [])) > 1:
            node.begin_epoch()

    def round(self):
        for writer in self.draw.sample(self.writers, len(self.writers)):
            for _ in range(self.draw.randint(0, 4)):
                writer.write()
            if self.draw.random() < 0.2:
                writer.node.begin_epoch()
            if self.draw.random() < 0.6:
                self.meet(writer)
        if self.draw.random() < 0.15:
            original = self.draw.choice(self.writers).node
            twin = Node(original.casebook.identity, original, self.draw.randbytes)
            self.writers.append(Writer(self.draw, twin))

    def meet(self, writer):
        try:
            self.exchange(writer.node)
        except Closed as closed:
            # Revoked, of which the reader's node needn't have heard.
            expect(closed.code in (None, 6, 10), str(closed))
            self.writers.remove(writer)
            self.gone += 1

    def last_round(self):
        for writer in list(self.writers) * 2:
            if writer in self.writers:
                self.meet(writer)
        newcomer = "editor"
        self.admit(newcomer)


def check(programs, seed, rounds):
    """A figure of what was compared; raises where the two differ."""
    with tempfile.TemporaryDirectory() as folder:
        real = RealNode(programs, f"{folder}/anna", "anna").found()
        try:
            real.start()
            gathering = Gathering(real, seed)
            for role in ("coordinator", "coordinator", "editor", "editor"):
                gathering.admit(role)
            for _ in range(rounds):
                gathering.round()
            gathering.last_round()
            real.verify()
            book = gathering.writers[-1].book
            forks = sum(len(tips) > 1 for tips in book.clock.values())
            return (f"{len(book.applied)} changes of {len(book.clock)} logs, {forks} forked, "
                    f"{len(book.void_changes())} void, {len(book.records())} records, "
                    f"{gathering.gone} writers shut out")
        finally:
            real.stop()


def main():
    parser = argparse.ArgumentParser(
        description="Several nodes of the reader in this folder write random changes apart from "
                    "each other: edits, resolutions, unknown kinds, erasures, redactions, roles, "
                    "revocations, forked logs. They meet over one real node. After each meeting "
                    "both sides' casebook digests must be the same. Exit code 0 where they are, 1 "
                    "otherwise.")
    parser.add_argument("--programs", required=True, metavar="DIR",
                        help="a folder with parley and parleyd")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="the first seed")
    parser.add_argument("--count", type=int, default=3, metavar="N", help="how many seeds")
    parser.add_argument("--rounds", type=int, default=20, metavar="N", help="rounds for a seed")
    parser.add_argument("--results", metavar="FILE", help="add rows for Protocol/assurance.md")
    options = parser.parse_args()
    results = Results("Scripts/assure --only reference", options.results)
    for seed in range(options.seed, options.seed + options.count):
        try:
            figure, met = check(options.programs, seed, options.rounds), True
        except (Closed, Refused, Trouble, Violation, OSError) as trouble:
            figure, met = f"{type(trouble).__name__}: {trouble}", False
        results.row("reference", f"random changes, seed {seed}", figure, met)
    results.end()


if __name__ == "__main__":
    main()
