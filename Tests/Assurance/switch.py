"""A switch between network namespaces that treats frames badly, in a seeded way.

    python3 switch.py SEED NAMESPACE...

Each namespace has a TAP device `wire`. Commands come as JSON lines on standard input; each is
answered with the counts so far, `{"frames", "bytes", "lost", "to": [BYTES, ...]}`:

    {"rule": {"from": 0, "to": 1, "loss": 0.1}}     changes the rule of one direction, or of all,
                                                    where `from` or `to` is missing
    {"count": true}                                 changes nothing

A rule: `open` (a closed direction drops everything), `delay` and `jitter` in seconds, `loss`,
`duplicate` and `reorder` as probabilities. Frames that were jittered may overtake each other.
"""
import ctypes
import fcntl
import heapq
import json
import os
import random
import select
import struct
import sys
import time

DEVICE = "wire"
TUNSETIFF = 0x400454CA
IFF_TAP_NO_PI = 0x0002 | 0x1000
CLONE_NEWNET = 0x40000000
BROADCAST = 1


def enter(descriptor):
    """Moves this thread into a network namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def open_tap(namespace):
    """Attaches to the namespace's device; the descriptor works from any namespace."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        enter(there)
        tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH", DEVICE.encode(), IFF_TAP_NO_PI))
        return tap
    finally:
        enter(home)
        os.close(there)
        os.close(home)


class Switch:
    """Frames on their way, by the time at which they arrive."""

    def __init__(self, seed, namespaces):
        self.random = random.Random(seed)
        self.taps = [open_tap(name) for name in namespaces]
        count = len(self.taps)
        self.rules = {(a, b): dict(open=True, delay=0.0, jitter=0.0, loss=0.0, duplicate=0.0,
                                   reorder=0.0)
                      for a in range(count) for b in range(count) if a != b}
        self.under_way, self.number = [], 0
        self.frames = self.bytes = self.lost = 0
        self.delivered = [0] * count

    def change(self, rule):
        source, target = rule.pop("from", None), rule.pop("to", None)
        for (a, b), present in self.rules.items():
            if source in (None, a) and target in (None, b):
                present.update(rule)

    def receive(self, source, frame, now):
        """Decides when and where a frame arrives, if at all."""
        for target in self.targets(source, frame):
            rule = self.rules[source, target]
            if not rule["open"] or self.random.random() < rule["loss"]:
                self.lost += 1
                continue
            copies = 2 if self.random.random() < rule["duplicate"] else 1
            for _ in range(copies):
                self.post(target, frame, now + self.pause(rule))

    def targets(self, source, frame):
        """The last byte of an address says whose it is."""
        if frame[0] & BROADCAST:
            return [other for other in range(len(self.taps)) if other != source]
        target = frame[5] - 1
        return [target] if (source, target) in self.rules else []

    def pause(self, rule):
        pause = rule["delay"] + self.random.uniform(-1, 1) * rule["jitter"]
        if self.random.random() < rule["reorder"]:
            pause += self.random.uniform(0, 0.05)
        return max(0.0, pause)

    def post(self, target, frame, due):
        if due <= time.monotonic():
            return self.deliver(target, frame)
        self.number += 1
        heapq.heappush(self.under_way, (due, self.number, target, frame))

    def deliver(self, target, frame):
        try:
            os.write(self.taps[target], frame)
        except OSError:
            self.lost += 1  # The device is down, or its queue full: a lost frame like any other.
            return
        self.frames += 1
        self.bytes += len(frame)
        self.delivered[target] += len(frame)

    def deliver_due(self):
        now = time.monotonic()
        while self.under_way and self.under_way[0][0] <= now:
            _, _, target, frame = heapq.heappop(self.under_way)
            self.deliver(target, frame)

    def patience(self):
        if not self.under_way:
            return None
        return max(0.0, self.under_way[0][0] - time.monotonic())

    def answer(self, command):
        if "rule" in command:
            self.change(command["rule"])
        return {"frames": self.frames, "bytes": self.bytes, "lost": self.lost,
                "to": self.delivered}

    def run(self):
        """Forwards until standard input ends."""
        sources = {tap: number for number, tap in enumerate(self.taps)}
        while True:
            ready, _, _ = select.select([sys.stdin, *self.taps], [], [], self.patience())
            self.deliver_due()
            for descriptor in ready:
                if descriptor is not sys.stdin:
                    self.drain(sources[descriptor], descriptor)
            if sys.stdin in ready:
                line = sys.stdin.readline()
                if not line:
                    return
                print(json.dumps(self.answer(json.loads(line))), flush=True)

    def drain(self, source, tap):
        """Some of what waits there, so that no device keeps the others from being read."""
        for _ in range(32):
            try:
                frame = os.read(tap, 65_536)
            except OSError:
                return  # Nothing more for now, or the device is down.
            self.receive(source, frame, time.monotonic())


if __name__ == "__main__":
    switch = Switch(int(sys.argv[1]), sys.argv[2:])
    print("ready", flush=True)
    switch.run()
