"""A casebook in memory: logs, what is applied of them, the digest. Sections 8.5 to 10, 12 to 14."""
import batches
import changes as rules
import forms
import messages
from changes import (ADD, ADMISSION, CREATED, CUT, ERASED, ERASURE, FOUNDING, LIVE, OPERATIONS,
                     PRESENT, REASON, RECEIPT, RECORD, REDACTION, REMOVE, RESOLVE, RESOLVE_STATE,
                     SET_STATE, STUB, SYSTEM, TEXT, WRITE)
from messages import BAD_PROOF, MALFORMED, OUT_OF_PLACE

COORDINATOR, EDITOR = 1, 2
NO_HASH = bytes(32)


class Refused(Exception):
    """A batch that isn't taken, with the code that the session closes with."""

    def __init__(self, code, reason):
        super().__init__(reason)
        self.code = code


class Held:
    """A stored change with what is known of it.

    `dot` is (origin, sequence, hash16); `salt(group, slot)` gives its salts.
    """

    def __init__(self, change, hash32, previous, salt):
        self.change, self.hash, self.previous, self.salt = change, hash32, previous, salt
        self.dot = (change.origin, change.sequence, hash32[:16])
        self.node = change.origin[:32]
        self.context = dict(previous.context) if previous else {}
        self.context.update({origin: list(tips) for origin, tips in change.context})
        if previous:
            self.context[change.origin] = [previous.dot[1:]]
        self.is_applied = self.is_authorised = False
        self.kinds = {group.kind for group in change.groups}

    def payloads(self, kind):
        return [messages.decode_payload(SYSTEM[kind], group.payload)[1:]
                for group in self.change.groups if group.kind == kind]


class Casebook:
    def __init__(self, identity):
        self.identity = identity
        self.held = {}     # by dot
        self.logs = {}     # by origin: dots by sequence number, several beyond a fork
        self.stored = []   # batches as they came: (bytes, the changes they hold)
        self.clock = {}    # held clock: tips by origin
        self.applied_clock = {}
        self.applied = []  # in the order in which they were applied
        self.memberships = []  # those of them that say who is a member
        self.newest = 0    # the highest hybrid time accepted

    # Clocks, section 6.4

    def ancestors(self, tip):
        while tip:
            yield tip
            tip = tip.previous

    def find(self, clock, origin, sequence):
        """The changes of an origin and sequence number that a clock covers."""
        found = []
        for tip in clock.get(origin, ()):
            if tip[0] < sequence:
                continue
            known = self.logs.get(origin, {}).get(sequence, [])
            if len(known) > 1 or (origin, *tip) not in self.held:
                start = self.held.get((origin, *tip))
                known = [each for each in self.ancestors(start) if each.change.sequence == sequence]
            found += [each for each in known if each not in found]
        return found

    def covers(self, clock, dot):
        return any(each.dot == dot for each in self.find(clock, *dot[:2]))

    def covers_all(self, clock, tips_by_origin):
        return all(self.covers(clock, (origin, *tip))
                   for origin, tips in tips_by_origin.items() for tip in tips)

    def raised(self, clock, held):
        """Lets a clock cover one more change whose predecessor it covers."""
        tips = clock.setdefault(held.change.origin, [])
        if held.previous and held.previous.dot[1:] in tips:
            tips.remove(held.previous.dot[1:])
        tips.append(held.dot[1:])
        tips.sort()

    # Taking batches in, section 8.5

    def take(self, data):
        """Checks a batch and stores it; returns its last change."""
        try:
            batch = batches.decode(data)
        except forms.Refusal as refusal:
            raise Refused(MALFORMED, str(refusal)) from None
        taken = self.verified(batch)
        for held in taken:
            if held.dot not in self.held:
                self.held[held.dot] = held
                self.logs.setdefault(batch.origin, {}).setdefault(
                    held.change.sequence, []).append(held)
                self.raised(self.clock, held)
        self.stored.append((data, taken))
        self.apply()
        return taken[-1]

    def predecessors(self, batch):
        if batch.first == 1:
            return [None] if batch.previous in (None, NO_HASH[:16]) else []
        known = self.logs.get(batch.origin, {}).get(batch.first - 1, [])
        return [each for each in known if batch.previous in (None, each.hash[:16])]

    def verified(self, batch):
        """Its changes with their hashes, on the predecessor for which its signature holds."""
        predecessors = self.predecessors(batch)
        if not predecessors:
            raise Refused(OUT_OF_PLACE, "the change before the batch isn't held")
        for previous in predecessors:
            taken = self.chained(batch, previous)
            if any(FOUNDING in held.kinds and held.hash != self.identity for held in taken):
                raise Refused(BAD_PROOF, "a founding group in another change")
            signed = rules.head_bytes(
                self.identity, batch.origin, taken[-1].change.sequence, taken[-1].hash)
            if rules.is_signed(batch.origin[:32], batch.signature, signed):
                return taken
        raise Refused(BAD_PROOF, "the signature of a head doesn't hold")

    def chained(self, batch, previous):
        taken = []
        for change in batch.changes:
            def salt(group, slot, sequence=change.sequence):
                found = batch.salt(sequence, group, slot)
                if found is None:
                    raise Refused(BAD_PROOF, "a salt is missing")
                return found

            hash32 = rules.change_hash(change, previous.hash if previous else NO_HASH, salt)
            known = self.held.get((change.origin, change.sequence, hash32[:16]))
            if known and gaps(change) < gaps(known.change):
                known.change, known.salt = change, salt  # it has come again, with its contents
            previous = known or Held(change, hash32, previous, salt)
            taken.append(previous)
        return taken

    # Applying, sections 9.3 and 13

    def apply(self):
        waiting = [held for held in self.held.values() if not held.is_applied]
        while ready := [held for held in waiting if self.is_ready(held)]:
            for held in ready:
                self.judge(held)
                held.is_applied = True
                self.applied.append(held)
                if held.kinds & {FOUNDING, ADMISSION, CUT}:
                    self.memberships.append(held)
                self.raised(self.applied_clock, held)
                self.newest = max(self.newest, hybrid_time(held.change))
                waiting.remove(held)

    def is_ready(self, held):
        is_after = held.previous is None or self.covers(self.applied_clock, held.previous.dot)
        return (is_after and self.covers_all(self.applied_clock, held.context)
                and self.is_explained(held))

    def is_explained(self, held):
        """Whether claims that are held account for all that a change lacks. Section 14."""
        lacking = set()
        for index, group in enumerate(held.change.groups):
            (origin, sequence, _), number = group.record or ((*held.dot[:2], None), index)
            for operation in group.operations:
                if ERASED in dict(operation.values):
                    lacking.add((origin, sequence, number, operation.field))
            if group.content == STUB:
                lacking.add("reason" if group.kind == REASON else (origin, sequence, number, None))
        claimed = set()
        for other in self.held.values() if lacking else ():
            for kind in (ERASURE, REDACTION):
                for ((origin, sequence, _), number), *field, _ in other.payloads(kind):
                    claimed.add((origin, sequence, number, *(field or [None])))
        return lacking != {"reason"} and all(
            each == "reason" or each in claimed or (*each[:3], None) in claimed
            for each in lacking)

    def judge(self, held):
        """Whether the members of its own context let a change have an effect."""
        if held.hash == self.identity:
            held.is_authorised = True
            return
        role = self.role(held.node, held.context)
        if held.previous is None and not self.was_admitted(held.node, held.context):
            raise Refused(OUT_OF_PLACE, "a log of somebody who is no member")
        held.is_authorised = permits(role, held.change.groups)

    def was_admitted(self, node, clock):
        """Whether a node was ever admitted by the changes that a clock covers. Section 13."""
        return any(held.is_authorised and self.covers(clock, held.dot)
                   and ((held.hash, held.node) == (self.identity, node) or given_role(held, node))
                   for held in self.memberships)

    def role(self, node, clock, is_void=lambda held: False):
        """A node's role by the changes that a clock covers. Section 13."""
        given = []
        for held in self.memberships:
            if not held.is_authorised or is_void(held) or not self.covers(clock, held.dot):
                continue
            if node in revoked(held):
                return None
            if (held.hash, held.node) == (self.identity, node):
                given.append((held, COORDINATOR))
            role = given_role(held, node)
            given += [(held, role)] if role else []
        latest = [role for held, role in given
                  if not any(self.covers(other.context, held.dot) for other, _ in given)]
        return max(latest, default=None)

    def void_changes(self):
        """What doesn't count because it lies beyond a cut, or rests on an admission that does."""
        cuts = [held for held in self.memberships if held.is_authorised and CUT in held.kinds]
        void = set()
        for held in self.applied:
            if held.hash == self.identity or held.kinds <= {CUT, ERASURE, REDACTION}:
                continue
            role = self.role(held.node, held.context, lambda other: other in void)
            if self.is_beyond_a_cut(held, cuts) or not permits(role, held.change.groups):
                void.add(held)
        return void

    def is_beyond_a_cut(self, held, cuts):
        cuts = [(cut, tips) for cut in cuts for node, tips in cut.payloads(CUT)
                if node == held.node]
        for cut, tips in cuts:
            is_known = self.covers(held.context, cut.dot)
            is_within = self.covers(dict(tips), held.dot)
            if not is_known and not is_within and not self.is_outdone(cut, held, cuts):
                return True
        return False

    def is_outdone(self, cut, held, cuts):
        """Whether what lies beyond a cut counts all the same, by a role or by a later cut."""
        later = [other for other, _ in cuts if self.covers(other.context, cut.dot)]
        role = given_role(cut, held.node)
        if role is None:
            return any(given_role(other, held.node) is None for other in later)
        roles = [role, *filter(None, (given_role(other, held.node) for other in later))]
        return any(permits(role, held.change.groups) for role in roles)

    # Merged state, sections 9.1 and 10

    def records(self):
        """All records by ID, as far as the writes that count make them."""
        places = self.places()
        erased = {self.resolve(record, held) for held in self.applied if held.is_authorised
                  for record, _ in held.payloads(ERASURE)}
        return {rules.record_id(creator.hash, number): record
                for (creator, number), record in places.items()
                if (creator, number) not in erased}

    def places(self):
        """The same by creating change and group, with those that were erased."""
        void, places = self.void_changes(), {}
        self.redactions = [(self.resolve(record, held), field, held)
                           for held in self.applied if held.is_authorised
                           for record, field, _ in held.payloads(REDACTION)]
        for held in self.applied:
            if not held.is_authorised or held in void:
                continue
            for index, group in enumerate(held.change.groups):
                if group.kind != RECORD or not is_interpreted(group):
                    continue
                if place := self.resolve(group.record, held, index):
                    creator, number = place
                    kind = creator.change.groups[number].type
                    record = places.setdefault(place, Record(kind))
                    self.write(record, place, held, index, group)
        return places

    def resolve(self, record, held, index=0):
        """The creating change and group index that a reference means in a change."""
        if record is None:
            return held, index
        (origin, sequence, hash16), number = record
        for found in self.find(held.context, origin, sequence):
            groups = found.change.groups
            if (hash16 in (None, found.hash[:16]) and number < len(groups)
                    and groups[number].kind == RECORD and groups[number].subject == CREATED):
                return found, number
        return None

    def write(self, record, place, held, index, group):
        """The table of section 9.1."""
        def covered(dot):
            return self.covers(held.context, dot)

        slot, touches = 0, True
        for operation in group.operations:
            values = []
            for value in operation.values:
                slot += 1
                values.append(self.shown(value, operation, place, held, index, slot))
            if operation.kind in (ADD, REMOVE):
                for value in values:
                    if value[0] == TEXT:
                        made = [(PRESENT, b"")] if operation.kind == ADD else []
                        record.element(operation.field, value).write(held.dot, made, covered)
                continue
            cell = (record.register(operation.field) if operation.kind in (WRITE, RESOLVE)
                    else record.state)
            touches = touches and operation.kind not in (SET_STATE, RESOLVE_STATE)
            if operation.kind in (RESOLVE, RESOLVE_STATE):
                named = {each.dot for origin, sequence, hash16 in operation.drops
                         for each in self.find(held.context, origin, sequence)
                         if hash16 in (None, each.hash[:16])}
                cell.write(held.dot, values, named.__contains__)
            else:
                cell.write(held.dot, values, covered)
        if touches:
            record.state.write(held.dot, [(LIVE, b"")], covered, only=(LIVE, b""))

    def shown(self, value, operation, place, held, index, slot):
        """A value, or what a redaction leaves of it. Section 14."""
        is_redacted = value[0] == TEXT and operation.is_sensitive and any(
            (record, field) == (place, operation.field)
            and not self.covers(held.context, claim.dot)
            for record, field, claim in self.redactions)
        if not is_redacted:
            return value
        return ERASED, rules.commitment(held.salt(index, slot), value[1])

    def digest(self):
        total = sum(int.from_bytes(rules.sha256(identity, record.canonical()), "big")
                    for identity, record in self.records().items())
        return (total % 2**256).to_bytes(32, "big")


class Cell:
    """Entries: pairs of a dot and a value."""

    def __init__(self):
        self.entries = set()

    def write(self, dot, values, is_dropped, only=None):
        self.entries = {(other, value) for other, value in self.entries
                        if not is_dropped(other) or only not in (None, value)}
        self.entries |= {(dot, value) for value in values}

    def values(self):
        return sorted({value for _, value in self.entries})


class Record:
    def __init__(self, kind):
        self.type, self.state, self.registers, self.sets = kind, Cell(), {}, {}

    def register(self, field):
        return self.registers.setdefault(field, Cell())

    def element(self, field, value):
        return self.sets.setdefault(field, {}).setdefault(value, Cell())

    @property
    def is_live(self):
        return (LIVE, b"") in self.state.values()

    def canonical(self):
        """Section 10."""
        registers = {name: cell for name, cell in self.registers.items() if cell.entries}
        sets = {name: {value: cell for value, cell in elements.items() if cell.entries}
                for name, elements in self.sets.items()}
        sets = {name: elements for name, elements in sets.items() if elements}
        cells = [self.state, *registers.values(),
                 *(cell for elements in sets.values() for cell in elements.values())]
        dots = sorted({dot[2] for cell in cells for dot, _ in cell.entries})
        parts = [forms.string(self.type), forms.varint(len(dots)), *dots,
                 canonical_cell(self.state, dots), forms.varint(len(registers))]
        for name, cell in sorted(registers.items()):
            parts += [forms.string(name), canonical_cell(cell, dots)]
        parts.append(forms.varint(len(sets)))
        for name, elements in sorted(sets.items()):
            parts += [forms.string(name), forms.varint(len(elements))]
            for (tag, payload), cell in sorted(elements.items()):
                parts += [bytes([tag]), forms.string(payload), canonical_cell(cell, dots)]
        return b"".join(parts)


def canonical_cell(cell, dots):
    entries = sorted((dots.index(dot[2]), *value) for dot, value in cell.entries)
    return forms.varint(len(entries)) + b"".join(
        forms.varint(index) + bytes([tag]) + forms.string(payload)
        for index, tag, payload in entries)


def gaps(change):
    """How many stubs and erased values it has."""
    return sum(group.content == STUB for group in change.groups) + sum(
        tag == ERASED for group in change.groups for operation in group.operations
        for tag, _ in operation.values)


def is_interpreted(group):
    return group.content == OPERATIONS and all(
        WRITE <= operation.kind <= RESOLVE_STATE for operation in group.operations)


def permits(role, groups):
    """Whether a role may write all these groups. Section 13."""
    def is_permitted(kind):
        if kind in (FOUNDING, ADMISSION, CUT, ERASURE, REDACTION):
            return role == COORDINATOR
        return role is not None and (role in (COORDINATOR, EDITOR) or kind == RECEIPT)

    return all(is_permitted(group.kind) for group in groups)


def given_role(held, node):
    """The role that a change gives a node; of several admissions of it in one change the last."""
    roles = [role for admitted, role, _ in held.payloads(ADMISSION) if admitted == node]
    return roles[-1] if roles else None


def revoked(held):
    """The nodes whose membership a change ends: those cut without a new role."""
    return {node for node, _ in held.payloads(CUT) if given_role(held, node) is None}


def hybrid_time(change):
    return change.milliseconds << 16 | change.counter


def clock_digest(clock):
    """Section 5.2."""
    return rules.sha256(forms.entries(clock))[:16]
