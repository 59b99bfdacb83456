#!/usr/bin/env python3
"""Loro and Yrs (as pycrdt) on the workload that Scripts/bench gives Parley: two processes on loopback,
each change of a record made as one transaction, a receiver that has written and synced what it got.

What they are spared: signatures, encryption, members, queries, search. Prints JSON, one object an engine.
"""
import argparse
import json
import os
import random
import resource
import socket
import struct
import subprocess
import sys
import tempfile
import time

EDITABLE = ["status", "held_by", "count", "date", "place", "facility", "title", "notes"]
CONFLICTING = 0.1


class Loro:
    """One map a record, in a map of all."""
    name = "Loro"

    def __init__(self):
        import loro
        self.modes = loro.ExportMode
        self.vectors = loro.VersionVector
        self.maps = loro.LoroMap
        self.document = loro.LoroDoc()
        self.records = self.document.get_map("records")

    def create(self, key, fields):
        record = self.records.insert_container(key, self.maps())
        for field, value in fields.items():
            record.insert(field, value)
        self.document.commit()

    def edit(self, key, field, value):
        self.records.get(key).container.insert(field, value)
        self.document.commit()

    def follow(self, body):
        """Hands over the update of each edit from now on."""
        self.following = self.document.subscribe_local_update(lambda update: body(update) or True)

    def state(self):
        return self.document.oplog_vv.encode()

    def updates(self, state):
        since = self.vectors.decode(state) if state else self.vectors()
        return self.document.export(self.modes.Updates(since))

    def take(self, updates):
        self.document.import_(updates)


class Yrs:
    """One map a record, in a map of all."""
    name = "Yrs (pycrdt)"

    def __init__(self):
        import pycrdt
        self.maps = pycrdt.Map
        self.document = pycrdt.Doc()
        self.records = self.document.get("records", type=pycrdt.Map)

    def create(self, key, fields):
        with self.document.transaction():
            self.records[key] = self.maps(fields)

    def edit(self, key, field, value):
        with self.document.transaction():
            self.records[key][field] = value

    def follow(self, body):
        """Hands over the update of each edit from now on."""
        self.following = self.document.observe(lambda event: body(event.update))

    def state(self):
        return self.document.get_state()

    def updates(self, state):
        return self.document.get_update(state) if state else self.document.get_update()

    def take(self, updates):
        self.document.apply_update(updates)


ENGINES = {"loro": Loro, "yrs": Yrs}


class Wire:
    """Messages with a length before them, and how many bytes they took."""

    def __init__(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection = connection
        self.sent = self.received = 0

    def send(self, message):
        self.connection.sendall(struct.pack(">I", len(message)) + message)
        self.sent += 4 + len(message)

    def take(self):
        return self.exactly(struct.unpack(">I", self.exactly(4))[0])

    def exactly(self, count):
        parts = []
        while count > 0:
            part = self.connection.recv(min(count, 1 << 20))
            if not part:
                raise EOFError("the other process is gone")
            parts.append(part)
            self.received += len(part)
            count -= len(part)
        return b"".join(parts)


def keep(file, updates):
    file.write(updates)
    file.flush()
    os.fsync(file.fileno())


def peak_memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def edits(keys, count, seed):
    """The same fields on both sides for a tenth of them."""
    chance = random.Random(seed)
    places = [(chance.choice(keys), chance.choice(EDITABLE)) for _ in range(count)]
    shared = random.Random(5)
    for number in range(int(count * CONFLICTING)):
        places[number] = (shared.choice(keys), shared.choice(EDITABLE))
    return [(key, field, f"changed {seed} {number}") for number, (key, field) in enumerate(places)]


def receive(engine, port, count, keys):
    """The other side: takes everything, edits, meets again twice."""
    wire = Wire(socket.create_connection(("127.0.0.1", port)))
    with tempfile.NamedTemporaryFile() as file:
        wire.take()
        wire.send(engine.state())
        updates = wire.take()
        engine.take(updates)
        keep(file, updates)
        wire.send(json.dumps(peak_memory()).encode())
        for key, field, value in edits(keys, count, 2):
            engine.edit(key, field, value)
        wire.send(b"edited")
        for _ in range(2):
            theirs = wire.take()
            wire.send(engine.state())
            updates = wire.take()
            engine.take(updates)
            keep(file, updates)
            wire.send(engine.updates(theirs))
    return 0


def measure(name, records, count):
    engine = ENGINES[name]()
    for key, fields in records:
        engine.create(key, fields)
    keys = [key for key, _ in records]
    figures = {"engine": engine.name}
    with tempfile.NamedTemporaryFile() as file, socket.create_server(("127.0.0.1", 0)) as server:
        with tempfile.NamedTemporaryFile("w") as names:
            json.dump(keys, names)
            names.flush()
            other = subprocess.Popen(
                [sys.executable, __file__, "--receive", str(server.getsockname()[1]), "--engine",
                 name, "--edits", str(count), "--keys", names.name])
            wire = Wire(server.accept()[0])
            start = time.monotonic()
            wire.send(b"go")
            wire.send(engine.updates(wire.take()))
            figures["receiver_mebibytes"] = json.loads(wire.take())
            figures["cold_seconds"] = time.monotonic() - start
            figures["cold_bytes"] = wire.sent
        for key, field, value in edits(keys, count, 1):
            engine.edit(key, field, value)
        wire.take()
        for meeting in ("reconnect", "idle"):
            before = (wire.sent, wire.received)
            start = time.monotonic()
            wire.send(engine.state())
            wire.send(engine.updates(wire.take()))
            updates = wire.take()
            engine.take(updates)
            keep(file, updates)
            figures[meeting + "_seconds"] = time.monotonic() - start
            figures[meeting + "_bytes_out"] = wire.sent - before[0]
            figures[meeting + "_bytes_in"] = wire.received - before[1]
        kept = []
        engine.follow(lambda update: kept.append(keep(file, update)))
        start = time.monotonic()
        for key, field, value in edits(keys, count, 3):
            engine.edit(key, field, value)
        if len(kept) != count:
            sys.exit(f"{name}: {len(kept)} of {count} edits were kept")
        figures["edits_per_second"] = count / (time.monotonic() - start)
        other.wait()
    figures["sender_mebibytes"] = peak_memory()
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workload", help="the lines that parley import takes")
    parser.add_argument("--edits", type=int, default=1000)
    parser.add_argument("--engine", choices=ENGINES)
    parser.add_argument("--receive", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--keys", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.receive:
        with open(options.keys) as file:
            keys = json.load(file)
        return receive(ENGINES[options.engine](), options.receive, options.edits, keys)
    if options.engine:
        with open(options.workload) as file:
            records = [(f"{number:032x}", json.loads(line)["fields"])
                       for number, line in enumerate(file)]
        print(json.dumps(measure(options.engine, records, options.edits)))
        return 0
    # Each in processes of its own, so that peaks of memory are its own.
    for engine in ENGINES:
        done = subprocess.run(
            [sys.executable, __file__, "--engine", engine, "--workload", options.workload,
             "--edits", str(options.edits)])
        if done.returncode:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
