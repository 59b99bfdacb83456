"""A node that dials: its key, its own log, and its sessions. Sections 3, 5 and 11.

It keeps everything in memory and so keeps no promise of section 11 that asks for a disk: what it
acknowledges is gone when it ends. For checks only.
"""
import datetime
import os
import socket
import ssl
import tempfile
import time

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

import batches
import changes as rules
import messages
from casebook import Casebook, Refused, clock_digest
from changes import CREATED, EXISTING, OPERATIONS, PAYLOAD, REASON, RECORD, Change, Group
from messages import GOING_AWAY, OUT_OF_PLACE

FORGET, MORE = 1, 2  # flags of a clock, section 5.3


class Closed(Exception):
    """The other side ended the session; code `None` where it didn't say why."""

    def __init__(self, code, text=""):
        super().__init__(f"closed with code {code} {text}")
        self.code = code


class Violation(Exception):
    """The other side broke the protocol."""

    def __init__(self, code, reason):
        super().__init__(reason)
        self.code = code


class Node:
    """A key pair, a casebook, the log that this node writes, and what it remembers of peers."""

    def __init__(self, casebook, original=None, randomness=os.urandom):
        """- original: a node of which this one is a copy, with its key and all that it holds."""
        self.randomness = randomness
        self.key = (original.key if original else
                    Ed25519PrivateKey.from_private_bytes(randomness(32)))
        self.id = public_bytes(self.key.public_key())
        self.begin_epoch()
        self.casebook = Casebook(casebook)
        if original:
            self.origin = original.origin
            for data, _ in original.casebook.stored:
                self.casebook.take(data)
        self.run, self.seed = int.from_bytes(randomness(8), "big"), randomness(16)
        self.remembered = {}  # clocks of peers, by node
        self.ticket = None

    def begin_epoch(self):
        """Section 12."""
        self.origin = self.id + self.randomness(8)

    def write(self, *groups):
        """Adds a change to the own log; returns it as held."""
        return self.casebook.take(self.packed(*groups)[0])

    def packed(self, *groups):
        """The next change of the own log as a signed batch, and the change."""
        book = self.casebook
        tips = book.clock.get(self.origin)
        previous = book.held[self.origin, *tips[0]] if tips else None
        before = previous.context if previous else {}
        context = [(origin, tuple(tips)) for origin, tips in sorted(book.applied_clock.items())
                   if origin != self.origin and before.get(origin) != tips]
        moment = max(int(time.time() * 1000) << 16, book.newest + 1)
        change = Change(self.origin, previous.change.sequence + 1 if previous else 1,
                        moment >> 16, moment & 65_535, tuple(context), groups)
        batch = batches.Batch(self.origin, change.sequence, None, bytes(64), [change],
                              [(1, self.seed)])
        head = book.chained(batch, previous)[-1]
        signature = self.key.sign(rules.head_bytes(
            book.identity, self.origin, change.sequence, head.hash))
        return batches.encode(batch._replace(signature=signature)), change

    def create(self, kind, operations, reason=None):
        """A change that creates a record; returns the reference to it."""
        held = self.write(Group(RECORD, CREATED, None, OPERATIONS, kind, tuple(operations), b""),
                          *self.reason(reason))
        return (self.origin, held.change.sequence, None), 0

    def edit(self, record, operations, reason=None):
        return self.write(Group(RECORD, EXISTING, record, OPERATIONS, b"", tuple(operations), b""),
                          *self.reason(reason))

    def reason(self, text):
        return [Group(REASON, 0, None, PAYLOAD, b"", (), text)] if text else []

    def certificate(self):
        """A self-signed certificate of the node's key. Section 3."""
        name = x509.Name([])
        start = datetime.datetime(2026, 1, 1)
        return (x509.CertificateBuilder().subject_name(name).issuer_name(name)
                .public_key(self.key.public_key()).serial_number(1).not_valid_before(start)
                .not_valid_after(start + datetime.timedelta(days=36_500)).sign(self.key, None))

    def tls(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        # Nobody vouches for a node's certificate: the key in it is compared, in `Session`.
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with tempfile.NamedTemporaryFile() as file:
            file.write(self.certificate().public_bytes(serialization.Encoding.PEM))
            file.write(self.key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption()))
            file.flush()
            context.load_cert_chain(file.name)
        return context


class Session:
    """One connection to a node whose key is known."""

    def __init__(self, node, address, peer, patience=30):
        self.node, self.peer, self.casebook = node, peer, node.casebook
        host, port = address.rsplit(":", 1)
        plain = socket.create_connection((host.strip("[]"), int(port)), timeout=patience)
        self.socket = node.tls().wrap_socket(plain)
        certificate = x509.load_der_x509_certificate(self.socket.getpeercert(binary_form=True))
        key = certificate.public_key()
        if not isinstance(key, Ed25519PublicKey) or public_bytes(key) != peer:
            self.socket.close()
            raise Violation(None, "another node answers at this address")
        self.clock = dict(node.remembered.get(peer, {}))  # what is known of the peer's
        self.peer_hello = self.peer_caught_up = None
        self.is_compared = self.has_asked = self.is_clock_sent = False
        self.pages = 0
        self.unacknowledged, self.pongs = {}, set()
        self.located, self.awaited = set(), set()  # origins: ours were sent, theirs are to come
        self.received = []  # names of messages in their order
        self.says_caught_up = False

    # Frames

    def send(self, name, *fields):
        try:
            self.socket.sendall(messages.encode(name, *fields))
        except OSError:
            raise Closed(None) from None

    def receive(self):
        """The next message whose tag is known."""
        while True:
            length = messages.frame_length(self.read(4))
            frame = self.read(length)
            message = messages.decode(frame[0], frame[1:])
            if message:
                self.received.append(message[0])
                if message[0] == "close":
                    raise Closed(*message[1:])
                return message

    def read(self, count):
        data = b""
        while len(data) < count:
            try:
                part = self.socket.recv(count - len(data))
            except (ConnectionError, ssl.SSLError):
                part = b""
            if not part:
                raise Closed(None)
            data += part
        return data

    def close(self, code=GOING_AWAY, text=b""):
        self.node.remembered[self.peer] = self.clock
        try:
            self.send("close", code, text)
        except Closed:
            pass
        self.socket.close()

    # Greeting, section 5.1

    def join(self, secret, name):
        self.send("join", self.casebook.identity, secret, name)
        answer, *ticket = self.receive()
        if answer != "welcome":
            raise Violation(OUT_OF_PLACE, f"{answer} in place of a welcome")
        identity, node, role, *_, coordinator, signature = ticket
        signed = b"parley-1 ticket\0" + messages.ticket_body(*ticket[:-1])
        if (identity, node) != (self.casebook.identity, self.node.id):
            raise Violation(OUT_OF_PLACE, "a welcome for somebody else")
        if coordinator != self.peer or not rules.is_signed(coordinator, signature, signed):
            raise Violation(messages.BAD_PROOF, "the welcome isn't signed by the inviter")
        self.node.ticket = ticket
        return messages.ROLES[role]

    def greet(self):
        """Both hellos, then each other's clocks."""
        digest = clock_digest(self.casebook.clock)
        self.send("hello", 1, 0, 0, self.node.run, [(self.casebook.identity, digest)])
        name, *fields = self.receive()
        if name != "hello":
            raise Violation(OUT_OF_PLACE, f"{name} in place of a hello")
        _, required, _, _, casebooks = fields
        if required:
            raise Violation(2, "a required feature is missing")
        named = [identity for identity, _ in casebooks]
        if self.casebook.identity not in named:
            raise Violation(None, "the other side doesn't name the casebook")
        self.peer_index = named.index(self.casebook.identity)
        self.peer_digest = casebooks[self.peer_index][1]
        if self.peer_digest == digest:
            self.clock = {origin: list(tips) for origin, tips in self.casebook.clock.items()}
            self.is_compared = self.says_caught_up = True
            self.peer_caught_up = digest
        else:
            self.send_clock(0)
        self.until(lambda: self.is_compared)
        self.send_missing()

    def send_clock(self, flags):
        """In pages of at most 4,096 tips. Section 5.3."""
        pages, size = [[]], 0
        for origin, tips in sorted(self.casebook.clock.items()):
            if size + len(tips) > 4096:
                pages.append([])
                size = 0
            pages[-1].append((origin, tips))
            size += len(tips)
        for page in pages:
            more = MORE if page is not pages[-1] else 0
            self.send("clock", 0, flags | more, page)
            flags = 0

    # The conversation

    def until(self, condition):
        while not condition():
            self.handle(*self.receive())

    def settle(self):
        """Asks "and then?" and takes in all that comes before the answer."""
        number = int.from_bytes(os.urandom(8), "big")
        self.send("ping", number)
        self.until(lambda: number in self.pongs and not self.unacknowledged)

    def handle(self, name, *fields):
        handler = getattr(self, "on_" + name.replace(" ", "_"), None)
        if handler is None:
            self.close(OUT_OF_PLACE)
            raise Violation(OUT_OF_PLACE, f"{name} within a session")
        if name in ("ping", "pong", "welcome"):
            handler(*fields)
        elif fields[0] == self.peer_index:
            handler(*fields[1:])

    def on_clock(self, flags, entries):
        self.pages += 1
        if self.is_compared or self.pages > 32_768:
            raise Violation(OUT_OF_PLACE, "a clock after comparison is settled")
        if flags & FORGET:
            self.clock = {}
        self.clock.update(entries)
        if flags & MORE:
            return
        if clock_digest(self.clock) == self.peer_digest:
            self.is_compared = True
        elif self.has_asked:
            raise Violation(OUT_OF_PLACE, "a whole clock that isn't that of the hello")
        else:
            self.has_asked = True
            self.send("clock request", 0)

    def on_clock_request(self):
        if self.is_clock_sent:
            raise Violation(OUT_OF_PLACE, "a second clock request")
        self.is_clock_sent = True
        self.send_clock(FORGET)

    def on_batch(self, data):
        try:
            last = self.casebook.take(data)
        except Refused as refusal:
            self.close(refusal.code)
            raise Violation(refusal.code, str(refusal)) from None
        origin = last.change.origin
        self.learn(last)
        self.send("acknowledgement", 0, [(origin, self.casebook.clock[origin])])

    def learn(self, held):
        """The peer holds this change and all before it."""
        if not self.casebook.covers(self.clock, held.dot):
            before = {each.dot[1:] for each in self.casebook.ancestors(held)}
            tips = [tip for tip in self.clock.get(held.change.origin, []) if tip not in before]
            self.clock[held.change.origin] = sorted([*tips, held.dot[1:]])

    def on_acknowledgement(self, entries):
        for origin, tips in entries:
            for tip in tips:
                if held := self.casebook.held.get((origin, *tip)):
                    self.learn(held)
        self.unacknowledged = {dot: held for dot, held in self.unacknowledged.items()
                               if not self.casebook.covers(self.clock, dot)}

    def on_caught_up(self, digest):
        self.peer_caught_up = digest

    def on_addresses(self, addresses):
        self.addresses = addresses

    def on_welcome(self, *ticket):
        """Within a session it is ignored."""

    def on_ping(self, number):
        self.send_missing()
        self.send("pong", number)

    def on_pong(self, number):
        self.pongs.add(number)

    # Sending, section 11

    def send_missing(self):
        """All that is applied and that the peer lacks, as it is stored; then says so, once."""
        if not self.is_compared:
            return
        for origin in set(self.forked_from_peer()) - self.located:
            self.awaited.add(origin)
            self.locate(origin)
        for data, taken in self.casebook.stored:
            if taken[0].change.origin not in self.awaited and self.is_offered(taken):
                self.send("batch", 0, self.named(data, taken[0].previous))
                self.learn(taken[-1])
                self.unacknowledged[taken[-1].dot] = taken[-1]
        if not self.says_caught_up and not self.awaited:
            self.says_caught_up = True
            self.send("caught up", 0, clock_digest(self.casebook.applied_clock))

    def is_offered(self, taken):
        """A run that is applied and that the peer lacks, as far as its clock tells."""
        origin = taken[0].change.origin
        # A longer log than ours, most likely: it comes from the peer, and covers this run then.
        goes_on = origin not in self.located and any(
            (origin, *tip) not in self.casebook.held and tip[0] > taken[-1].change.sequence
            for tip in self.clock.get(origin, []))
        is_known = all(self.casebook.covers(self.clock, held.dot) for held in taken)
        return all(held.is_applied for held in taken) and not goes_on and not is_known

    def named(self, data, previous):
        """A batch that says what it follows, where its log has forked. Section 12."""
        batch = batches.decode(data)
        is_forked = len(self.casebook.clock[batch.origin]) > 1
        if not is_forked or batch.previous or previous is None:
            return data
        return batches.encode(batch._replace(previous=previous.hash[:16]))

    def forked_from_peer(self):
        """Origins of which the peer shows a tip that stands beside our log. Section 12."""
        for origin, tips in self.clock.items():
            own = self.casebook.clock.get(origin, [])
            if own and any((origin, *tip) not in self.casebook.held and tip[0] <= own[-1][0]
                           for tip in tips):
                yield origin

    def locate(self, origin):
        """A locator of each branch. Section 5.7."""
        self.located.add(origin)
        for tip in self.casebook.clock[origin]:
            chain = list(self.casebook.ancestors(self.casebook.held[origin, *tip]))
            places = [0, *(2**power for power in range(64) if 2**power < len(chain) - 1)]
            points = [chain[place] for place in dict.fromkeys([*places, len(chain) - 1])]
            self.send("locator", 0, origin, [point.dot[1:] for point in points])

    def on_locator(self, origin, points):
        for point in points:
            if held := self.casebook.held.get((origin, *point)):
                self.learn(held)
                break
        self.awaited.discard(origin)
        if origin in self.casebook.clock and origin not in self.located:
            self.locate(origin)
        self.send_missing()

    def on_want(self, origin, low, high):
        """Stored runs that hold some of these changes, one batch limit of them."""
        room = batches.BATCH_LIMIT
        for data, taken in self.casebook.stored:
            wanted = taken[0].change.origin == origin and any(
                low <= held.change.sequence <= high for held in taken)
            if wanted and len(data) <= room:
                room -= len(data)
                self.send("batch", 0, data)


def public_bytes(key):
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
