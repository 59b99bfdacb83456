"""Batches and messages just within and just beyond what the specification allows, by name.

Each is `(taken, bytes)`: whether a reader has to take them.
"""
from unittest import mock

import batches
import columns
import forms
from changes import (ADD, ADMISSION, CASEBOOK, DELETED, ERASED, ERASURE, EXISTING, LIVE, OPERATIONS,
                     REASON, RECEIPT, RECORD, REDACTION, REMOVE, RESOLVE, RESOLVE_STATE, SET_STATE,
                     STUB, TEXT, WRITE, Group)
from messages import encode, encode_payload
from vector_values import A, B, NODE_B, NOTHING, batch, created, edited, operation, payload, text

UNKNOWN = 200  # a kind of group that version 1 doesn't know


def encoded(*groups, **options):
    """One change of these groups, sequence number 6."""
    return batches.encode(batch(6, (0, 0, (), *groups), **options))


def note(*operations):
    return edited(1, *operations)


def written(value, sensitive=0):
    return note(operation(WRITE, b"title", (TEXT, value), sensitive=sensitive))


def with_columns(values, write_strings=None, write_integers=None):
    """A change that writes these values, with columns encoded in another way than writers do."""
    strings = write_strings or columns.write_strings
    integers = write_integers or columns.write_integers
    with mock.patch.multiple(batches, write_strings=strings, write_integers=integers), \
            mock.patch.object(columns, "write_integers", integers):
        return batches.encode(batch(6, *(
            (0, 0, (), edited(1, operation(WRITE, b"title", (TEXT, value)))) for value in values)))


def dictionary(distinct, indexes):
    column = (b"\1" + forms.varint(len(distinct)) + columns.write_plain(distinct)
              + columns.write_integers(indexes))
    return lambda strings, _: column if strings else b""


def words(distinct, counts, indexes):
    column = (b"\3" + forms.varint(len(distinct)) + columns.write_plain(distinct)
              + columns.write_integers(counts) + columns.write_integers(indexes))
    return lambda strings, _: column if strings else b""


def runs(*pairs):
    """All columns of three equal numbers in these runs."""
    def write(values):
        if len(values) != 3 or len(set(values)) > 1:
            return b"\1" + b"".join(map(forms.varint, values)) if values else b""
        return b"\2" + b"".join(forms.varint(values[0]) + forms.varint(length) for length in pairs)

    return write


def sized(size):
    """A change of that many bytes (section 6.6)."""
    def change(count):
        parts = (60_000, 60_000, count)
        return batch(6, (0, 0, (), *(payload(REASON, b"x" * part) for part in parts)))

    count = size - batches.size(change(10_000).changes[0]) + 10_000
    made = change(count)
    assert batches.size(made.changes[0]) == size
    return batches.encode(made)


def context(*entries):
    return batches.encode(batch(6, (0, 0, entries, payload(REASON, b"x"))))


def tips(count):
    return [(sequence, bytes(16)) for sequence in range(1, count + 1)]


def needing_salts(count):
    """Groups that need that many salts in all, told by a seed."""
    counts = [min(2000, count - start) for start in range(0, count, 2000)]
    return batches.encode(batch(6, *(
        (0, 0, (), *[payload(REASON, b"")] * each) for each in counts)))


def twice_the_shape():
    """Two groups of the same form, each with a shape of its own."""
    data = encoded(payload(UNKNOWN, b"1"), payload(201, b"2"))
    return data.replace(bytes([2, UNKNOWN, 0, 1, 201, 0, 1]),
                        bytes([2, UNKNOWN, 0, 1, UNKNOWN, 0, 1]))


def erasure(sequence, origin=A):
    return encoded(payload(ERASURE, encode_payload("erasure", ((origin, sequence, None), 0), b"")))


def receipt(sequence):
    return encoded(payload(RECEIPT, encode_payload("receipt", (A, sequence, None))))


def redaction(field):
    return encoded(payload(REDACTION, encode_payload("redaction", ((A, 1, None), 0), field, b"")))


def long(sequence, byte):
    return edited(sequence, hash16=bytes([byte]) * 16)


def foreign(kind, *operations):
    return Group(kind, EXISTING, ((B, 1, None), 0), OPERATIONS, b"", operations, b"")


def hello(count):
    return encode("hello", 1, 0, 0, 0, [(index.to_bytes(32, "big"), bytes(16))
                                        for index in range(count)])


STATES = [(LIVE, b""), (DELETED, b"")]
GONE = (ERASED, bytes(32))

BATCHES = {
    "a change without groups": (True, encoded()),
    "an empty reason": (True, encoded(payload(REASON, b""))),
    "a reason that is a stub": (
        True, encoded(Group(REASON, CASEBOOK, None, STUB, b"", (), bytes(32)))),
    "two reasons": (True, encoded(payload(REASON, b"a"), payload(REASON, b"b"))),
    "an edit of nothing": (True, encoded(note())),
    "an empty text": (True, encoded(written(b""))),
    "a zero byte in a text": (True, encoded(written(b"a\0b"))),
    "a surrogate in a text": (False, encoded(written(b"\xed\xa0\x80"))),
    "an overlong text": (False, encoded(written(b"\xc0\x80"))),
    "beyond Unicode": (False, encoded(written(b"\xf4\x90\x80\x80"))),
    "a noncharacter in a text": (True, encoded(written("\uffff".encode()))),
    "a text of 65,536 bytes": (True, encoded(written(b"x" * 65_536))),
    "a text of 65,537 bytes": (False, encoded(written(b"x" * 65_537))),
    "a payload of 65,536 bytes": (True, encoded(payload(UNKNOWN, b"x" * 65_536))),
    "a payload of 65,537 bytes": (False, encoded(payload(UNKNOWN, b"x" * 65_537))),
    "a change of 131,072 bytes": (True, sized(131_072)),
    "a change of 131,073 bytes": (False, sized(131_073)),
    "a sensitive text counts twice": (False, encoded(*(
        edited(sequence, operation(WRITE, b"title", (TEXT, b"x" * 65_530), sensitive=1))
        for sequence in (1, 2)))),
    "a predecessor named": (True, encoded(previous=bytes(16))),
    "a predecessor of the first change": (True, batches.encode(
        batch(1, (0, 0, (), payload(REASON, b"x")), previous=bytes(16)))),
    "the last sequence number": (True, batches.encode(batch(2**64 - 1, (0, 0, ())))),
    "a context of 4,096 tips": (True, context((B, tips(4096)))),
    "a context of 4,097 tips": (False, context((B, tips(4097)))),
    "a context unsorted": (False, context((b"\2" * 40, tips(1)), (b"\1" * 40, tips(1)))),
    "an origin twice in a context": (False, context((B, tips(1)), (B, tips(2)))),
    "another epoch of the own node": (True, context((A[:32] + bytes(8), tips(1)))),
    "tips of one sequence number": (True, context((B, [(1, b"\1" * 16), (1, b"\2" * 16)]))),
    "a tip twice": (False, context((B, [(1, b"\1" * 16), (1, b"\1" * 16)]))),
    "11,001 salts listed and none needed": (True, batches.encode(batch(6, (0, 0, ()), salts=[
        (1, [((0, 0, slot), bytes(16)) for slot in range(11_001)])]))),
    "groups that need 11,000 salts": (True, needing_salts(11_000)),
    "groups that need 11,001 salts": (False, needing_salts(11_001)),
    "no salts": (True, batches.encode(
        batch(6, (0, 0, (), payload(REASON, b"x")), salts=[(1, [])]))),
    "salts of nothing": (True, batches.encode(batch(6, (0, 0, ()), salts=[
        (1, [((0, 17, 3), bytes(16))])]))),
    "slot 65,536": (True, batches.encode(batch(6, (0, 0, ()), salts=[
        (1, [((0, 0, 65_536), bytes(16))])]))),
    "slot 65,537": (False, batches.encode(batch(6, (0, 0, ()), salts=[
        (1, [((0, 0, 65_537), bytes(16))])]))),
    "two equal shapes": (True, twice_the_shape()),
    "a dictionary": (True, with_columns([b"a", b"b"], dictionary([b"a", b"b"], [0, 1]))),
    "a dictionary in another order": (
        True, with_columns([b"a", b"b"], dictionary([b"b", b"a"], [1, 0]))),
    "a dictionary with a string twice": (
        True, with_columns([b"a", b"a"], dictionary([b"a", b"a"], [0, 1]))),
    "a dictionary with an unused string": (
        True, with_columns([b"a", b"a"], dictionary([b"a", b"b"], [0, 0]))),
    "a dictionary of more than there are": (
        False, with_columns([b"a", b"b"], dictionary([b"a", b"b", b"c"], [0, 1]))),
    "an empty dictionary": (False, with_columns([b"a", b"b"], dictionary([], [0, 0]))),
    "words": (True, with_columns([b"a b", b"b"], words([b"b", b"a"], [2, 1], [1, 0, 0]))),
    "words in another order": (
        True, with_columns([b"a b", b"b"], words([b"a", b"b"], [2, 1], [0, 1, 1]))),
    "a word twice": (
        True, with_columns([b"a b", b"b"], words([b"a", b"b", b"b"], [2, 1], [0, 1, 2]))),
    "an unused word": (
        True, with_columns([b"a b", b"b"], words([b"a", b"b", b"c"], [2, 1], [0, 1, 1]))),
    "an empty word": (True, with_columns([b" a", b"a"], words([b"a", b""], [2, 1], [1, 0, 0]))),
    "a word with a space": (
        True, with_columns([b"a b", b"b"], words([b"a b", b"b"], [1, 1], [0, 1]))),
    "a text of no words": (False, with_columns([b"a", b"b"], words([b"a"], [0, 1], [0]))),
    "no words at all": (False, with_columns([b"a", b"b"], words([], [1, 1], [0, 0]))),
    "one run": (True, with_columns([b"a"] * 3, write_integers=runs(3))),
    "two runs of the same number": (False, with_columns([b"a"] * 3, write_integers=runs(1, 2))),
    "runs beyond the end": (False, with_columns([b"a"] * 3, write_integers=runs(4))),
    "runs that end early": (False, with_columns([b"a"] * 3, write_integers=runs(2))),
    "a register and a set of one name": (True, encoded(note(
        operation(WRITE, b"tags", text("a")), operation(ADD, b"tags", text("a"))))),
    "an element added twice": (False, encoded(note(operation(ADD, b"tags", text("a"), text("a"))))),
    "two operations on one set": (True, encoded(note(
        operation(ADD, b"tags", text("a")), operation(ADD, b"tags", text("b"))))),
    "an element added in two fields": (True, encoded(note(
        operation(ADD, b"tags", text("a")), operation(ADD, b"links", text("a"))))),
    "an element added, sensitive and not": (False, encoded(note(
        operation(ADD, b"tags", text("a"), sensitive=1), operation(REMOVE, b"tags", text("a"))))),
    "equal values": (False, encoded(note(operation(WRITE, b"title", text("a"), text("a"))))),
    "two erased values": (True, encoded(note(
        operation(WRITE, b"title", GONE, (ERASED, b"\1" * 32), sensitive=1)))),
    "two erased values of one commitment": (True, encoded(note(
        operation(WRITE, b"title", GONE, GONE, sensitive=1)))),
    "two erased elements of one commitment": (True, encoded(note(
        operation(ADD, b"tags", GONE, GONE, sensitive=1)))),
    "an erased value beside a text": (True, encoded(note(
        operation(WRITE, b"title", GONE, text("a"), sensitive=1)))),
    "absent and a text": (True, encoded(note(operation(WRITE, b"title", NOTHING, text("a"))))),
    "absent twice": (False, encoded(note(operation(WRITE, b"title", NOTHING, NOTHING)))),
    "both states resolved": (True, encoded(note(
        operation(RESOLVE_STATE, b"", *STATES, drops=((A, 1, None),))))),
    "one state twice": (False, encoded(note(
        operation(RESOLVE_STATE, b"", STATES[0], STATES[0], drops=((A, 1, None),))))),
    "state set and resolved": (False, encoded(note(
        operation(SET_STATE, b"", STATES[0]),
        operation(RESOLVE_STATE, b"", STATES[0], drops=((A, 1, None),))))),
    "a dot dropped twice": (True, encoded(note(
        operation(RESOLVE, b"title", text("a"), drops=((A, 1, None), (A, 1, None)))))),
    "a sensitive state": (True, encoded(note(operation(SET_STATE, b"", STATES[0], sensitive=1)))),
    "an unknown operation of nothing": (True, encoded(note(operation(77, b"")))),
    "operation 0": (True, encoded(note(operation(0, b"")))),
    "an unknown operation that repeats": (True, encoded(note(
        operation(77, b"title", text("a"), text("a")), operation(77, b"title")))),
    "an unknown operation with an open erased value": (
        False, encoded(note(operation(77, b"title", GONE)))),
    "an unknown operation with bad text": (
        False, encoded(note(operation(77, b"title", (TEXT, b"\xff"))))),
    "an unknown group with bad text": (
        False, encoded(foreign(UNKNOWN, operation(WRITE, b"title", (TEXT, b"\xff"))))),
    "an unknown group of bad bytes": (True, encoded(payload(UNKNOWN, b"\xff"))),
    "an unknown group that writes live": (
        True, encoded(foreign(UNKNOWN, operation(WRITE, b"title", (LIVE, b""))))),
    "an unknown group that writes twice": (True, encoded(foreign(
        UNKNOWN, operation(WRITE, b"title", text("a")), operation(WRITE, b"title", text("a"))))),
    "an unknown group with equal values": (
        True, encoded(foreign(UNKNOWN, operation(WRITE, b"title", text("a"), text("a"))))),
    "an unknown group that names a type": (True, encoded(
        foreign(UNKNOWN)._replace(type=b"note"))),
    "an unknown group of the casebook with operations": (True, encoded(
        foreign(UNKNOWN)._replace(subject=CASEBOOK, record=None))),
    "an unknown group that drops what is ahead": (False, encoded(
        foreign(UNKNOWN, operation(77, b"", drops=((A, 6, None),))))),
    "an unknown group about what is ahead": (
        False, encoded(foreign(UNKNOWN)._replace(record=((A, 6, None), 0)))),
    "a record of which an unknown group speaks too": (True, encoded(
        edited(1, origin=B), foreign(UNKNOWN))),
    "a record twice, by two hashes": (True, encoded(long(1, 1), long(1, 2))),
    "a record twice, by one hash": (False, encoded(long(1, 1), long(1, 1))),
    "a record twice, by one hash and none": (False, encoded(long(1, 1), edited(1))),
    "two records of one change": (True, encoded(edited(1), edited(1)._replace(
        record=((A, 1, None), 1)))),
    "a record created as a stub": (True, encoded(
        Group(RECORD, 1, None, STUB, b"", (), bytes(32)))),
    "two records created": (True, encoded(created(b"note"), created(b"note"))),
    "an erasure": (True, erasure(5)),
    "an erasure of what is ahead": (True, erasure(6)),
    "an erasure of what another wrote": (True, erasure(6, B)),
    "a receipt": (True, receipt(5)),
    "a receipt for what is ahead": (True, receipt(6)),
    "a redaction": (True, redaction(b"title")),
    "a redaction of no field": (False, redaction(b"")),
    "an admission with bytes behind it": (False, encoded(payload(
        ADMISSION, encode_payload("admission", NODE_B, 2, b"Olena") + b"\0"))),
    "an admission as operations": (False, encoded(Group(
        ADMISSION, CASEBOOK, None, OPERATIONS, b"", (), b""))),
}

ENTRIES = [(index.to_bytes(40, "big"), tips(1)) for index in range(4097)]
PEER = (NODE_B, 2**48 - 1, b"x" * 260)

MESSAGES = {
    "a hello of no version known": (True, encode("hello", 2**64 - 1, 0, 0, 0, [])),
    "a hello of 1,024 casebooks": (True, hello(1024)),
    "a hello of 1,025 casebooks": (False, hello(1025)),
    "a casebook twice": (False, encode("hello", 1, 0, 0, 0, [(bytes(32), bytes(16))] * 2)),
    "casebook 1,023": (True, encode("clock request", 1023)),
    "casebook 1,024": (False, encode("clock request", 1024)),
    "a clock of 4,096 origins": (True, encode("clock", 0, 0, ENTRIES[:4096])),
    "a clock of 4,097 origins": (False, encode("clock", 0, 0, ENTRIES)),
    "a clock of 4,097 tips": (False, encode("clock", 0, 0, [(A, tips(4097))])),
    "an acknowledgement of nothing": (True, encode("acknowledgement", 0, [])),
    "a locator of 4,096 points": (True, encode("locator", 0, A, tips(4096)[::-1])),
    "a locator of 4,097 points": (False, encode("locator", 0, A, tips(4097)[::-1])),
    "a locator of no points": (False, encode("locator", 0, A, [])),
    "a locator of one number twice": (False, encode("locator", 0, A, [
        (1, b"\2" * 16), (1, b"\1" * 16)])),
    "a want of everything": (True, encode("want", 0, A, 1, 2**64 - 1)),
    "a want from 0": (False, encode("want", 0, A, 0, 1)),
    "an address of 260 bytes": (True, encode("addresses", 0, [PEER])),
    "an address of 261 bytes": (False, encode("addresses", 0, [(NODE_B, 0, b"x" * 261)])),
    "an address seen too late": (False, encode("addresses", 0, [(NODE_B, 2**48, b"x")])),
    "no addresses": (True, encode("addresses", 0, [])),
    "an empty address": (True, encode("addresses", 0, [(NODE_B, 0, b"")])),
    "a close of an unknown code": (True, encode("close", 2**64 - 1, b"")),
    "a close of 200 bytes": (True, encode("close", 0, b"x" * 200)),
    "a name of 200 bytes": (True, encode("join", bytes(32), bytes(16), b"x" * 200)),
    "an empty name": (True, encode("join", bytes(32), bytes(16), b"")),
    "an empty batch": (True, encode("batch", 0, b"")),
    "a frame of 524,288 bytes": (True, encode("batch", 0, bytes(524_286))),
    "a frame of 524,289 bytes": (False, encode("batch", 0, bytes(524_287))),
    "a tag that isn't known": (True, bytes([0, 0, 0, 2, 0x7f, 0])),
}

EDGES = {name: ("batch", *edge) for name, edge in BATCHES.items()}
EDGES |= {name: ("message", *edge) for name, edge in MESSAGES.items()}
