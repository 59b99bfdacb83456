"""The list of edits that a driver keeps outside the nodes, and what nodes are held against.

Three words for an edit. *Acknowledged*: its answer arrived and said done; it must be there for
ever. *Refused*: the answer said that nothing was written (exit 1); it must never be there. *Open*:
no answer, or one that says nobody knows (exit 7); it is there whole or not at all, and what a
restart finds of it stays so.
"""
import json

from control import assignment
from nodes import Trouble

DONE = (0, 4)
REFUSED = 1


def numbers(ranges, last):
    """The numbers in a text like `3,7-9,20-`."""
    found = set()
    for part in filter(None, (ranges or "").split(",")):
        first, dash, end = part.partition("-")
        found.update(range(int(first), (int(end or last) if dash else int(first)) + 1))
    return found


def whole_log(node):
    return node.ask("log", "--limit", "0")


class Edits:
    """All edits of one world of nodes. Each is known by a token, a text that occurs nowhere else.

    - last: the last answer, `None` where none came.
    - contents: what each change says, by its ID, as first seen anywhere; an erased one says
      nothing.
    """

    def __init__(self, prefix="t"):
        self.prefix, self.count = prefix, 0
        self.acknowledged, self.open, self.refused = {}, {}, {}
        self.contents = {}
        self.acknowledged_ever = 0
        self.last = None

    def token(self):
        self.count += 1
        return f"{self.prefix}-{self.count:07}"

    # Edits

    def new(self, line):
        """A note of three fields. Returns its record, `None` where that isn't known."""
        token = self.token()
        reply = self.send(line, [token], "new", type="note", because=f"because {token}",
                          assignments=[assignment("title", token), assignment("note", token * 20),
                                       assignment("tags", token, "+=")])
        return reply.json["record"] if reply and reply.code in DONE else None

    def edit(self, line, record):
        """Overwrites two fields of a record."""
        token = self.token()
        return self.send(line, [token], "edit", record=record,
                         assignments=[assignment("title", token), assignment("note", token * 20)])

    def bulk(self, line, count):
        """Some records in one request, which goes in whole or not at all."""
        tokens = [self.token() for _ in range(count)]
        lines = [json.dumps({"type": "note", "fields": {"title": token, "note": token * 20}})
                 for token in tokens]
        return self.send(line, tokens, "importLines", firstLine=1, lines=lines)

    def import_file(self, node, count, prefix=()):
        """`parley import` of so many lines, whose last words say what became of each.

        - prefix: words before the command, for instance those that end it in time.
        """
        tokens = [self.token() for _ in range(count)]
        groups = [self.open_group([token]) for token in tokens]
        answer = node.run("import", "-", "--json", before=prefix, text="".join(
            json.dumps({"type": "note", "fields": {"title": token, "note": token * 20}}) + "\n"
            for token in tokens))
        if not answer.output.endswith("\n"):
            return
        total = answer.json
        unknown = numbers(total.get("unknown"), count)
        missing = numbers(total.get("missing"), count)
        for number, group in enumerate(groups, 1):
            if number in missing:
                self.refuse(group, f"parley import: line {number} isn't in")
            elif number not in unknown:
                self.acknowledge(group)

    def send(self, line, tokens, request, **fields):
        """Returns the reply, `None` where none came."""
        group = self.open_group(tokens)
        try:
            reply = self.last = line.ask(request, **fields)
        except ConnectionError:
            self.last = None
            return None
        if reply.code in DONE:
            change = reply.json.get("change")
            self.acknowledge(group, change)
        elif reply.code == REFUSED:
            self.refuse(group, reply.error)
        return reply

    def open_group(self, tokens):
        group = tuple(tokens)
        for token in group:
            self.open[token] = group
        return group

    def acknowledge(self, group, change=None):
        for token in group:
            del self.open[token]
            self.acknowledged[token] = change
        self.acknowledged_ever += len(group)

    def refuse(self, group, reason):
        for token in group:
            del self.open[token]
            self.refused[token] = reason

    def erase(self, token, is_certain=True):
        """An edit was taken out on purpose, or may have been."""
        change = self.acknowledged.pop(token)
        if is_certain:
            self.refused[token] = f"erased, with {change}"

    # Checks

    def check(self, node, settles=True, log=None):
        """Holds a node's log against the list.

        - settles: whether what this node holds decides about open edits: it made them.
        - log: what the node said of its log a moment ago.
        """
        found = self.read_log(node, log)
        lost = [token for token in self.acknowledged if token not in found]
        if lost:
            raise Trouble(f"{node.name}: {len(lost)} acknowledged edits are lost, {lost[:3]}")
        for token, change in self.acknowledged.items():
            if change and found[token] != change:
                raise Trouble(f"{node.name}: {token} was acknowledged as {change}, "
                              f"and is {found[token]}")
        if settles:
            self.settle(node, found)

    def settle(self, node, found):
        risen = [token for token in self.refused if token in found]
        if risen:
            raise Trouble(f"{node.name}: {risen[0]} is there, and its answer was "
                          f"{self.refused[risen[0]]!r}")
        for group in set(self.open.values()):
            there = [token for token in group if token in found]
            if there and len(there) < len(group):
                raise Trouble(f"{node.name}: {len(there)} of {len(group)} edits of one request "
                              f"are there: {group[0]}")
            if there:
                for token in group:
                    self.acknowledged[token] = found[token]
                    del self.open[token]
            else:
                self.refuse(group, "not there after the restart")

    def read_log(self, node, log=None):
        """Each token with the change that wrote it, after the log's own rules were checked."""
        found, seen = {}, set()
        for change in log or whole_log(node):
            name = change["change"]
            if name in seen:
                raise Trouble(f"{node.name}: {name} is in the log twice")
            seen.add(name)
            token = self.check_content(node, name, change)
            if token:
                if token in found:
                    raise Trouble(f"{node.name}: {token} is in {found[token]} and {name}")
                found[token] = name
        return found

    def check_content(self, node, name, change):
        """A change says the same for ever, on every node, and all of it."""
        values = {operation["field"]: operation["value"] for operation in change["operations"]}
        if any(operation["op"] == "erased" for operation in change["operations"]):
            return None
        text = json.dumps([change["node"], change["at"], change["because"], change["operations"]])
        if self.contents.setdefault(name, text) != text:
            raise Trouble(f"{node.name}: {name} says {text}, and was {self.contents[name]}")
        token = values.get("title")
        if token is None or not str(token).startswith(self.prefix + "-"):
            return None
        if values.get("note") != token * 20:
            raise Trouble(f"{node.name}: {name} has a half of {token}: {values}")
        return token

    def check_same(self, first, second):
        """Two nodes that synced hold the same state, and no log has branches."""
        digests = []
        for node in (first, second):
            book = node.ask("status")["casebooks"][0]
            if book["forks"]:
                raise Trouble(f"{node.name}: a log has branches: {book['forks']}")
            digests.append(book["digest"])
        if digests[0] != digests[1]:
            raise Trouble(f"{first.name} and {second.name} synced and differ")
