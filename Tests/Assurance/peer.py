"""A peer that isn't Parley: TLS with a node's key, and whatever bytes one wants to say.

Written from Protocol/parley-1.md alone (§2 notation, §3 layers, §4 frames, §5 messages, §7 hashes,
§8 batches).
"""
import contextlib
import datetime
import functools
import hashlib
import os
import socket
import ssl
import struct
import tempfile
import zlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

FRAME_LIMIT = 524_288
HELLO, CLOCK, CLOCK_REQUEST, BATCH, ACKNOWLEDGEMENT, LOCATOR, WANT, ADDRESSES = range(1, 9)
PING, PONG, CLOSE, CAUGHT_UP = 0x09, 0x0A, 0x0B, 0x0C
JOIN, TICKET, WELCOME = 0x20, 0x21, 0x22


# Notation (§2)

def varint(number):
    result = bytearray()
    while number > 127:
        result.append(number & 127 | 128)
        number >>= 7
    return bytes(result) + bytes([number])


def counted(data):
    return varint(len(data)) + data


def zigzag(number):
    return varint((number << 1) ^ (number >> 63))


# Frames and messages (§4, §5)

def frames_in(data):
    """How many frames there are, one of false length or cut short counting as the last."""
    count, place = 0, 0
    while place < len(data):
        place += 4 + int.from_bytes(data[place:place + 4], "big")
        count += 1
    return count


def frame(tag, payload=b""):
    return struct.pack(">IB", len(payload) + 1, tag) + payload


def hello(run, casebooks=(), version=1, required=0):
    """- casebooks: pairs of ID and clock digest."""
    named = b"".join(casebook + digest for casebook, digest in sorted(casebooks))
    return frame(HELLO, varint(version) + varint(required) + b"\0" + struct.pack(">Q", run)
                 + varint(len(casebooks)) + named)


def entry(origin, sequence, mark):
    return origin + b"\1" + varint(sequence) + mark


def ping(number):
    return frame(PING, struct.pack(">Q", number))


# Batches (§8)

@functools.lru_cache(maxsize=64)
def deflated(columns, announced=None):
    """What stands after the signature: the announced length and the stream."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    stream = packer.compress(columns) + packer.flush()
    return varint(len(columns) if announced is None else announced) + stream


def batch(origin, columns, first=1, count=1, announced=None, plain=False, previous=b"",
          signature=b"\x5a" * 64):
    """- signature: without one, some that can't hold."""
    flags = (0 if plain else 1) | (2 if previous else 0)
    body = columns if plain else deflated(columns, announced)
    return (origin + varint(first) + varint(count) + bytes([flags]) + previous
            + signature + body)


MILLISECONDS = 1_700_000_000_000
SEED = bytes(16)


def notes_columns(changes, groups, title=b"x", context=None):
    """Columns of so many changes that create so many notes each, all alike.

    - context: origin, sequence number and 16 bytes of hash of what the first change knows of.
    """
    total, names = changes * groups, counted(b"note") + counted(b"title")
    origin, sequence, mark = context or (b"", 0, b"")
    return b"".join([
        b"\2" + names,
        counted_list([origin] if context else []),
        b"\1" + varint(changes) + b"\0" + SEED,
        b"\1" + bytes([0, 1, 0, 1, 1, 1, 0, 2, 1, 1, 0]),
        first_and_rest(zigzag(MILLISECONDS), zigzag(0), changes),
        same(0), same(groups),
        first_and_rest(b"\1", b"\0", changes) if context else same(0),
        same(1) + same(1) + same(sequence << 1) + mark if context else b"",
        same(0),
        # A dictionary of one, where that is shorter.
        b"\1\1" + same(len(title)) + title + same(0) if total > 1
        else b"\0" + same(len(title)) + title,
    ])


def same(number):
    """An integer column of equal elements."""
    return b"\0" + varint(number)


def first_and_rest(first, rest, count):
    """An integer column of which only the first element differs."""
    return b"\0" + first if count == 1 else b"\2" + first + b"\1" + rest + varint(count - 1)


def counted_list(items):
    return varint(len(items)) + b"".join(items)


class Author:
    """Writes a log of its own, by the rules (§7): chained, salted and signed."""

    def __init__(self, key, casebook, context, epoch):
        self.key, self.casebook, self.context = key, casebook, context
        self.origin = key.node + epoch
        self.sequence, self.hash = 0, bytes(32)

    def notes(self, changes, groups, title):
        """The next batch: so many changes that create so many notes each."""
        first, context = self.sequence + 1, self.context if self.sequence == 0 else None
        body = (b"\0" + counted(b"note") + b"\1" + b"\1\0" + counted(b"title")
                + b"\1\1" + counted(title) + b"\0")
        for number in range(changes):
            self.append(groups, body, context if number == 0 else None)
        signed = (b"parley-1 head\0" + self.casebook + self.origin
                  + struct.pack(">Q", self.sequence) + self.hash)
        return batch(self.origin, notes_columns(changes, groups, title, context), first, changes,
                     signature=self.key.private.sign(signed))

    def append(self, groups, body, context):
        self.sequence += 1
        delta = counted_list([entry(*context)] if context else [])
        told = b"".join(b"\0\1" + digest(self.salt(index) + body) for index in range(groups))
        self.hash = digest(
            b"parley-1 change\0" + self.hash + self.origin + varint(self.sequence)
            + struct.pack(">Q", MILLISECONDS << 16) + delta + varint(groups) + told)

    def salt(self, index):
        return digest(SEED + struct.pack(">QII", self.sequence, index, 0))[:16]


def digest(data):
    return hashlib.sha256(data).digest()


# Keys and TLS (§3)

class Key:
    """A node's key, or one of another kind, with a certificate that says nothing else."""

    def __init__(self, secret=None, curve=None):
        if curve:
            self.private = ec.generate_private_key(ec.SECP256R1())
        elif secret:
            self.private = ed25519.Ed25519PrivateKey.from_private_bytes(secret)
        else:
            self.private = ed25519.Ed25519PrivateKey.generate()

    @classmethod
    def of(cls, home):
        """The key of a home whose daemon was stopped."""
        with open(os.path.join(home, "node.key"), "rb") as file:
            return cls(file.read())

    @property
    def node(self):
        return self.private.public_key().public_bytes_raw()

    def certificate(self, name=None, start=0, end=4_000_000_000, signer=None):
        called = [x509.NameAttribute(x509.NameOID.COMMON_NAME, name)] if name else []
        signer = signer or self.private
        is_edwards = isinstance(signer, ed25519.Ed25519PrivateKey)
        moment = lambda seconds: datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
        built = (x509.CertificateBuilder().subject_name(x509.Name(called))
                 .issuer_name(x509.Name(called)).public_key(self.private.public_key())
                 .serial_number(1).not_valid_before(moment(start)).not_valid_after(moment(end))
                 .sign(signer, None if is_edwards else hashes.SHA256()))
        return built.public_bytes(serialization.Encoding.PEM)

    def context(self, version=ssl.TLSVersion.TLSv1_3, chain=None):
        context = bare_context(version)
        secret = self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption())
        with tempfile.NamedTemporaryFile(suffix=".pem") as file:
            file.write(secret + (chain or self.certificate()))
            file.flush()
            context.load_cert_chain(file.name)
        return context


def bare_context(version=ssl.TLSVersion.TLSv1_3):
    """Of a client that has nothing to show, and takes whoever answers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    return context


def dial(address, source=None, timeout=20):
    host, port = address.rsplit(":", 1)
    return socket.create_connection(
        (host, int(port)), timeout, source_address=(source, 0) if source else None)


class Peer:
    """One connection that speaks frames."""

    def __init__(self, address, context, source=None, timeout=20):
        self.socket = context.wrap_socket(dial(address, source, timeout))
        self.held = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def say(self, data):
        self.socket.sendall(data)

    def frames(self):
        """Frames as they come, until the other side hangs up."""
        while True:
            while len(self.held) >= 4:
                length = struct.unpack(">I", self.held[:4])[0]
                if len(self.held) < 4 + length:
                    break
                whole, self.held = self.held[4:4 + length], self.held[4 + length:]
                yield whole[0], whole[1:]
            try:
                data = self.socket.recv(65_536)
            except OSError:
                return
            if not data:
                return
            self.held += data

    def wait_for(self, tag):
        """The payload of the first frame with this tag; `None` where the connection ends before."""
        for seen, payload in self.frames():
            if seen == tag:
                return payload
        return None

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.close()
