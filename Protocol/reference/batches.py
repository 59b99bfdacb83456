"""Batches: runs of changes in columns, with the signature of the last. Section 8."""
import zlib
from typing import NamedTuple

import forms
from changes import (ABSENT, DELETED, ERASED, EXISTING, LIVE, OPERATIONS, PAYLOAD, STUB, TEXT,
                     Change, Group, Operation, check_change, check_shape, salt_count, seeded_salt,
                     size)
from columns import JOINED_LIMIT, read_integers, read_strings, write_integers, write_strings
from forms import LARGEST, Reader, Refusal

BATCH_LIMIT, INFLATED_LIMIT, COLUMNS_LIMIT = 524_272, 524_288, 262_144
CHANGES_LIMIT, PARTS_LIMIT, SALTS_LIMIT = 1024, 65_536, 11_000
DEFLATED, PREDECESSOR, RESERVED = 1, 2, 12

# Section 8.4.
DICTIONARIES = {0: b"", 1: b"""\
unknown confirmed disputed closed open held moved released sighting message visit request
transfer report official statement witness family media prisoner of war civilian detainee
wounded body remains exchange repatriation detention centre camp hospital prison checkpoint
brigade battalion ministry committee red cross commission ombudsman coordination headquarters
according to exchanged for on near from by and the between approximately at least https://www.
.org/ .com/ 2024-2025-2026- 01-02-03-04-05-06-07-08-09-10-11-12- attachment assessment claim
communication detention event message obligation person actor facility source exchange casework
aliases captured condition count_a count_b date_from date_to description direction held_by kind
language last_seen location medium narrative number parties published rank reliability role sex
side_a side_b status subject unit url birth_date name title place date tags note""".replace(
    b"\n", b" ")}


class Batch(NamedTuple):
    origin: bytes
    first: int
    previous: bytes | None  # hash16 of the change before, where it is named
    signature: bytes
    changes: list
    salts: list  # pairs: number of changes, and a seed or a list of ((change, group, slot), salt)

    def salt(self, sequence, group, slot):
        """The salt of a slot; `None` where it isn't told."""
        index = sequence - self.first
        for count, salts in self.salts:
            if index < count:
                if isinstance(salts, bytes):
                    return seeded_salt(salts, sequence, group, slot)
                return dict(salts).get((index, group, slot))
            index -= count


def decode(data):
    """Header and columns. Section 8.1."""
    if len(data) > BATCH_LIMIT:
        raise Refusal("limit exceeded: batch bytes", 0)
    reader = Reader(data)
    origin, first = reader.origin(), reader.number("sequence", low=1)
    start = reader.offset
    count = reader.number("change", low=1)
    if count > CHANGES_LIMIT:
        raise Refusal("limit exceeded: changes", start)
    if first + count - 1 > LARGEST:
        raise Refusal("out of range: sequence", start)
    start = reader.offset
    flags = reader.fixed(1)
    if flags & RESERVED or (flags >> 4 and not flags & DEFLATED):
        raise Refusal("reserved bits", start)
    if flags >> 4 not in DICTIONARIES:
        raise Refusal("unknown dictionary", start)
    previous = reader.take(16) if flags & PREDECESSOR else None
    signature = reader.take(64)
    columns = Reader(inflated(reader, flags >> 4)) if flags & DEFLATED else reader
    changes, salts = ColumnsReader(columns, origin, first, count).read()
    return Batch(origin, first, previous, signature, changes, salts)


def inflated(reader, dictionary):
    start, length = reader.offset, reader.varint()
    if length > INFLATED_LIMIT:
        raise Refusal("limit exceeded: inflated bytes", start)
    start, stream = reader.offset, reader.rest()
    inflater = zlib.decompressobj(-15, zdict=DICTIONARIES[dictionary])
    try:
        data = inflater.decompress(stream, length + 1)
    except zlib.error:
        raise Refusal("malformed deflate", start) from None
    if len(data) != length or not inflater.eof or inflater.unused_data:
        raise Refusal("malformed deflate", start)
    return data


class ColumnsReader:
    """Reads the parts in their order. Sections 8.2 and 8.3."""

    def __init__(self, reader, origin, first, count):
        self.reader, self.own, self.first, self.count = reader, origin, first, count
        self.last = {}  # of each origin, the sequence number before in the same part
        self.used_origins = set()

    def read(self):
        reader = self.reader
        whole = reader.left()
        self.names = reader.ascending(reader.count(2), "name", reader.name)
        self.origins = [self.own, *reader.ascending(
            reader.count(40), "origin", self.read_other_origin)]
        start = reader.offset
        salts = self.read_salts()
        if whole - (reader.offset - start) > COLUMNS_LIMIT:
            raise Refusal("limit exceeded: column bytes", start)
        shapes = self.read_shapes()
        times, group_counts, entry_counts = self.read_changes()
        contexts = self.read_contexts(entry_counts)
        groups = self.read_groups(shapes, group_counts)
        changes = []
        for index, (milliseconds, counter) in enumerate(times):
            changes.append(Change(self.own, self.first + index, milliseconds, counter,
                                  tuple(contexts[index]), tuple(groups[index])))
        for change in changes:
            check_change(change, reader.offset)
        if sum(map(size, changes)) > JOINED_LIMIT:
            raise Refusal("limit exceeded: expanded bytes", reader.offset)
        if sum(map(salt_count, changes)) > SALTS_LIMIT:
            raise Refusal("limit exceeded: salts", reader.offset)
        if len(self.used_origins | {0}) < len(self.origins):
            raise Refusal("unused: origin", reader.offset)
        reader.end()
        return changes, salts

    def read_other_origin(self):
        start, origin = self.reader.offset, self.reader.origin()
        if origin == self.own:
            raise Refusal("out of range: origin", start)
        return origin

    def read_salts(self):
        reader, start, runs, covered = self.reader, self.reader.offset, [], 0
        for _ in range(reader.count(3)):
            changes, mode = reader.number("run", 1, self.count - covered), reader.fixed(1)
            if mode == 0:
                runs.append((changes, reader.take(16)))
            elif mode == 1:
                runs.append((changes, reader.ascending(
                    reader.count(19), "salt", lambda: self.read_salt(changes),
                    key=lambda salt: salt[0])))
            else:
                raise Refusal("out of range: salt", reader.offset - 1)
            covered += changes
        if covered < self.count:
            raise Refusal("out of range: run", start)
        return runs

    def read_salt(self, changes):
        number = self.reader.number
        place = (number("salt", high=changes - 1), number("salt", high=4095),
                 number("salt", high=65_536))
        return place, self.reader.take(16)

    def read_shapes(self):
        """Shapes as groups whose references and texts aren't known yet. Section 8.3."""
        start, self.used_names = self.reader.offset, set()
        shapes = [self.read_shape() for _ in range(self.reader.count(3))]
        if len(self.used_names | {b""}) <= len(self.names):
            raise Refusal("unused: name", start)
        return shapes

    def read_shape(self):
        reader, start = self.reader, self.reader.offset
        kind, subject = reader.fixed(1), reader.number("subject", high=2, size=1)
        content, name, operations = reader.number("content", high=2, size=1), b"", ()
        if content == OPERATIONS:
            name = self.read_name_number()
            operations = tuple(self.read_operation() for _ in range(reader.count(5)))
        shape = Group(kind, subject, None, content, name, operations, b"")
        check_shape(shape, start)
        return shape

    def read_operation(self):
        reader = self.reader
        kind, start, flags = reader.fixed(1), reader.offset, reader.fixed(1)
        if flags > 1:
            raise Refusal("reserved bits", start)
        field = self.read_name_number()
        values = tuple((self.read_tag(), None) for _ in range(reader.count(1)))
        start, drops = reader.offset, reader.varint()
        if drops > PARTS_LIMIT:
            raise Refusal("limit exceeded: drops", start)
        return Operation(kind, flags, field, values, drops)

    def read_tag(self):
        start, tag = self.reader.offset, self.reader.fixed(1)
        if tag not in (ABSENT, TEXT, LIVE, DELETED, ERASED):
            raise Refusal("out of range: value tag", start)
        return tag

    def read_name_number(self):
        start, number = self.reader.offset, self.reader.varint()
        if number > len(self.names):
            raise Refusal("no such index: name", start)
        name = self.names[number - 1] if number else b""
        self.used_names.add(name)
        return name

    def integers(self, count, what="", low=0, high=LARGEST):
        return read_integers(self.reader, count, what, low, high)

    def read_changes(self):
        start, milliseconds, times = self.reader.offset, 0, []
        for difference in self.integers(self.count):
            milliseconds = (milliseconds + forms.unzigzag(difference)) & LARGEST
            if milliseconds >= 2**48:
                raise Refusal("out of range: time", start)
            times.append(milliseconds)
        counters = self.integers(self.count, "out of range: counter", high=65_535)
        group_counts, entry_counts = (
            self.integers(self.count, "out of range: change", high=PARTS_LIMIT) for _ in "ge")
        return list(zip(times, counters)), group_counts, entry_counts

    def bounded(self, number, what):
        if number > PARTS_LIMIT:
            raise Refusal(f"limit exceeded: {what}", self.reader.offset)
        return number

    def read_contexts(self, entry_counts):
        total = self.bounded(sum(entry_counts), "tips")
        origins = self.read_origin_numbers(total)
        start = self.reader.offset
        tip_counts = self.integers(total, "out of range: tip", low=1)
        numbers = [origin for origin, count in zip(origins, tip_counts)
                   for _ in range(self.bounded(count, "tips"))]
        self.bounded(len(numbers), "tips")
        tips = iter([(sequence, self.reader.take(16))
                     for sequence in self.read_sequences(numbers)])
        entries = [(self.origins[origin], [next(tips) for _ in range(count)])
                   for origin, count in zip(origins, tip_counts)]
        if any(a >= b for _, tips in entries for a, b in zip(tips, tips[1:])):
            raise Refusal("unsorted: tip", start)
        remaining = iter(entries)
        return [[next(remaining) for _ in range(count)] for count in entry_counts]

    def read_origin_numbers(self, count):
        numbers = self.integers(count, "no such index: origin", high=len(self.origins) - 1)
        self.used_origins.update(numbers)
        return numbers

    def read_sequences(self, origins):
        """Differences, modulo 2^64, to the last number of the same origin in the part."""
        start, last, sequences = self.reader.offset, {}, []
        for origin, difference in zip(origins, self.integers(len(origins))):
            last[origin] = (last.get(origin, 0) + forms.unzigzag(difference)) & LARGEST
            if last[origin] == 0:
                raise Refusal("out of range: sequence", start)
            sequences.append(last[origin])
        return sequences

    def read_references(self, count, has_groups):
        origins = self.read_origin_numbers(count)
        sequences = self.read_sequences(origins)
        groups = (self.integers(count, "out of range: group index", high=4095) if has_groups
                  else [None] * count)
        flags = self.integers(count, "out of range: flag", high=1)
        hashes = [self.reader.take(16) if flag else None for flag in flags]
        references = [(self.origins[origin], sequence, hash16)
                      for origin, sequence, hash16 in zip(origins, sequences, hashes)]
        return list(zip(references, groups)) if has_groups else references

    def read_groups(self, shapes, group_counts):
        """All groups, put together from their shapes and what the columns hold besides."""
        start, total = self.reader.offset, self.bounded(sum(group_counts), "groups")
        numbers = self.integers(total, "no such index: shape", high=len(shapes) - 1)
        first_uses = list(dict.fromkeys(numbers))
        if first_uses != sorted(first_uses):
            raise Refusal("no such index: shape", start)
        if len(first_uses) < len(shapes):
            raise Refusal("unused: shape", start)
        groups = [shapes[number] for number in numbers]
        operations = [operation for group in groups for operation in group.operations]
        self.bounded(len(operations), "operations")
        self.bounded(sum(len(operation.values) for operation in operations), "values")
        dropped = self.bounded(sum(operation.drops for operation in operations), "drops")

        records = iter(self.read_references(
            sum(group.subject == EXISTING for group in groups), True))
        drops = iter(self.read_references(dropped, False))
        budget = [JOINED_LIMIT]
        payloads = iter(read_strings(
            self.reader, sum(group.content == PAYLOAD for group in groups), budget))
        stubs = iter([self.reader.take(32) for group in groups if group.content == STUB])
        texts = self.read_texts(operations, budget)

        def filled(operation):
            values = tuple((tag, next(texts[operation.field]) if tag in (TEXT, ERASED) else b"")
                           for tag, _ in operation.values)
            return operation._replace(
                values=values, drops=tuple(next(drops) for _ in range(operation.drops)))

        def complete(group):
            payload = {OPERATIONS: lambda: b"", PAYLOAD: lambda: next(payloads),
                       STUB: lambda: next(stubs)}[group.content]()
            return group._replace(
                record=next(records) if group.subject == EXISTING else None,
                operations=tuple(map(filled, group.operations)), payload=payload)

        complete_groups = iter([complete(group) for group in groups])
        return [[next(complete_groups) for _ in range(count)] for count in group_counts]

    def read_texts(self, operations, budget):
        """Iterators over the payloads of text and erased values, by field."""
        tags = {name: [] for name in (b"", *self.names)}
        for operation in operations:
            tags[operation.field] += [tag for tag, _ in operation.values if tag in (TEXT, ERASED)]
        texts = {}
        for name, expected in tags.items():
            start = self.reader.offset
            strings = read_strings(self.reader, len(expected), budget)
            if any(tag == ERASED and len(text) != 32 for tag, text in zip(expected, strings)):
                raise Refusal("out of range: value", start)
            texts[name] = iter(strings)
        return texts


def encode(batch, dictionary=None):
    """The batch, each column in the form that a writer has to choose.

    - dictionary: the number of one, with which the columns are deflated; `None` leaves them plain.
    """
    columns, flags = ColumnsWriter(batch).write(), PREDECESSOR if batch.previous else 0
    if dictionary is not None:
        flags |= DEFLATED | dictionary << 4
        columns = forms.varint(len(columns)) + deflated(columns, DICTIONARIES.get(dictionary, b""))
    return b"".join([
        batch.origin, forms.varint(batch.first), forms.varint(len(batch.changes)), bytes([flags]),
        batch.previous or b"", batch.signature, columns])


def deflated(data, words):
    deflater = zlib.compressobj(6, wbits=-15, **({"zdict": words} if words else {}))
    return deflater.compress(data) + deflater.flush()


class ColumnsWriter:
    def __init__(self, batch):
        self.batch = batch
        self.groups = [group for change in batch.changes for group in change.groups]
        self.operations = [each for group in self.groups for each in group.operations]
        self.drops = [drop for each in self.operations for drop in each.drops]
        self.records = [group.record for group in self.groups if group.record]
        self.entries = [entry for change in batch.changes for entry in change.context]
        names = {each.field for each in self.operations} | {group.type for group in self.groups}
        self.names = sorted(names - {b""})
        origins = {origin for origin, *_ in [*self.entries, *self.drops]}
        origins |= {origin for (origin, _, _), _ in self.records}
        self.origins = [batch.origin, *sorted(origins - {batch.origin})]

    def write(self):
        columns, salts = self.parts(False)
        if len(columns) - salts > COLUMNS_LIMIT:
            columns, _ = self.parts(True)
        return columns

    def parts(self, always_words):
        """All columns, and how many bytes of them are salts."""
        shapes = [self.shape(group) for group in self.groups]
        places = {shape: place for place, shape in enumerate(dict.fromkeys(shapes))}
        texts = {name: [] for name in (b"", *self.names)}
        for each in self.operations:
            texts[each.field] += [text for tag, text in each.values if tag in (TEXT, ERASED)]
        payloads = [group.payload for group in self.groups if group.content == PAYLOAD]
        stubs = [group.payload for group in self.groups if group.content == STUB]
        salts = self.salts()
        columns = b"".join([
            forms.varint(len(self.names)), *map(forms.string, self.names),
            forms.varint(len(self.origins) - 1), *self.origins[1:], salts,
            forms.varint(len(places)), *places, self.change_columns(), self.contexts(),
            write_integers([places[shape] for shape in shapes]),
            self.references([record[0] for record in self.records],
                            [record[1] for record in self.records]),
            self.references(self.drops), write_strings(payloads, always_words), *stubs,
            *(write_strings(strings, always_words) for strings in texts.values())])
        return columns, len(salts)

    def salts(self):
        parts = [forms.varint(len(self.batch.salts))]
        for count, salts in self.batch.salts:
            parts.append(forms.varint(count))
            if isinstance(salts, bytes):
                parts.append(b"\0" + salts)
            else:
                parts += [b"\1", forms.varint(len(salts))]
                parts += [b"".join(map(forms.varint, place)) + salt for place, salt in salts]
        return b"".join(parts)

    def number(self, name):
        return forms.varint(self.names.index(name) + 1 if name else 0)

    def shape(self, group):
        parts = [bytes([group.kind, group.subject, group.content])]
        if group.content == OPERATIONS:
            parts += [self.number(group.type), forms.varint(len(group.operations))]
        for each in group.operations:
            parts += [bytes([each.kind, each.is_sensitive]), self.number(each.field),
                      forms.varint(len(each.values)), bytes(tag for tag, _ in each.values),
                      forms.varint(len(each.drops))]
        return b"".join(parts)

    def change_columns(self):
        changes = self.batch.changes
        times = [0, *(change.milliseconds for change in changes)]
        return b"".join(map(write_integers, (
            [difference(a, b) for a, b in zip(times, times[1:])],
            [change.counter for change in changes], [len(change.groups) for change in changes],
            [len(change.context) for change in changes])))

    def contexts(self):
        tips = [(origin, *tip) for origin, tips in self.entries for tip in tips]
        return b"".join([
            write_integers([self.origins.index(origin) for origin, _ in self.entries]),
            write_integers([len(tips) for _, tips in self.entries]),
            self.sequences(tips), *(hash16 for _, _, hash16 in tips)])

    def sequences(self, places):
        last, differences = {}, []
        for origin, sequence, _ in places:
            differences.append(difference(last.get(origin, 0), sequence))
            last[origin] = sequence
        return write_integers(differences)

    def references(self, references, groups=()):
        return b"".join([
            write_integers([self.origins.index(origin) for origin, _, _ in references]),
            self.sequences(references), write_integers(groups),
            write_integers([int(hash16 is not None) for _, _, hash16 in references]),
            *(hash16 or b"" for _, _, hash16 in references)])


def difference(before, after):
    """Modulo 2^64, as the zigzag form of a signed number."""
    signed = (after - before + 2**63) % 2**64 - 2**63
    return forms.zigzag(signed)
