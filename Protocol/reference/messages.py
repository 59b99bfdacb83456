"""Frames, messages, system payloads and invitations: sections 4, 5, 6.3 and 19."""
import hashlib

import forms
from forms import Reader, Refusal

FRAME_LIMIT, PAYLOAD_LIMIT = 524_288, 65_536
GOING_AWAY, MALFORMED, OUT_OF_PLACE, BAD_PROOF, NOT_ADMITTED = 0, 3, 4, 5, 6  # section 16
ROLES = {1: "coordinator", 2: "editor", 3: "reader"}


def frame_length(head, limit=FRAME_LIMIT):
    """How long tag and payload are that follow these four bytes. Section 4."""
    length = int.from_bytes(head, "big")
    if length == 0:
        raise Refusal("empty frame", 0)
    if length > limit:
        raise Refusal("frame too large", 0)
    return length


def decode_frame(data):
    """The message that one whole frame holds; `None` where its tag isn't known."""
    reader = Reader(data)
    length = frame_length(reader.take(4))
    tag, payload = reader.fixed(1), reader.take(length - 1)
    reader.end()
    return decode(tag, payload)


def decode(tag, payload):
    """A message as a list: its name, then its fields in the order of section 5."""
    if tag not in READERS:
        return None
    name, read = READERS[tag]
    reader = Reader(payload)
    fields = read(reader)
    reader.end()
    return [name, *fields]


def encode(name, *fields):
    """A whole frame; the fields are those that `decode` gives."""
    payload = WRITERS[name](*fields)
    return (len(payload) + 1).to_bytes(4, "big") + bytes([TAGS[name]]) + payload


def casebook(reader):
    return reader.number("casebook", high=1023)


def read_hello(reader):
    version = reader.number("version", low=1)
    required, optional, run = reader.varint(), reader.varint(), reader.fixed(8)
    count = reader.count(48, "casebook", high=1024)
    casebooks = reader.ascending(
        count, "casebook", lambda: (reader.take(32), reader.take(16)), key=lambda pair: pair[0])
    return version, required, optional, run, casebooks


def write_hello(version, required, optional, run, casebooks):
    numbers = b"".join(map(forms.varint, (version, required, optional)))
    return (numbers + run.to_bytes(8, "big") + forms.varint(len(casebooks))
            + b"".join(identity + digest for identity, digest in casebooks))


def read_clock(reader):
    index, start = casebook(reader), reader.offset
    flags = reader.fixed(1)
    if flags > 3:
        raise Refusal("reserved bits", start)
    return index, flags, reader.entries()


def read_locator(reader):
    index, origin = casebook(reader), reader.origin()
    count = reader.count(17, "tip", low=1, high=4096)
    points = reader.ascending(count, "tip", reader.tip, key=lambda point: -point[0])
    return index, origin, points


def write_locator(index, origin, points):
    return (forms.varint(index) + origin + forms.varint(len(points))
            + b"".join(map(forms.tip, points)))


def read_want(reader):
    index, origin, low = casebook(reader), reader.origin(), reader.number("sequence", low=1)
    return index, origin, low, reader.number("sequence", low=low)


def read_addresses(reader):
    def address():
        return reader.take(32), reader.number("time", high=2**48 - 1), reader.text(260)

    return casebook(reader), [address() for _ in range(reader.count(34))]


def write_addresses(index, addresses):
    return forms.varint(index) + forms.varint(len(addresses)) + b"".join(
        node + forms.varint(seen) + forms.string(text) for node, seen, text in addresses)


def read_ticket(reader):
    return (reader.take(32), reader.take(32), reader.number("role", 1, 3, size=1),
            reader.origin(), reader.tip(), reader.take(32), reader.take(64))


def ticket_body(identity, node, role, origin, admission, coordinator):
    """What a ticket's signature is over, less the domain text. Section 5.13."""
    return identity + node + bytes([role]) + origin + forms.tip(admission) + coordinator


READERS = {
    0x01: ("hello", read_hello),
    0x02: ("clock", read_clock),
    0x03: ("clock request", lambda reader: [casebook(reader)]),
    0x04: ("batch", lambda reader: (casebook(reader), reader.rest())),
    0x05: ("acknowledgement", lambda reader: (casebook(reader), reader.entries())),
    0x06: ("locator", read_locator),
    0x07: ("want", read_want),
    0x08: ("addresses", read_addresses),
    0x09: ("ping", lambda reader: [reader.fixed(8)]),
    0x0a: ("pong", lambda reader: [reader.fixed(8)]),
    0x0b: ("close", lambda reader: (reader.varint(), reader.text(200))),
    0x0c: ("caught up", lambda reader: (casebook(reader), reader.take(16))),
    0x20: ("join", lambda reader: (reader.take(32), reader.take(16), reader.text(200))),
    0x21: ("ticket", read_ticket),
    0x22: ("welcome", read_ticket),
}
TAGS = {name: tag for tag, (name, _) in READERS.items()}


def write_ticket(*fields):
    return ticket_body(*fields[:-1]) + fields[-1]


WRITERS = {
    "hello": write_hello,
    "clock": lambda index, flags, entries: (
        forms.varint(index) + bytes([flags]) + forms.entries(entries)),
    "clock request": forms.varint,
    "batch": lambda index, batch: forms.varint(index) + batch,
    "acknowledgement": lambda index, entries: forms.varint(index) + forms.entries(entries),
    "locator": write_locator,
    "want": lambda index, origin, low, high: (
        forms.varint(index) + origin + forms.varint(low) + forms.varint(high)),
    "addresses": write_addresses,
    "ping": lambda number: number.to_bytes(8, "big"),
    "pong": lambda number: number.to_bytes(8, "big"),
    "close": lambda code, text: forms.varint(code) + forms.string(text),
    "caught up": lambda index, digest: forms.varint(index) + digest,
    "join": lambda identity, secret, name: identity + secret + forms.string(name),
    "ticket": write_ticket,
    "welcome": write_ticket,
}


# System payloads, section 6.3

def read_founding(reader):
    return (reader.number("version", 1, 1), reader.take(16), reader.text(200), reader.text(200),
            reader.text(200), reader.varint())


def write_founding(version, nonce, casebook_name, member, schema, schema_version):
    return (forms.varint(version) + nonce + b"".join(map(forms.string, (
        casebook_name, member, schema))) + forms.varint(schema_version))


def read_cut(reader):
    node, start = reader.take(32), reader.offset
    entries = reader.entries()
    if any(origin[:32] != node for origin, _ in entries):
        raise Refusal("out of range: origin", start)
    return node, entries


PAYLOADS = {
    "founding": (read_founding, write_founding),
    "admission": (
        lambda reader: (reader.take(32), reader.number("role", 1, 3, size=1), reader.text(200)),
        lambda node, role, name: node + bytes([role]) + forms.string(name)),
    "cut": (read_cut, lambda node, entries: node + forms.entries(entries)),
    "erasure": (
        lambda reader: (reader.record_reference(), reader.text(PAYLOAD_LIMIT)),
        lambda record, basis: forms.record_reference(record) + forms.string(basis)),
    "receipt": (lambda reader: [reader.reference()], forms.reference),
    "redaction": (
        lambda reader: (reader.record_reference(), reader.name(), reader.text(PAYLOAD_LIMIT)),
        lambda record, field, basis: (
            forms.record_reference(record) + forms.string(field) + forms.string(basis))),
}


def decode_payload(name, data):
    reader = Reader(data)
    fields = PAYLOADS[name][0](reader)
    reader.end()
    return [name, *fields]


def encode_payload(name, *fields):
    return PAYLOADS[name][1](*fields)


# Invitations, section 19

SYMBOLS = "0123456789abcdefghjkmnpqrstvwxyz"


def decode_invitation(text):
    """An invitation's casebook, inviter, secret, expiry and address."""
    text = text.strip().lower().replace(" ", "-").translate(str.maketrans("oil", "011"))
    start, *parts = text.split("-")
    if start != "par1ey1":
        raise ValueError("an invitation begins with parley1")
    numbers = []
    for index, part in enumerate(parts):
        *symbols, check = map(SYMBOLS.find, part)
        if -1 in symbols or check != check_symbol(index, symbols):
            raise ValueError(f"part {index + 1} of the invitation is mistyped: {part}")
        numbers += symbols
    bits = "".join(f"{number:05b}" for number in numbers)
    data = bytes(int(bits[at:at + 8], 2) for at in range(0, len(bits) - 7, 8))
    if hashlib.sha256(data[:-4]).digest()[:4] != data[-4:]:
        raise ValueError("the invitation's checksum doesn't hold")
    reader = Reader(data[:-4])
    fields = (reader.take(32), reader.take(32), reader.take(16), reader.varint(), reader.text(260))
    reader.end()
    return fields


def encode_invitation(*fields):
    identity, node, secret, expiry, address = fields
    data = identity + node + secret + forms.varint(expiry) + forms.string(address)
    data += hashlib.sha256(data).digest()[:4]
    bits = "".join(f"{byte:08b}" for byte in data)
    numbers = [int(bits[at:at + 5].ljust(5, "0"), 2) for at in range(0, len(bits), 5)]
    parts = [numbers[at:at + 7] for at in range(0, len(numbers), 7)]
    return "-".join(["parley1", *("".join(
        SYMBOLS[number] for number in [*part, check_symbol(index, part)])
        for index, part in enumerate(parts))])


def check_symbol(index, part):
    return (index + sum(number * (2 * place + 1) for place, number in enumerate(part))) % 32
