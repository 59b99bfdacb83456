#!/usr/bin/env python3
"""The reader in this folder as a member among real nodes."""
import argparse
import json
import pathlib
import sys
import tempfile
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "Tests" / "Assurance"))

from nodes import Node as RealNode, Trouble  # noqa: E402
from results import Results  # noqa: E402

import batches  # noqa: E402
import messages  # noqa: E402
from casebook import Refused, clock_digest  # noqa: E402
from changes import (ADD, DELETED, FOUNDING, PAYLOAD, REASON, RESOLVE, SET_STATE,  # noqa: E402
                     TEXT, WRITE, Group, Operation)
from peer import Closed, Node, Session, Violation  # noqa: E402


def title(text, kind=WRITE, drops=()):
    return Operation(kind, 0, b"title", ((TEXT, text.encode()),), tuple(drops))


def expect(condition, what):
    if not condition:
        raise Trouble(what)


class Meeting:
    """Two real nodes of one casebook, and nodes of the reader that join them."""

    def __init__(self, programs, folder):
        self.anna = RealNode(programs, f"{folder}/anna", "anna").found()
        self.boris = RealNode(programs, f"{folder}/boris", "boris")
        self.folder = folder

    def end(self):
        for node in (self.anna, self.boris):
            if node.daemon:
                node.stop()

    # What is done again and again

    def invitation(self):
        code = self.anna.ask("invite", "--role", "editor", "--address", self.anna.address)["code"]
        return messages.decode_invitation(code)

    def joined(self, name):
        """A new node of the reader, with its session to anna's node, both at one."""
        identity, inviter, secret, _, address = self.invitation()
        node = Node(identity)
        session = Session(node, address.decode(), inviter)
        role = session.join(secret, name.encode())
        expect(role == "editor", f"joined as {role}")
        return node, self.at_one(session)

    def connected(self, node, real):
        return self.at_one(Session(node, real.address, self.key(real)))

    def at_one(self, session):
        """Greets, and goes on until both sides have everything."""
        session.greet()
        session.until(lambda: session.peer_caught_up)
        session.settle()
        return session

    def settle(self):
        """Sends what the reader's node wrote, and takes in what has come."""
        self.session.send_missing()
        self.session.settle()
        return self.compare(self.node, self.anna)

    def key(self, real):
        return bytes.fromhex(real.ask("status")["node"])

    def compare(self, node, real):
        """Raises unless both have the same merged casebook."""
        ours, theirs = node.casebook.digest().hex(), real.digest()
        expect(ours == theirs, f"the digests differ: {ours}, {real.name}: {theirs}")
        return f"{len(node.casebook.applied)} changes, {len(node.casebook.records())} records"

    # What is checked, in this order

    def reads(self):
        """A casebook with most kinds of changes in it, more than plain columns hold."""
        self.anna.start()
        self.boris.parley("init", "--name", "boris")
        self.boris.start()
        self.anna.admit(self.boris)
        self.boris.parley("sync")
        self.boris.stop()
        line = "the driver said that convoy {0} was seen near the bridge at {0} again "
        self.anna.parley("import", "-", text="".join(json.dumps({"type": "note", "fields": {
            "title": f"Call {index}", "note": line.format(index) * 4,
            "tags": ["phone", f"week {index % 7}"]}}) + "\n" for index in range(600)))
        self.person = self.anna.ask("new", "person", "name=Iryna", "names+=Ira")["record"]
        self.anna.parley("edit", self.person, "name=Iryna K.", "occupation=nurse", "names+=Irka",
                         "names-=Ira", "--because", "told by her brother")
        self.anna.parley("delete", self.anna.new("to be deleted")["record"], "--yes")
        self.node, self.session = self.joined("reference")
        shown = self.compare(self.node, self.anna)
        expect(self.session.peer_caught_up == clock_digest(self.node.casebook.applied_clock),
               "caught up with another clock")
        return f"{shown} from {len(self.node.casebook.stored)} batches"

    def writes(self):
        self.note = self.node.create(b"note", [title("from afar")], reason=b"heard on the radio")
        self.node.edit(self.note, [title("from afar, edited"),
                                   Operation(ADD, 0, b"tags", ((TEXT, b"radio"),), ())])
        shown = self.settle()
        row = next(row for row in self.anna.rows("list", "note")
                   if row["title"] == "from afar, edited")
        expect(row["fields"]["tags"] == ["radio"], f"listed as {row}")
        self.record = row["record"]
        expect("from afar, edited" in self.anna.parley("show", self.record).output, "not shown")
        self.anna.verify()
        return shown

    def hears(self):
        count = len(self.node.casebook.applied)
        self.anna.new("written meanwhile")
        self.session.until(lambda: len(self.node.casebook.applied) > count)
        return self.settle()

    def disagrees(self):
        """Both edit one field unseen; then the reader's node settles it."""
        ours = self.node.edit(self.note, [title("ours")])
        self.anna.parley("edit", self.record, "title=theirs")
        self.settle()
        count = len(self.anna.rows("conflict", "list"))
        expect(count == 1, f"{count} conflicts")
        theirs = self.node.casebook.applied[-1]
        drops = [(*held.dot[:2], None) for held in (ours, theirs)]
        self.node.edit(self.note, [title("settled", RESOLVE, drops)])
        shown = self.settle()
        expect(not self.anna.rows("conflict", "list"), "the conflict stays")
        return shown

    def deletes(self):
        self.node.edit(self.note, [Operation(SET_STATE, 0, b"", ((DELETED, b""),), ())])
        shown = self.settle()
        expect("settled" not in self.anna.titles(), "the note is still listed")
        return shown

    def returns(self):
        """Further sessions: with equal clocks, with a clock remembered, with one forgotten."""
        self.session.close()
        self.session = Session(self.node, self.anna.address, self.key(self.anna))
        self.session.greet()
        self.session.settle()
        expect("clock" not in self.session.received, "clocks in spite of equal digests")
        self.session.close()
        self.anna.new("while nobody listened")
        self.session = self.connected(self.node, self.anna)
        pages = self.session.received.count("clock")
        expect(pages == 1, f"{pages} clocks")
        self.session.close()
        self.anna.new("while memory was lost")
        self.node.remembered.clear()
        self.session = self.connected(self.node, self.anna)
        expect(self.session.has_asked, "no clock request although the clock was forgotten")
        return self.compare(self.node, self.anna)

    def introduces_itself(self):
        """Shows its ticket to a node that hasn't heard of its admission, and brings that along."""
        self.session.close()
        self.anna.stop()
        self.boris.start()
        session = Session(self.node, self.boris.address, self.key(self.boris))
        session.send("ticket", *self.node.ticket)
        self.at_one(session)
        shown = self.compare(self.node, self.boris)
        session.close()
        return shown

    def forks(self):
        """One key at two places writes two branches; everybody holds both."""
        twin = Node(self.node.casebook.identity, self.node)
        twin.create(b"note", [title("one branch")])
        self.node.create(b"note", [title("the other branch")])
        self.connected(twin, self.boris).close()
        session = self.connected(self.node, self.boris)
        expect("locator" in session.received, "no locator of the other branch")
        self.compare(self.node, self.boris)
        session.close()
        self.anna.start()
        self.session = self.connected(self.node, self.anna)
        self.boris.parley("sync")
        wait_for(lambda: self.anna.digest() == self.boris.digest(), "the real nodes differ")
        self.session.settle()
        shown = self.compare(self.node, self.anna)
        expect(len(self.node.casebook.clock[self.node.origin]) == 2, "one branch only")
        expect({"one branch", "the other branch"} <= set(self.anna.titles()), "a branch is missing")
        self.node.begin_epoch()
        return shown

    def forgets(self):
        """A redaction and an erasure, for who held it all and for who comes later."""
        self.anna.parley("redact", self.person, "name", "--basis", "asked for", "--yes")
        self.session.settle()
        self.compare(self.node, self.anna)
        self.anna.parley("erase", self.anna.new("to be erased")["record"], "--basis", "asked for",
                         "--yes")
        self.settle()
        newcomer, session = self.joined("newcomer")
        shown = self.compare(newcomer, self.anna)
        session.close()
        return shown

    def loses_its_role(self):
        """What it writes as an editor without knowing that it is a reader counts nowhere."""
        self.node.create(b"note", [title("unseen")])
        self.anna.parley("peer", "role", self.node.id.hex(), "reader")
        shown = self.settle()
        expect("unseen" not in self.anna.titles(), "it counts")
        return shown

    def is_shut_out(self):
        guest, session = self.joined("guest")
        guest.create(b"note", [title("by a guest")])
        session.send_missing()
        session.settle()
        self.anna.parley("peer", "revoke", guest.id.hex(), "--yes")
        ended(lambda: session.until(lambda: False), 10)
        ended(lambda: self.connected(guest, self.anna), None)
        self.settle()
        return "code 10, and no session after it"

    def is_refused(self):
        """What breaks the protocol ends the session with the code of section 16."""
        stranger = Node(self.node.casebook.identity)
        ended(lambda: self.connected(stranger, self.anna), None, 6)
        identity, inviter, secret, _, _ = self.invitation()
        Session(stranger, self.anna.address, inviter).join(secret, b"once")
        ended(lambda: Session(Node(identity), self.anna.address, inviter).join(secret, b"twice"), 6)
        try:
            Session(stranger, self.anna.address, bytes(32))
            raise Trouble("another key than the expected one was taken")
        except Violation:
            pass
        for name, (code, send) in VIOLATIONS.items():
            node, session = self.joined(name)
            try:
                # Not a ping: its pong may come before a batch has been looked at.
                ended(lambda: send(node, session) or session.until(lambda: False), code)
            except (Trouble, OSError) as trouble:
                raise Trouble(f"{name}: {trouble}") from None
        for name, send in HARMLESS.items():
            node, session = self.joined(name)
            send(node, session)
            session.settle()
            wait_for(lambda: node.casebook.digest().hex() == self.anna.digest(),
                     f"{name}: the digests differ")
            session.close()
        self.anna.verify()
        return (f"{len(VIOLATIONS)} violations end as they must, {len(HARMLESS)} oddities do no "
                f"harm, another key isn't talked to")


def batch_sent(write, change=lambda data: data):
    """Sends the last batch after writing something, changed in some way."""
    def send(node, session):
        write(node)
        session.send("batch", 0, change(node.casebook.stored[-1][0]))

    return send


def a_note(node):
    return node.create(b"note", [title("a note")])


def two_changes(node):
    node.edit(a_note(node), [title("edited")])


def without_signature(data):
    return batches.encode(batches.decode(data)._replace(signature=bytes(64)))


def without_salts(data):
    return batches.encode(batches.decode(data)._replace(salts=[(1, [])]))


def by_a_stranger(node, session):
    """Signed by a key that nobody admitted, which says that it knew nothing."""
    stranger = Node(node.casebook.identity)
    session.send("batch", 0, stranger.packed(Group(REASON, 0, None, PAYLOAD, b"", (), b"x"))[0])


def founding_again(node, session):
    founding = messages.encode_payload("founding", 1, bytes(16), b"a", b"b", b"casework", 1)
    data, _ = node.packed(Group(FOUNDING, 0, None, PAYLOAD, b"", (), founding))
    session.send("batch", 0, data)


def sent(*message):
    return lambda node, session: session.send(*message)


def raw(data):
    return lambda node, session: session.socket.sendall(data)


ORIGIN, TIPS = bytes(40), [(1, bytes(16))]

# By what breaks the protocol: the code that ends the session, and how it is done.
VIOLATIONS = {
    "a forged signature": (5, batch_sent(a_note, without_signature)),
    "salts missing": (5, batch_sent(a_note, without_salts)),
    "a founding again": (5, founding_again),
    "a batch cut short": (3, batch_sent(a_note, lambda data: data[:-1])),
    "a gap in a log": (4, batch_sent(two_changes)),
    "a log by a stranger": (4, by_a_stranger),
    "a second hello": (4, sent("hello", 1, 0, 0, 1, [])),
    "a clock out of place": (4, sent("clock", 0, 0, [])),
    "a casebook that wasn't named": (4, sent("caught up", 1, bytes(16))),
    "a join within a session": (4, sent("join", bytes(32), bytes(16), b"x")),
    "an empty frame": (None, raw(bytes(4))),
    "a frame too large": (None, raw(bytes([0, 8, 0, 1]))),
    "a ping cut short": (3, raw(bytes([0, 0, 0, 2, 9, 0]))),
    "a clock with unknown flags": (3, raw(bytes([0, 0, 0, 4, 2, 0, 4, 0]))),
    "a want from 0": (3, sent("want", 0, ORIGIN, 0, 1)),
}
# What a receiver skips or ignores.
HARMLESS = {
    "a tag that isn't known": raw(bytes([0, 0, 0, 3, 0x7f, 1, 2])),
    "an acknowledgement of an unknown log": sent("acknowledgement", 0, [(ORIGIN, TIPS)]),
    "a locator of an unknown log": sent("locator", 0, ORIGIN, TIPS),
    "a want of an unknown log": sent("want", 0, ORIGIN, 1, 9),
    "an address of no member": sent("addresses", 0, [(bytes(32), 1, b"nowhere:1")]),
    "an address that is none": sent("addresses", 0, [(bytes(32), 1, b"\x00")]),
    "a second caught up": sent("caught up", 0, bytes(16)),
    "a deflated batch": batch_sent(a_note, lambda data: batches.encode(batches.decode(data), 1)),
    "a batch again": lambda node, session: [
        batch_sent(lambda node: None)(node, session) for _ in range(2)],
    "a group that isn't known": batch_sent(lambda node: node.write(
        Group(200, 0, None, PAYLOAD, b"", (), b"\xff"))),
    "a change of nothing": batch_sent(lambda node: node.write()),
}


def ended(act, *codes):
    """Raises unless the other side ends the session, with one of these codes."""
    try:
        act()
    except Closed as closed:
        expect(closed.code in codes, f"closed with {closed.code} and not {codes}")
    else:
        raise Trouble("the session goes on")


def wait_for(condition, complaint, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        expect(time.monotonic() < deadline, complaint)
        time.sleep(0.2)


CHECKS = [
    ("joins, reads everything", Meeting.reads), ("writes, edits", Meeting.writes),
    ("hears of changes at once", Meeting.hears), ("a conflict and its settling", Meeting.disagrees),
    ("deletes", Meeting.deletes), ("further sessions", Meeting.returns),
    ("shows its ticket", Meeting.introduces_itself), ("a forked log", Meeting.forks),
    ("redaction and erasure", Meeting.forgets), ("another role", Meeting.loses_its_role),
    ("revocation", Meeting.is_shut_out), ("violations", Meeting.is_refused),
]


def main():
    parser = argparse.ArgumentParser(
        description="Starts two real nodes, joins them with the reader in this folder by an "
                    "invitation, and exchanges changes in both directions. After each step the "
                    "reader's casebook digest must be the one that `parley status` shows. Exit "
                    "code 0 where all of it holds, 1 otherwise.")
    parser.add_argument("--programs", required=True, metavar="DIR",
                        help="a folder with parley and parleyd")
    parser.add_argument("--results", metavar="FILE", help="add rows for Protocol/assurance.md")
    options = parser.parse_args()
    results = Results("Scripts/assure --only reference", options.results)
    with tempfile.TemporaryDirectory() as folder:
        meeting = Meeting(options.programs, folder)
        try:
            for name, check in CHECKS:
                results.row("reference", name, check(meeting), True)
        except (Closed, Refused, Trouble, Violation, OSError) as trouble:
            results.row("reference", name, f"{type(trouble).__name__}: {trouble}", False)
            print(meeting.anna.errors()[-2000:], file=sys.stderr)
        finally:
            meeting.end()
    results.end()


if __name__ == "__main__":
    main()
