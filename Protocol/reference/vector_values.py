"""What the valid vectors state, by file name, in the values that decoding gives."""
from batches import Batch
from changes import (ABSENT, ADD, CASEBOOK, CREATED, DELETED, ERASED, EXISTING, FOUNDING, LIVE,
                     OPERATIONS, PAYLOAD, REASON, RECORD, RESOLVE, SET_STATE, STUB, TEXT, WRITE,
                     Change, Group, Operation)
from messages import encode_payload

NODE_A, NODE_B = bytes(range(0xa0, 0xc0)), bytes(range(0x40, 0x60))
A = NODE_A + bytes.fromhex("1122334455667788")
B = NODE_B + bytes.fromhex("0000000000000099")
IDENTITY, SIGNATURE, SEED = b"\xc5" * 32, b"\x5a" * 64, bytes(range(16, 32))
NEW_YEAR = 1_767_225_600_000  # 2026-01-01T00:00:00Z
FOUNDED = [1, bytes(range(16)), b"Exchanges 2026", b"Anna", b"casework", 1]
TICKET = [IDENTITY, NODE_B, 2, A, (2, b"\x77" * 16), NODE_A, SIGNATURE]
SIGNER = bytes.fromhex("03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"
                       "0102030405060708")
HEAD_2 = bytes.fromhex("a66772996fa86d2b2fdf20c9557ffb36a1c82cbae86805572881f16a7890f731"
                       "52978c01ab9bf2ccddc904767cc631d8b6c2431b01512aeb40cda01953372e0b")
NOTHING = (ABSENT, b"")


def text(value):
    return TEXT, value.encode()


def operation(kind, field, *values, sensitive=0, drops=()):
    return Operation(kind, sensitive, field, values, drops)


def created(kind, *operations):
    return Group(RECORD, CREATED, None, OPERATIONS, kind, operations, b"")


def edited(sequence, *operations, origin=A, hash16=None):
    return Group(RECORD, EXISTING, ((origin, sequence, hash16), 0), OPERATIONS, b"", operations,
                 b"")


def payload(kind, data):
    return Group(kind, CASEBOOK, None, PAYLOAD, b"", (), data)


def batch(first, *changes, previous=None, origin=A, signature=SIGNATURE, salts=None):
    """Changes are (milliseconds after new year, counter, context, groups...)."""
    whole = [Change(origin, first + index, NEW_YEAR + after, counter, context, tuple(groups))
             for index, (after, counter, context, *groups) in enumerate(changes)]
    return Batch(origin, first, previous, signature, whole, salts or [(len(whole), SEED)])


def sentence(index):
    return " ".join(["was", "released", "near", "town"][index >> place & 3]
                    for place in (0, 2, 4, 6))


CREATION = batch(1, (0, 0, (), created(
    b"person", operation(WRITE, b"name", text("Ір")),
    operation(WRITE, b"count_a", text("307"), sensitive=1)), payload(REASON, b"from TV ")))

VALUES = {
    "hello-one-casebook": ["hello", 1, 0, 0, 7, [(IDENTITY, b"\x1d" * 16)]],
    "hello-future-version": ["hello", 300, 512, 1, 0xfedcba9876543210, []],
    "clock-page-with-fork": ["clock", 0, 3, [
        (B, [(9, b"\x31" * 16), (9, b"\x32" * 16)]), (A, [(300, b"\x33" * 16)])]],
    "clock-empty": ["clock", 2, 0, []],
    "clock-request": ["clock request", 1],
    "acknowledgement": ["acknowledgement", 0, [(A, [(42, b"\x2a" * 16)])]],
    "locator": ["locator", 0, B, [(200, b"\4" * 16), (199, b"\3" * 16), (197, b"\2" * 16),
                                  (193, b"\1" * 16)]],
    "want": ["want", 0, A, 5, 130],
    "addresses": ["addresses", 0, [(NODE_B, NEW_YEAR, b"hq.example:4017")]],
    "ping": ["ping", 258],
    "pong": ["pong", 258],
    "close-not-admitted": ["close", 6, b"the invitation has expired"],
    "caught-up": ["caught up", 0, b"\x1d" * 16],
    "join": ["join", IDENTITY, bytes(range(16)), b"Olena"],
    "ticket": ["ticket", *TICKET],
    "welcome": ["welcome", *TICKET],
    "founding": ["founding", *FOUNDED],
    "admission": ["admission", NODE_B, 3, b"Borys"],
    "cut": ["cut", NODE_B, [(B, [(17, b"\x11" * 16)])]],
    "erasure": ["erasure", ((B, 4, b"\x44" * 16), 1), b"consent withdrawn"],
    "receipt": ["receipt", (A, 9, None)],
    "redaction": ["redaction", ((A, 3, None), 0), b"occupation", b"said in confidence"],
    "columns-creation": CREATION,
    "deflated": CREATION,
    "columns-dictionary": batch(10, *(
        (0, index, (), edited(2 * index + 2, operation(WRITE, b"status", text(status))))
        for index, status in enumerate(["released"] * 3 + ["disputed"]))),
    "columns-erased-and-unknown": batch(1, (0, 0, (), created(
        b"note",
        operation(ADD, b"alias", (ERASED, b"\xec" * 32), text("Wolf"), sensitive=1),
        operation(WRITE, b"note", NOTHING, text("ok")),
        operation(0x4d, b"", (LIVE, b""))), payload(0xc8, b"\1\2\3")),
        salts=[(1, [((0, 0, 0), b"\x70" * 16), ((0, 0, 2), b"\x72" * 16)])]),
    "columns-resolution-fork-stub": batch(
        6,
        (0, 3, ((B, [(9, b"\x31" * 16), (9, b"\x32" * 16)]),), edited(4, operation(
            RESOLVE, b"name", text("Iryn"), drops=((A, 5, None), (B, 8, None))))),
        (-5, 4, (), edited(
            9, operation(ADD, b"tags", text("red"), text("rush")),
            operation(SET_STATE, b"", (DELETED, b"")), origin=B, hash16=b"\x32" * 16),
         Group(RECORD, EXISTING, ((A, 2, None), 7), STUB, b"", (), b"\xdd" * 32)),
        previous=b"\x66" * 16),
    "columns-words": batch(1, *(
        (0, 0, (), created(b"note", operation(WRITE, b"note", text(sentence(index)))))
        for index in range(256))),
    "signed-founding": batch(
        1, (0, 0, (), payload(FOUNDING, encode_payload("founding", *FOUNDED))),
        (5, 1, (), created(
            b"person", operation(WRITE, b"name", text("Iryna")),
            operation(WRITE, b"count_a", text("307"), sensitive=1)), payload(REASON, b"from TV")),
        origin=SIGNER, signature=HEAD_2),
}
