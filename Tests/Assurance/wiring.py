"""Network namespaces joined by a switch, and what can be done to them."""
import contextlib
import json
import os
import re
import subprocess
import sys

from checks import missing_tools
from switch import enter

PORT = 7440


def obstacle(*names):
    """Why networks can't be made here with these programs; `None` where they can."""
    reason = missing_tools(*names)
    if reason is None and not os.path.exists("/dev/net/tun"):
        reason = "needs /dev/net/tun"
    return reason


class Wiring:
    """Namespaces with one device each, on one switch; everything is gone when the block is left."""

    def __init__(self, count, seed):
        self.seed = seed
        self.names = [f"parley-{os.getpid()}-{number}" for number in range(count)]
        self.switch = None

    def __enter__(self):
        try:
            for number, name in enumerate(self.names):
                self.make(number, name)
            self.start_switch()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.switch:
            self.switch.stdin.close()
            self.switch.wait(10)
            self.switch.stdout.close()
        for name in self.names:
            subprocess.run(["ip", "netns", "delete", name], stderr=subprocess.DEVNULL)

    def make(self, number, name):
        subprocess.run(["ip", "netns", "add", name], check=True)
        self.ip(number, "link", "set", "lo", "up")
        self.ip(number, "tuntap", "add", "wire", "mode", "tap")
        self.ip(number, "link", "set", "wire", "address", f"02:00:00:00:00:{number + 1:02x}")
        self.ip(number, "address", "add", f"{self.address(number)}/24", "dev", "wire")
        # Without IPv6 nothing but what nodes say is on the wire.
        self.sysctl(number, "net/ipv6/conf/wire/disable_ipv6", 1)
        self.ip(number, "link", "set", "wire", "up")

    def start_switch(self):
        program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "switch.py")
        self.switch = subprocess.Popen(
            [sys.executable, program, str(self.seed), *self.names],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
        if self.switch.stdout.readline() != "ready\n":
            raise OSError("the switch didn't start")

    @staticmethod
    def address(number):
        return f"10.77.0.{number + 1}"

    def listen(self, number):
        return f"{self.address(number)}:{PORT}"

    def inside(self, number):
        """Words before a program that runs in a namespace."""
        return ["ip", "netns", "exec", self.names[number]]

    @contextlib.contextmanager
    def entered(self, number):
        """Sockets that this thread opens in the block belong to a namespace."""
        home = os.open("/proc/self/ns/net", os.O_RDONLY)
        there = os.open(f"/run/netns/{self.names[number]}", os.O_RDONLY)
        enter(there)
        try:
            yield
        finally:
            enter(home)
            os.close(there)
            os.close(home)

    # What can be done to it

    def ip(self, number, *words):
        subprocess.run(["ip", "-n", self.names[number], *words], check=True)

    def sysctl(self, number, path, value):
        subprocess.run(
            [*self.inside(number), "sh", "-c", f"echo {value} > /proc/sys/{path}"], check=True)

    def ask(self, **command):
        self.switch.stdin.write(json.dumps(command) + "\n")
        self.switch.stdin.flush()
        return json.loads(self.switch.stdout.readline())

    def rule(self, source=None, target=None, **rule):
        """Changes one direction, or all of a side that isn't said."""
        ends = {"from": source, "to": target}
        self.ask(rule={**{end: number for end, number in ends.items() if number is not None},
                       **rule})

    def count(self):
        return self.ask(count=True)

    def in_a_line(self, delay=0.0):
        """Only neighbours reach each other."""
        self.rule(open=False)
        for number in range(len(self.names) - 1):
            self.rule(number, number + 1, open=True, delay=delay)
            self.rule(number + 1, number, open=True, delay=delay)

    def link(self, number, state):
        self.ip(number, "link", "set", "wire", state)

    def mtu(self, number, size):
        self.ip(number, "link", "set", "wire", "mtu", str(size))

    def rate(self, number, rate):
        """Bounds what a namespace sends, e.g. to `256kbit`; `None` unbounded again."""
        words = ["tc", "-n", self.names[number], "qdisc"]
        if rate is None:
            subprocess.run([*words, "del", "dev", "wire", "root"], check=True)
            return
        subprocess.run([*words, "add", "dev", "wire", "root", "tbf", "rate", rate, "burst", "3000",
                        "latency", "500ms"], check=True)

    def filter(self, number, *rules):
        """Replaces the rules on what comes into a namespace, in nftables' words."""
        text = "".join(f"add rule inet parley input {rule}\n" for rule in rules)
        subprocess.run(
            [*self.inside(number), "nft", "-f", "-"], check=True, text=True,
            input="add table inet parley\nflush table inet parley\n"
            "add chain inet parley input { type filter hook input priority 0; }\n" + text)

    def filtered(self):
        """How many packets the counters in all filters have seen."""
        total = 0
        for number in range(len(self.names)):
            answer = subprocess.run([*self.inside(number), "nft", "list", "ruleset"],
                                    stdout=subprocess.PIPE, text=True, check=True).stdout
            total += sum(int(count) for count in re.findall(r"counter packets (\d+)", answer))
        return total
