"""What somebody does who wants a node to be unable to work, or to take in what is false."""
import contextlib
import os
import random
import select
import socket
import ssl
import struct

import peer
from peer import Peer, dial, frame, varint

EPOCH = (77).to_bytes(8, "big")
# The digest of a clock without entries: who says so lacks everything.
NOTHING = peer.digest(b"\0")[:16]
VECTORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "Protocol",
                       "vectors", "invalid")


# Single frames that a member sends after the hellos

def hostile_frames(key, casebook, seed):
    """Names and bytes of what must end the session at once."""
    chance = random.Random(seed)
    own = key.node + EPOCH
    told = {
        "1 KiB that inflates to 1 MiB": of_batch(own, bytes(1 << 20)),
        "the same, announced as 512 KiB": of_batch(own, bytes(1 << 20), announced=524_288),
        "64 KiB that inflate to 64 MiB": of_batch(own, bytes(1 << 26), announced=524_288),
        "the same, announced as 100 bytes": of_batch(own, bytes(1 << 26), announced=100),
        "512 KiB of zeros, rightly announced": of_batch(own, bytes(524_288)),
        "10,000 groups in 160 bytes": of_batch(own, peer.notes_columns(1024, 10), count=1024),
        "4 MiB of groups in 200 bytes": of_batch(
            own, peer.notes_columns(1024, 10, b"a" * 380), count=1024),
        "65,536 groups in 160 bytes": of_batch(own, peer.notes_columns(1024, 64), count=1024),
        "4 million groups in 160 bytes": of_batch(own, peer.notes_columns(1024, 4095), count=1024),
        "columns of 2^60 names": of_batch(own, varint(1 << 60) + bytes(100)),
        "forged batch": of_batch(own, peer.notes_columns(1, 1)),
        "log of an unknown key": of_batch(
            peer.Key(chance.randbytes(32)).node + EPOCH, peer.notes_columns(1, 1)),
        "batch after a gap": of_batch(own, peer.notes_columns(1, 1), first=100),
        "batch cut short": frame(peer.BATCH, b"\0" + own + b"\1\1\1"),
        "clock of 10^6 entries, announced": frame(peer.CLOCK, b"\0\1" + varint(10**6)),
        "clock of 9,000 entries": clock_page(9000, chance),
        "clock of 36,864 origins in 9 pages": b"".join(
            clock_page(4096, chance, number, more=True) for number in range(9)),
        "two clock requests": frame(peer.CLOCK_REQUEST, b"\0") * 2,
        "clock request for casebook 1,000": frame(peer.CLOCK_REQUEST, varint(1000)),
        "65 pings before a clock": b"".join(peer.ping(number) for number in range(65)),
        "300 wants": frame(peer.WANT, b"\0" + own + b"\1\1") * 300,
        "10^6 addresses, announced": frame(peer.ADDRESSES, b"\0" + varint(10**6)),
        "10^6 acknowledged, announced": frame(peer.ACKNOWLEDGEMENT, b"\0" + varint(10**6)),
        "a second hello": peer.hello(8),
        "hello of 10^6 casebooks": frame(peer.HELLO, b"\1\0\0" + bytes(8) + varint(10**6)),
        "join inside a session": frame(peer.JOIN, casebook + bytes(16) + b"\0"),
        "frame of 524,289 bytes": struct.pack(">IB", 524_289, 4),
        "frame of 4 GiB": struct.pack(">IB", 0xFFFFFFFF, 4),
        "frame of no bytes": bytes(4),
        "varint of 11 bytes": frame(peer.WANT, b"\xff" * 11),
    }
    for tag in (peer.HELLO, peer.CLOCK, peer.BATCH, peer.LOCATOR, peer.WANT, peer.CLOSE):
        told[f"garbage under tag {tag}"] = frame(tag, b"\0" + b"\xff" * 3000)
    return told


def of_batch(origin, columns, **options):
    return frame(peer.BATCH, b"\0" + peer.batch(origin, columns, **options))


def clock_page(count, chance, number=0, more=False):
    """Entries of origins that nobody has heard of."""
    entries = b"".join(
        peer.entry(struct.pack(">II", number, index) + chance.randbytes(32), 1, bytes(16))
        for index in range(count))
    flags = (1 if number == 0 else 0) | (2 if more else 0)
    return frame(peer.CLOCK, b"\0" + bytes([flags]) + varint(count) + entries)


def addresses(node, count, number):
    """Where a member is said to be: nowhere but on this machine."""
    told = b"".join(
        node + varint(1_700_000_000_000 + number * count + index)
        + peer.counted(f"127.9.{number % 250}.{index % 250}:{1 + index % 60_000}".encode())
        for index in range(count))
    return frame(peer.ADDRESSES, b"\0" + varint(count) + told)


def invalid_messages():
    """The frames of Protocol/vectors/invalid, by name."""
    found = {}
    for name in sorted(os.listdir(VECTORS)):
        with open(os.path.join(VECTORS, name), encoding="utf-8") as file:
            text = file.read()
        if "# form: message" in text:
            digits = "".join(line.split("#")[0] for line in text.splitlines())
            found[name.removesuffix(".hex")] = bytes.fromhex(digits)
    return found


# Attacks that go on until told to stop. Each is `attack(stop, target)`, in a process of its own;
# `target` says whom and with which keys. It returns how much it did.

class Target:
    """Whom to attack, and the keys of members that do."""

    def __init__(self, address, casebook, keys, seed):
        self.address, self.casebook, self.keys, self.seed = address, casebook, keys, seed
        self.contexts = [key.context() for key in keys]
        self.frames = [hostile_frames(key, casebook, seed) for key in keys]

    def greet(self, number, run=7, casebook=True, **options):
        """A session of one of the members, after both hellos."""
        connection = Peer(self.address, self.contexts[number], **options)
        named = [(self.casebook, NOTHING)] if casebook else []
        connection.say(peer.hello(run, named))
        if connection.wait_for(peer.HELLO) is None:
            connection.close()
            raise ConnectionError("no hello came back")
        return connection


def source(number):
    """One of many addresses of this machine, as the listener counts strangers by address."""
    return f"127.1.{number // 250}.{1 + number % 250}"


def idle(stop, target, count=1000):
    """As many connections as can be had, of which each says nothing; those cut come again."""
    held, done = [], 0
    while not stop.is_set():
        while len(held) < count:
            with contextlib.suppress(OSError):
                held.append(dial(target.address, source(done % 125)))
            done += 1
            if done % 50 == 0:
                break
        held = [each for each in held if not is_over(each)]
        stop.wait(0.05)
    for each in held:
        each.close()
    return done


def is_over(connection):
    """Whether the other side has hung up."""
    ready, _, _ = select.select([connection], [], [], 0) if connection.fileno() < 1000 \
        else poll_once(connection)
    if not ready:
        return False
    try:
        if connection.recv(1, socket.MSG_PEEK):
            return False
    except BlockingIOError:
        return False
    except OSError:
        pass
    connection.close()
    return True


def poll_once(connection):
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return poll.poll(0), [], []


def trickle(stop, target, count=64):
    """A byte a second: half of the connections before TLS, half inside it, as a member's too."""
    hello = tls_hello()
    held, done = [], 0
    while not stop.is_set():
        while len(held) < count:
            try:
                held.append(Trickle(target, len(held), hello))
            except OSError:
                break
        for each in list(held):
            done += 1
            if not each.step():
                held.remove(each)
        stop.wait(1)
    return done


def tls_hello():
    """The first bytes of an honest TLS client."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = peer.bare_context().wrap_bio(incoming, outgoing)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


class Trickle:
    """One connection on which a byte comes a second."""

    def __init__(self, target, number, hello):
        self.bytes = hello if number % 2 else frame(peer.JOIN, bytes(900))
        self.place = 0
        if number % 8 == 0:
            self.socket = target.greet(number % len(target.keys), timeout=5).socket
            self.bytes = frame(peer.BATCH, bytes(100_000))
        elif number % 2 == 0:
            self.socket = Peer(target.address, peer.Key().context(), source(number), 5).socket
        else:
            self.socket = dial(target.address, source(number), 5)

    def step(self):
        try:
            self.socket.sendall(self.bytes[self.place:self.place + 1])
        except OSError:
            self.socket.close()
            return False
        self.place += 1
        return self.place < len(self.bytes)


def handshakes(stop, target):
    """Strangers that finish TLS and go, as fast as they can."""
    context, done = peer.Key().context(), 0
    while not stop.is_set():
        with contextlib.suppress(OSError):
            Peer(target.address, context, source(done % 100), 5).close()
        done += 1
    return done


def hostile_members(stop, target):
    """Ten members take turns at saying everything a session ends at."""
    chance, done = random.Random(target.seed), 0
    frames = [list(each.values()) for each in target.frames]
    while not stop.is_set():
        number = done % len(target.keys)
        with contextlib.suppress(OSError, ConnectionError):
            with target.greet(number, run=chance.getrandbits(64), timeout=5) as connection:
                connection.say(chance.choice(frames[number]))
                for _ in connection.frames():
                    pass
        done += 1
    return done


def pings_unread(stop, target):
    """Every member asks for pongs without end and never reads one."""
    return flood(stop, target, lambda number: peer.ping(number) * 4000, reads=False)


def pings(stop, target):
    """The same, but read."""
    return flood(stop, target, lambda number: peer.ping(number) * 500, reads=True)


def unknown_frames(stop, target):
    """Frames of full size under a tag that nobody knows."""
    whole = frame(0x77, bytes(peer.FRAME_LIMIT - 1))
    return flood(stop, target, lambda number: whole, reads=True)


def wrong_addresses(stop, target):
    """Addresses without end, of a member that is elsewhere."""
    node = target.keys[0].node
    return flood(stop, target, lambda number: addresses(node, 200, number), reads=True,
                 casebook=True)


def clock_pages(stop, target):
    """Clocks of thousands of origins, each with its end, over and over."""
    chance = random.Random(target.seed)
    whole = clock_page(4096, chance) if target else b""
    return flood(stop, target, lambda number: whole, reads=True, casebook=True)


def wants(stop, target):
    """Asks for the whole log again and again, as fast as answers come."""
    ask = frame(peer.WANT, b"\0" + target.author + varint(1) + varint(1 << 40))
    return flood(stop, target, lambda number: ask * 8 + peer.ping(number), reads=True,
                 casebook=True)


def records_by_the_thousand(stop, target, batches=4, changes=1000, groups=10):
    """Every member writes as many records as go into a frame, by the rules and signed.

    170 bytes make 10,000.
    """
    context, sessions, done = known_tip(target), [], 0
    for number, key in enumerate(target.keys):
        author = peer.Author(key, target.casebook, context, EPOCH)
        sessions.append(target.greet(number, timeout=600))
        sessions[-1].say(b"".join(
            frame(peer.BATCH, b"\0" + author.notes(changes, groups, b"one of many"))
            for _ in range(batches)))
    for session in sessions:
        for _ in session.frames():
            if stop.is_set():
                break
        session.close()
        done += batches * changes * groups
    return done


def known_tip(target):
    """The newest change of the victim's own log, as it says itself; an author has to know of it."""
    with target.greet(0) as session:
        session.say(frame(peer.CLOCK, b"\0\1\0") + frame(peer.CLOCK_REQUEST, b"\0"))
        while True:
            page = session.wait_for(peer.CLOCK)
            if page is None:
                raise ConnectionError("no clock came")
            if target.author in page:
                return read_entry(page[page.index(target.author):])


def read_entry(data):
    """Origin, sequence number and hash of an entry with one tip."""
    sequence, place = 0, 41
    for shift in range(0, 70, 7):
        byte, place = data[place], place + 1
        sequence |= (byte & 127) << shift
        if byte < 128:
            break
    return data[:40], sequence, data[place:place + 16]


def never_reads(stop, target):
    """Every member lacks everything, and doesn't read what it is sent."""
    return flood(stop, target, lambda number: b"", reads=False, casebook=True)


def flood(stop, target, make, reads, casebook=False):
    """Sessions of all members, each sending as much as is taken; those that end begin again."""
    sessions, done = {}, 0
    while not stop.is_set():
        for number in range(len(target.keys)):
            if number not in sessions:
                with contextlib.suppress(OSError, ConnectionError):
                    sessions[number] = Flow(target.greet(number, casebook=casebook, timeout=5),
                                            casebook)
        moved = 0
        for number, flow in list(sessions.items()):
            try:
                moved += flow.step(make, reads)
            except (OSError, ssl.SSLError):
                sessions.pop(number).connection.close()
        done += moved
        if not moved:
            stop.wait(0.02)
    for flow in sessions.values():
        flow.connection.close()
    return done


class Flow:
    """One session without blocking."""

    def __init__(self, connection, casebook):
        self.connection, self.number, self.waiting = connection, 0, b""
        if casebook:  # A clock of nothing: everything is lacked.
            connection.say(frame(peer.CLOCK, b"\0\1\0"))
        connection.socket.setblocking(False)

    def step(self, make, reads):
        """Returns how many bytes went out or came in."""
        moved = self.read() if reads else 0
        if not self.waiting:
            self.waiting = make(self.number)
            self.number += 1
        with contextlib.suppress(ssl.SSLWantWriteError, ssl.SSLWantReadError):
            sent = self.connection.socket.send(self.waiting[:65_536]) if self.waiting else 0
            self.waiting = self.waiting[sent:]
            moved += sent
        return moved

    def read(self):
        moved = 0
        with contextlib.suppress(ssl.SSLWantReadError):
            while moved < 1 << 20:
                data = self.connection.socket.recv(65_536)
                if not data:
                    raise OSError("over")
                moved += len(data)
        return moved
