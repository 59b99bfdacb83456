#!/usr/bin/env python3
"""Says what stands in bytes, one line for each line of standard input.

A line is a form and the bytes in hexadecimal digits: `message 0000000205...`. Forms are those of
the vectors (section 20). The answer is the decoded value as one line of JSON without blanks, its
fields in the order of the specification and byte strings in hexadecimal digits; `unknown` for a
message whose tag isn't known; or `refused ERROR at OFFSET`.
"""
import json
import sys

import batches
import messages
from forms import Refusal


def decode(form, data):
    if form == "message":
        return messages.decode_frame(data)
    if form in ("batch", "deflated batch"):
        return batches.decode(data)
    return messages.decode_payload(form, data)


def encode(form, value):
    """The bytes of a decoded value, in plain columns."""
    if form == "message":
        return messages.encode(*value)
    return batches.encode(value) if "batch" in form else messages.encode_payload(*value)


def rendering(form, data):
    try:
        value = decode(form, data)
    except Refusal as refusal:
        return f"refused {refusal}"
    if value is None:
        return "unknown"
    return json.dumps(value, default=bytes.hex, separators=(",", ":"))


def main():
    for line in sys.stdin:
        form, digits = line.strip("\n").rsplit(" ", 1)
        print(rendering(form, bytes.fromhex(digits)), flush=True)


if __name__ == "__main__":
    main()
