"""Damaged messages and batches, always the same ones for a seed.

Half of them are samples, vectors for example, with some bytes changed. The others are samples whose
*values* were changed and then encoded, in any of the encodings that fit: those get past the first
checks and reach the rules.
"""
import random
from typing import NamedTuple
from unittest import mock

import batches
import columns
import reading
from forms import Refusal
from vector_values import NODE_A, NODE_B, A, B

NUMBERS = [0, 1, 2, 3, 4, 5, 6, 7, 63, 64, 127, 128, 199, 200, 201, 255, 256, 1023, 1024, 4095,
           4096, 65_535, 65_536, 2**32, 2**48 - 1, 2**48, 2**63 - 1, 2**63, 2**64 - 2, 2**64 - 1]
STRINGS = [b"", b"a", b"name", b"title", b"Name", b"_a", b"a" * 64, b"a" * 65, b"x y  z", b" ",
           b"-0", b"0", b"-9223372036854775808", b"9223372036854775808", b"007", b"\xff",
           b"\xed\xa0\x80", "é".encode(), b"\0", A, B, NODE_A, NODE_B, bytes(16), bytes(32),
           bytes(64)]
# What writing a value raises that can't be written.
UNWRITABLE = (AttributeError, IndexError, KeyError, OverflowError, Refusal, StopIteration,
              TypeError, ValueError)


class Sample(NamedTuple):
    form: str  # see reading.py
    data: bytes


def mutants(samples, seed, count):
    """So many pairs of a form and bytes."""
    draw, made = random.Random(seed), 0
    while made < count:
        sample = draw.choice(samples)
        change = draw.choice([changed_bytes, changed_value])
        try:
            data = change(draw, sample)
        except UNWRITABLE:
            continue
        if data:
            made += 1
            yield sample.form, data


def changed_bytes(draw, sample):
    data = sample.data
    for _ in range(draw.choice([1, 1, 1, 2, 4])):
        at = draw.randrange(len(data) + 1)
        length = draw.choice([1, 1, 2, 16, 40])
        data = draw.choice([
            lambda: data[:at] + bytes([draw.randrange(256)]) + data[at + 1:],
            lambda: data[:at] + bytes([draw.choice([0, 1, 2, 127, 128, 255])]) + data[at + 1:],
            lambda: data[:at] + bytes([(data[at] + draw.choice([-1, 1])) % 256]) + data[at + 1:],
            lambda: data[:at] + data[at + length:],
            lambda: data[:at] + data[at:at + length] + data[at:],
            lambda: data[:at] + draw.randbytes(length) + data[at:],
            lambda: data[:at],
        ])()
    # Most damaged messages get a frame that fits, so that their payload is read at all.
    if sample.form == "message" and draw.random() < 0.9 and len(data) > 4:
        data = (len(data) - 4).to_bytes(4, "big") + data[4:]
    return data


def changed_value(draw, sample):
    value = reading.decode(sample.form, sample.data)
    for _ in range(draw.choice([0, 1, 1, 1, 2, 2, 3, 5])):
        value = changed(draw, value)
    if "batch" not in sample.form:
        return reading.encode(sample.form, value)
    choose = draw.choice([columns.shortest, draw.choice])
    dictionary = draw.choice([0, 1, 2]) if sample.form == "deflated batch" else None
    with mock.patch.object(columns, "shortest", choose):
        return batches.encode(value, dictionary)


def changed(draw, value):
    """A value with one thing in it changed."""
    if isinstance(value, (tuple, list)) and value and draw.random() < 0.9:
        at = draw.randrange(len(value))
        if type(value) in (tuple, list) and draw.random() < 0.2:
            parts = rearranged(draw, list(value), at)
        else:
            parts = [*value[:at], changed(draw, value[at]), *value[at + 1:]]
        return type(value)._make(parts) if hasattr(value, "_make") else type(value)(parts)
    if isinstance(value, bool) or value is None:
        return draw.choice([None, bytes(16), b"\1" * 16])
    if isinstance(value, int):
        return draw.choice([value + 1, value - 1, draw.choice(NUMBERS), draw.choice(NUMBERS[:8])])
    if isinstance(value, bytes):
        return changed_string(draw, value)
    return value


def rearranged(draw, parts, at):
    other = draw.randrange(len(parts))
    return draw.choice([
        lambda: parts[:at] + parts[at + 1:],
        lambda: parts[:at] + [parts[at]] + parts[at:],
        lambda: parts[:at] + [parts[other]] + parts[at + 1:],
        lambda: parts[::-1],
        lambda: parts + [parts[at]],
    ])()


def changed_string(draw, data):
    if not data:
        return draw.choice(STRINGS)
    at = draw.randrange(len(data))
    return draw.choice([
        lambda: data[:at] + bytes([data[at] ^ 1 << draw.randrange(8)]) + data[at + 1:],
        lambda: data[:-1] + bytes([(data[-1] + 1) % 256]),
        lambda: draw.choice(STRINGS),
        lambda: draw.choice([text for text in STRINGS if len(text) == len(data)] or [data[::-1]]),
        lambda: data * draw.choice([2, 20, 2000]) if len(data) < 40 else data,
    ])()
