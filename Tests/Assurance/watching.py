"""What a process costs, as the kernel counts it."""
import os
import time

from waiting import let_pass

TICKS = os.sysconf("SC_CLK_TCK")
KIB, MIB = 1024, 1024 * 1024


class Process:
    """A running process, seen from outside."""

    def __init__(self, pid):
        self.folder = f"/proc/{pid}"

    def memory(self):
        """Bytes of resident memory."""
        return self.status("VmRSS")

    def peak(self):
        """The most that was resident since `forget_peak`."""
        return self.status("VmHWM")

    def forget_peak(self):
        with open(f"{self.folder}/clear_refs", "w", encoding="ascii") as file:
            file.write("5")

    def status(self, name):
        with open(f"{self.folder}/status", encoding="ascii") as file:
            for line in file:
                if line.startswith(name + ":"):
                    return int(line.split()[1]) * KIB
        raise KeyError(name)

    def descriptors(self):
        return len(os.listdir(f"{self.folder}/fd"))

    def settled_descriptors(self):
        """How many are open once none was opened or closed for half a second."""
        seen, since = self.descriptors(), time.monotonic()
        while time.monotonic() - since < 0.5:
            let_pass(0.02)
            now = self.descriptors()
            if now != seen:
                seen, since = now, time.monotonic()
        return seen

    def processor(self):
        """Seconds of processor time so far, in steps of a tick (10 ms)."""
        with open(f"{self.folder}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


def percentile(values, part):
    """The smallest value that this part of all values doesn't exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def in_mib(count):
    return f"{count / MIB:.1f} MiB"


def in_ms(seconds):
    return f"{seconds * 1000:.0f} ms"
