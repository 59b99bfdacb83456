#!/usr/bin/env python3
"""Reads the vectors and computes the worked example, as Protocol/parley-1.md says in section 20."""
import argparse
import hashlib
import pathlib
import re
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "Tests" / "Assurance"))

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: E402

from results import Results  # noqa: E402
import batches  # noqa: E402
import changes as rules  # noqa: E402
import forms  # noqa: E402
import messages  # noqa: E402
import reading  # noqa: E402
from casebook import Casebook, clock_digest  # noqa: E402
from forms import Refusal  # noqa: E402
from vector_values import VALUES  # noqa: E402

PROTOCOL = pathlib.Path(__file__).resolve().parent.parent


class Vector:
    """One annotated file: `form`, `error` and `offset` from its notes, and the bytes."""

    def __init__(self, path):
        self.name, self.notes, self.data = path.stem, {}, b""
        for line in path.read_text("utf-8").splitlines():
            digits, _, comment = line.partition("#")
            note, colon, value = comment.partition(":")
            if colon and not digits:
                self.notes[note.strip()] = value.strip()
            self.data += bytes.fromhex(digits)
        self.form = self.notes["form"]

    @classmethod
    def all(cls, folder):
        return [cls(path) for path in sorted((PROTOCOL / "vectors" / folder).glob("*.hex"))]


def check_valid(vector):
    """What is wrong with how a valid vector is read; nothing where all is well."""
    try:
        value = reading.decode(vector.form, vector.data)
    except Refusal as refusal:
        return f"refused: {refusal}"
    if value != stated(vector.name):
        return f"read as {reading.rendering(vector.form, vector.data)}"
    if vector.form != "deflated batch" and reading.encode(vector.form, value) != vector.data:
        return f"encoded again as {reading.encode(vector.form, value).hex()}"
    return None


def stated(name):
    if name == "batch":
        return ["batch", 0, batches.encode(VALUES["columns-creation"])]
    return VALUES.get(name)


def check_invalid(vector):
    expected = f"{vector.notes['error']} at {vector.notes['offset']}"
    try:
        reading.decode(vector.form, vector.data)
    except Refusal as refusal:
        return None if str(refusal) == expected else f"{refusal} in place of {expected}"
    return "taken"


def worked_example():
    """What section 20 says of the two signed changes, computed: names and bytes."""
    vector = next(each for each in Vector.all("valid") if each.name == "signed-founding")
    first, second = reading.decode("batch", vector.data).changes
    seed, key = bytes(range(16, 32)), Ed25519PrivateKey.from_private_bytes(bytes(range(32)))

    def salt(group, slot):
        return rules.seeded_salt(seed, 2, group, slot)

    founding = rules.sha256(rules.seeded_salt(seed, 1, 0, 0), rules.group_bytes(
        first.groups[0], None))
    hash_1 = rules.sha256(rules.canonical_bytes(first, bytes(32), [founding]))
    secret = rules.commitment(salt(0, 2), b"307")
    record = rules.group_bytes(second.groups[0], lambda slot, text: secret)
    digests = [rules.sha256(salt(0, 0), record),
               rules.sha256(salt(1, 0), rules.group_bytes(second.groups[1], None))]
    hashed = rules.canonical_bytes(second, hash_1, digests)
    hash_2 = rules.sha256(hashed)
    head = rules.head_bytes(hash_1, second.origin, 2, hash_2)

    book = Casebook(hash_1)
    book.take(vector.data)
    (identity, state), = book.records().items()
    ticket = messages.ticket_body(hash_1, bytes(range(32, 64)), 2, second.origin,
                                  (2, hash_2[:16]), second.origin[:32])
    ticket += key.sign(b"parley-1 ticket\0" + ticket)
    return {
        "founding digest": founding, "hash of change 1": hash_1, "salt of slot 0": salt(0, 0),
        "salt of slot 2": salt(0, 2), "commitment": secret, "group bytes": record,
        "group digest": digests[0], "reason digest": digests[1], "hashed bytes": hashed,
        "hash of change 2": hash_2, "record ID": identity, "head": head,
        "signature": key.sign(head), "held clock": forms.entries(book.clock),
        "clock digest": clock_digest(book.clock), "canonical state": state.canonical(),
        "casebook digest": book.digest(), "ticket": ticket,
    }


def check_example():
    """Names of those parts of the example that the specification spells otherwise."""
    text = (PROTOCOL / "parley-1.md").read_text("utf-8").split("### Worked example")[1]
    spelled = re.sub(r"\s", "", text)
    wrong = [name for name, data in worked_example().items() if data.hex() not in spelled]
    code = "".join(re.search(r"parley1-.*(?:\n +\S+)*", text)[0].split())
    identity, node, secret, expiry, address = messages.decode_invitation(code)
    found = (secret, expiry, address)
    if found != (bytes(range(1, 17)), 1_800_000_000_000, b"node.example:7440"):
        wrong.append("invitation")
    if messages.encode_invitation(identity, node, *found) != code:
        wrong.append("invitation written")
    return wrong


def check_dictionary():
    """Section 8.4 gives the digest of the words that it lists."""
    digest = hashlib.sha256(batches.DICTIONARIES[1]).hexdigest()
    return digest in (PROTOCOL / "parley-1.md").read_text("utf-8")


def main():
    parser = argparse.ArgumentParser(
        description="Reads every vector with the reader in this folder: valid ones must give the "
                    "stated value and be encoded to the same bytes, invalid ones be refused with "
                    "the stated error and offset. Then computes the worked example of the "
                    "specification. Exit code 0 where all of that holds, 1 otherwise.")
    parser.add_argument("--verbose", action="store_true", help="also name what holds")
    parser.add_argument("--results", metavar="FILE", help="add a row for Protocol/assurance.md")
    options = parser.parse_args()
    failures = []
    counts = []
    for folder, check in (("valid", check_valid), ("invalid", check_invalid)):
        vectors = Vector.all(folder)
        wrong = {vector.name: reason for vector in vectors if (reason := check(vector))}
        if options.verbose:
            print(*(f"holds: {folder}/{vector.name}" for vector in vectors
                    if vector.name not in wrong), sep="\n")
        failures += [f"{folder}/{name}: {reason}" for name, reason in wrong.items()]
        counts.append(f"{len(vectors) - len(wrong)} of {len(vectors)} {folder}")
        print(f"{counts[-1]} vectors hold")
    failures += [f"worked example: {name} differs" for name in check_example()]
    if not check_dictionary():
        failures.append("dictionary 1 isn't what its digest says")
    print(*failures or ["the worked example and dictionary 1 hold"], sep="\n")
    if options.results:
        Results("Scripts/assure --only reference", options.results).row(
            "reference", "vectors and the worked example", ", ".join(counts), not failures)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
