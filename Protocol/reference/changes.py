"""Changes, the rules they keep, and what is hashed and signed of them: sections 6 and 7."""
import hashlib
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

import forms
import messages
from forms import Refusal

# Values, section 6.1: pairs of a tag and a payload.
ABSENT, TEXT, PRESENT, LIVE, DELETED, ERASED = range(6)
# Operations, section 6.2.
WRITE, RESOLVE, ADD, REMOVE, SET_STATE, RESOLVE_STATE = range(1, 7)
# Group kinds, subjects and contents, section 6.3.
RECORD, REASON, FOUNDING, ADMISSION, CUT, ERASURE, RECEIPT, REDACTION = range(8)
SYSTEM = {FOUNDING: "founding", ADMISSION: "admission", CUT: "cut", ERASURE: "erasure",
          RECEIPT: "receipt", REDACTION: "redaction"}
CASEBOOK, CREATED, EXISTING = range(3)
OPERATIONS, PAYLOAD, STUB = range(3)
CHANGE_LIMIT = 131_072


class Operation(NamedTuple):
    kind: int
    is_sensitive: int
    field: bytes  # empty for none
    values: tuple
    drops: tuple


class Group(NamedTuple):
    kind: int
    subject: int
    record: tuple | None  # a record reference, with subject EXISTING
    content: int
    type: bytes  # empty for none
    operations: tuple
    payload: bytes  # a payload, or a stub's digest


class Change(NamedTuple):
    origin: bytes
    sequence: int
    milliseconds: int
    counter: int
    context: tuple  # the delta's entries
    groups: tuple


# Rules, section 6.5

def check_shape(group, offset):
    """The rules that a group's form alone shows; its texts may be unknown yet (`None`)."""
    def require(condition, rule):
        if not condition:
            raise Refusal(f"broken rule: {rule}", offset)

    if group.kind == RECORD:
        require(group.subject in (CREATED, EXISTING) and group.content != PAYLOAD, "group form")
        if group.content == OPERATIONS:
            require(bool(group.type) == (group.subject == CREATED), "type")
    elif group.kind in (REASON, *SYSTEM):
        contents = (PAYLOAD, STUB) if group.kind == REASON else (PAYLOAD,)
        require(group.subject == CASEBOOK and group.content in contents, "group form")
    written = set()
    for operation in group.operations:
        tags = [tag for tag, _ in operation.values]
        require(operation.is_sensitive or ERASED not in tags, "erased without salt")
        if group.kind == RECORD and operation.kind in range(WRITE, RESOLVE_STATE + 1):
            check_operation(operation, tags, require)
            if operation.kind not in (ADD, REMOVE):
                require(operation.field not in written, "cell written twice")
                written.add(operation.field)


def check_operation(operation, tags, require):
    """Section 6.2's table."""
    is_of_state = operation.kind in (SET_STATE, RESOLVE_STATE)
    require(bool(operation.field) != is_of_state, "field")
    allowed = {LIVE, DELETED} if is_of_state else {TEXT, ERASED}
    if operation.kind in (WRITE, RESOLVE):
        allowed.add(ABSENT)
    require(tags and allowed.issuperset(tags), "values")
    require(operation.kind != SET_STATE or len(tags) == 1, "values")
    bare = [tag for tag in tags if tag not in (TEXT, ERASED)]
    require(len(set(bare)) == len(bare), "values")
    require(bool(operation.drops) == (operation.kind in (RESOLVE, RESOLVE_STATE)), "drops")


def check_change(change, offset):
    """The rules that show when a change has been put together."""
    def require(condition, rule):
        if not condition:
            raise Refusal(rule, offset)

    origins = [origin for origin, _ in change.context]
    require(change.origin not in origins, "broken rule: own origin")
    require(all(a < b for a, b in zip(origins, origins[1:])), "unsorted: context")
    require(sum(len(tips) for _, tips in change.context) <= 4096, "limit exceeded: tips")
    records = []
    for group in change.groups:
        if group.record and group.kind == RECORD:
            require(not any(may_be_same(group.record, other) for other in records),
                    "broken rule: record twice")
            records.append(group.record)
        references = [drop for operation in group.operations for drop in operation.drops]
        references += [group.record[0]] if group.record else []
        require(all(origin != change.origin or sequence < change.sequence
                    for origin, sequence, _ in references), "broken rule: reference ahead")
        check_texts(group, require)
        if group.kind in SYSTEM:
            messages.decode_payload(SYSTEM[group.kind], group.payload)
    require(size(change) <= CHANGE_LIMIT, "limit exceeded: change bytes")


def may_be_same(one, other):
    (*dot, hash16), index = one
    (*other_dot, other_hash), other_index = other
    is_told_apart = None not in (hash16, other_hash) and hash16 != other_hash
    return dot == other_dot and index == other_index and not is_told_apart


def check_texts(group, require):
    texts = [text for operation in group.operations
             for tag, text in operation.values if tag == TEXT]
    if group.kind == REASON and group.content == PAYLOAD:
        texts.append(group.payload)
    require(all(map(forms.is_text, texts)), "malformed text")
    elements = []
    for operation in group.operations if group.kind == RECORD else ():
        texts = [text for tag, text in operation.values if tag == TEXT]
        if operation.kind in (WRITE, RESOLVE):
            require(len(set(texts)) == len(texts), "broken rule: values")
        elif operation.kind in (ADD, REMOVE):
            elements += [(operation.field, text) for text in texts]
    require(len(set(elements)) == len(elements), "broken rule: cell written twice")


# Hashes and signatures, section 7

def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def seeded_salt(seed, sequence, group, slot):
    """Section 7.1."""
    return sha256(seed, sequence.to_bytes(8, "big"), group.to_bytes(4, "big"),
                  slot.to_bytes(4, "big"))[:16]


def commitment(salt, text):
    return sha256(salt, b"\1", text)


def group_bytes(group, commit):
    """Section 7.3; `commit(slot, text)` gives commitments."""
    if group.content == PAYLOAD:
        return b"\1" + forms.string(group.payload)
    parts, slot = [b"\0", forms.string(group.type), forms.varint(len(group.operations))], 0
    for operation in group.operations:
        parts += [bytes([operation.kind, operation.is_sensitive]), forms.string(operation.field),
                  forms.varint(len(operation.values))]
        for tag, payload in operation.values:
            slot += 1
            if tag == TEXT and operation.is_sensitive:
                parts += [bytes([TEXT]), commit(slot, payload)]
            elif tag == ERASED:
                parts += [bytes([TEXT]), payload]
            else:
                parts += [bytes([tag]), forms.string(payload) if tag == TEXT else b""]
        parts += [forms.varint(len(operation.drops)), *map(forms.reference, operation.drops)]
    return b"".join(parts)


def canonical_bytes(change, previous, digests):
    """What a change's hash is over. Section 7.2."""
    parts = [b"parley-1 change\0", previous, change.origin, forms.varint(change.sequence),
             change.milliseconds.to_bytes(6, "big"), change.counter.to_bytes(2, "big"),
             forms.entries(change.context), forms.varint(len(change.groups))]
    for group, digest in zip(change.groups, digests):
        parts.append(bytes([group.kind, group.subject]))
        parts += [forms.record_reference(group.record)] if group.record else []
        parts.append(digest)
    return b"".join(parts)


def change_hash(change, previous, salt):
    """The hash of a change; `salt(group, slot)` gives its salts."""
    digests = []
    for index, group in enumerate(change.groups):
        def commit(slot, text, index=index):
            return commitment(salt(index, slot), text)

        digests.append(group.payload if group.content == STUB else
                       sha256(salt(index, 0), group_bytes(group, commit)))
    return sha256(canonical_bytes(change, previous, digests))


def size(change):
    """Section 6.6."""
    placeholder = bytes(32)
    total = len(canonical_bytes(change, placeholder, [placeholder] * len(change.groups)))
    for group in change.groups:
        if group.content != STUB:
            total += len(group_bytes(group, lambda slot, text: placeholder))
        total += sum(len(text) for operation in group.operations if operation.is_sensitive
                     for tag, text in operation.values if tag == TEXT)
    return total


def salt_count(change):
    """How many salts its digests need: one a group that is no stub, one a sensitive text."""
    groups = [group for group in change.groups if group.content != STUB]
    return len(groups) + sum(
        tag == TEXT for group in groups for operation in group.operations
        if operation.is_sensitive for tag, _ in operation.values)


def head_bytes(casebook, origin, sequence, hash32):
    """What a head's signature is over. Section 7.4."""
    return b"parley-1 head\0" + casebook + origin + sequence.to_bytes(8, "big") + hash32


def is_signed(node, signature, data):
    try:
        Ed25519PublicKey.from_public_bytes(node).verify(signature, data)
        return True
    except (InvalidSignature, ValueError):
        return False


def record_id(hash32, group):
    """Section 7.5."""
    return sha256(hash32, group.to_bytes(4, "big"))[:16]
