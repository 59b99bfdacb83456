"""The forms in which numbers, texts and names are written: sections 2 and 17.

Plain values stand for most things: an origin is its 40 bytes, a tip the pair (sequence, hash16), an
entry the pair (origin, tips), a reference the triple (origin, sequence, hash16 or None), a record
reference the pair (reference, group index).
"""
import re

LARGEST = 2**64 - 1
NAME = re.compile(rb"[a-z][a-z0-9_]{0,63}")


class Refusal(Exception):
    """Bytes that break the format: a name from section 17 and the offset where reading stopped."""

    def __init__(self, name, offset):
        super().__init__(f"{name} at {offset}")
        self.name, self.offset = name, offset


class Reader:
    """Takes one form after another from the front of some bytes."""

    def __init__(self, data, offset=0):
        self.data, self.offset = bytes(data), offset

    def left(self):
        return len(self.data) - self.offset

    def take(self, count, start=None):
        """So many bytes; `start` is where the form began that they belong to."""
        if count > self.left():
            raise Refusal("truncated", self.offset if start is None else start)
        self.offset += count
        return self.data[self.offset - count:self.offset]

    def rest(self):
        return self.take(self.left())

    def end(self):
        if self.left():
            raise Refusal("trailing bytes", self.offset)

    def fixed(self, size):
        """`u8`, `u16`, `u32`, `u64`."""
        return int.from_bytes(self.take(size), "big")

    def varint(self):
        start, number = self.offset, 0
        for place in range(10):
            byte = self.take(1, start)[0]
            number |= (byte & 127) << 7 * place
            if byte < 128:
                if (byte == 0 and place) or number > LARGEST:
                    break
                return number
        raise Refusal("malformed varint", start)

    def number(self, what, low=0, high=LARGEST, size=None):
        """A number within bounds, a varint unless it has a fixed size."""
        start = self.offset
        number = self.varint() if size is None else self.fixed(size)
        if not low <= number <= high:
            raise Refusal(f"out of range: {what}", start)
        return number

    def count(self, smallest, what="", low=0, high=LARGEST):
        """How many elements follow, of at least `smallest` bytes each."""
        start, count = self.offset, self.varint()
        if count > high:
            raise Refusal(f"limit exceeded: {what}s", start)
        if count < low:
            raise Refusal(f"out of range: {what}", start)
        if count > self.left() // smallest:
            raise Refusal("truncated", start)
        return count

    def ascending(self, count, what, read, key=lambda element: element):
        """So many elements, each above the one before."""
        elements = []
        for _ in range(count):
            start = self.offset
            element = read()
            if elements and key(element) <= key(elements[-1]):
                raise Refusal(f"unsorted: {what}", start)
            elements.append(element)
        return elements

    def string(self, high=LARGEST, what="text bytes"):
        """`bytes`: a length and that many bytes."""
        start, length = self.offset, self.varint()
        if length > high:
            raise Refusal(f"limit exceeded: {what}", start)
        return self.take(length, start)

    def text(self, high=LARGEST):
        start = self.offset
        text = self.string(high)
        if not is_text(text):
            raise Refusal("malformed text", start)
        return text

    def name(self):
        start = self.offset
        name = self.string(64)
        if not NAME.fullmatch(name):
            raise Refusal("malformed name", start)
        return name

    def origin(self):
        return self.take(40)

    def tip(self):
        return self.number("sequence", low=1), self.take(16)

    def entry(self):
        origin = self.origin()
        return origin, self.ascending(self.count(17, "tip", 1, 4096), "tip", self.tip)

    def entries(self):
        start, count = self.offset, self.count(58, "tip", high=4096)
        entries = self.ascending(count, "origin", self.entry, key=lambda entry: entry[0])
        if sum(len(tips) for _, tips in entries) > 4096:
            raise Refusal("limit exceeded: tips", start)
        return entries

    def reference(self):
        origin, sequence = self.origin(), self.number("sequence", low=1)
        is_long = self.number("flag", high=1, size=1)
        return origin, sequence, self.take(16) if is_long else None

    def record_reference(self):
        return self.reference(), self.number("group index", high=4095)


def is_text(data):
    try:
        data.decode("utf-8")
        return True
    except UnicodeDecodeError:
        return False


def varint(number):
    parts = []
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])


def zigzag(number):
    """The unsigned number that stands for a signed one."""
    return (number << 1) ^ (number >> 63)


def unzigzag(number):
    return (number >> 1) ^ -(number & 1)


def string(data):
    return varint(len(data)) + data


def tip(value):
    sequence, hash16 = value
    return varint(sequence) + hash16


def entries(values):
    """The `entries` form of (origin, tips) pairs, or of a dictionary of them, in any order."""
    pairs = sorted(dict(values).items())
    return varint(len(pairs)) + b"".join(
        origin + varint(len(tips)) + b"".join(map(tip, sorted(tips))) for origin, tips in pairs)


def reference(value):
    origin, sequence, hash16 = value
    return origin + varint(sequence) + (b"\0" if hash16 is None else b"\1" + hash16)


def record_reference(value):
    creation, group = value
    return reference(creation) + varint(group)
