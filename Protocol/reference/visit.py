#!/usr/bin/env python3
"""Joins a casebook by an invitation, says what is in it, writes a note on request, and leaves."""
import argparse
import sys

import messages
from changes import TEXT, WRITE, Operation
from peer import Closed, Node, Session, Violation


def shown(identity, record):
    """One line: the record's ID, type and registers; `|` between values in conflict."""
    fields = [f"{name.decode()}=" + "|".join(
        payload.decode() if tag == TEXT else "-" for tag, payload in cell.values())
        for name, cell in sorted(record.registers.items()) if cell.entries]
    return f"{identity.hex()} {record.type.decode()} {' '.join(fields)}"


def main():
    parser = argparse.ArgumentParser(
        description="Joins a casebook as a new member, prints its live records and its digest, and "
                    "leaves. What it held is gone then: for trying things out. Exit code 0 where "
                    "all of it was verified, 1 otherwise.")
    parser.add_argument("name", help="the name to go by")
    parser.add_argument("--address", metavar="HOST:PORT",
                        help="where the inviter is, if not where the invitation says")
    parser.add_argument("--note", metavar="TITLE", help="also write a note with this title")
    parser.epilog = "The invitation is read from standard input: parley invite | visit.py guest"
    options = parser.parse_args()
    try:
        identity, inviter, secret, _, address = messages.decode_invitation(sys.stdin.readline())
        node = Node(identity)
        session = Session(node, options.address or address.decode(), inviter)
        print("joined, as", session.join(secret, options.name.encode()))
        session.greet()
        session.until(lambda: session.peer_caught_up)
        session.settle()
        if options.note:
            title = (TEXT, options.note.encode())
            node.create(b"note", [Operation(WRITE, 0, b"title", (title,), ())])
            session.send_missing()
            session.settle()
        session.close()
    except (Closed, Violation, OSError, ValueError) as error:
        sys.exit(f"error: {error}")
    for record in sorted(node.casebook.records().items(), key=lambda pair: pair[0]):
        if record[1].is_live:
            print(shown(*record))
    print(f"{len(node.casebook.applied)} changes, digest {node.casebook.digest().hex()}")


if __name__ == "__main__":
    main()
