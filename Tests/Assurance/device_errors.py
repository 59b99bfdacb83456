"""Lets the block device below a real daemon fail in the middle of its work.

The home lies on a loop device whose bytes come from nbdkit, which can be told to answer writes,
reads or both with EIO, always or now and then. The daemon may refuse, stop writing or exit; it must
not say done of an edit that isn't there once the device is sound again, its file system was
checked, and the daemon was started anew.
"""
import contextlib
import os
import signal
import subprocess

from control import ControlLine
from disks import command, mounted, refusal_of
from checks import Check, missing_tools, search_path
from kills import Author
from nodes import Trouble
from waiting import let_pass, until
from power_cuts import Bench

KINDS = ("ext4", "XFS", "Btrfs")
# What fails, and how often.
RATES = {"writes": ("pwrite", "zero", "trim"), "reads": ("pread",),
         "reads and writes": ("pread", "pwrite", "zero", "trim")}
# What tells what the file system went through; each ends with a file system that can be mounted.
REPAIRS = {"ext4": ["e2fsck", "-fy"]}


class Device:
    """A loop device over an image that fails while a switch is on."""

    def __init__(self, image, folder, failing, percent):
        self.switch, self.folder = f"{folder}/switch", folder
        self.rates = [f"error-{call}-rate={percent}%" for call in RATES[failing]]
        self.image, self.stack = image, contextlib.ExitStack()

    def __enter__(self):
        try:
            socket, point = f"{self.folder}/nbd", f"{self.folder}/fuse"
            os.makedirs(point, exist_ok=True)
            self.run(["nbdkit", "-f", "-U", socket, "--filter=error", "file", self.image,
                      "error=EIO", f"error-file={self.switch}", *self.rates],
                     lambda: os.path.exists(socket))
            file = f"{point}/disk"
            # Its own way of ending, so that it never stays mounted.
            self.stack.callback(subprocess.run, ["umount", "-l", point], capture_output=True,
                                env={"PATH": search_path()})
            self.run(["nbdfuse", file, "--unix", socket], lambda: os.path.exists(file))
            self.loop = command("losetup", "--find", "--show", file)
            self.stack.callback(subprocess.run, ["losetup", "-d", self.loop], capture_output=True,
                                env={"PATH": search_path()})
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(self, *reason):
        self.heal()
        self.stack.close()

    def run(self, words, is_ready, timeout=10):
        """Starts a server that ends with the device."""
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL,
                                   env=dict(os.environ, PATH=search_path()))
        self.stack.callback(end, process)
        until(lambda: process.poll() is not None or is_ready(), timeout)
        if process.poll() is not None or not is_ready():
            raise OSError(f"{words[0]} doesn't serve")

    def fail(self):
        with open(self.switch, "w", encoding="utf-8"):
            pass

    def heal(self):
        with contextlib.suppress(FileNotFoundError):
            os.remove(self.switch)


def end(process):
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class DeviceBench(Bench):
    """A node on a device that can fail, and a peer on one that doesn't."""

    def __init__(self, check, folder, kind, failing, percent):
        super().__init__(check, folder, kind)
        self.kind, self.reaction = kind, None
        self.device = Device(self.image, folder, failing, percent)

    def plug(self):
        self.mount.enter_context(mounted(self.device.loop, self.disk))

    def fail(self):
        """Works, and goes on working while the device fails."""
        authors = [Author(self.amal, self.mine, self.random.random(), goes_on=True),
                   Author(self.basil, self.theirs, self.random.random())]
        for author in authors:
            author.start()
        let_pass(self.random.uniform(0.02, 0.2))
        self.device.fail()
        # Long enough for the system to write back, which it otherwise does after many seconds.
        subprocess.run(["sync", "-f", self.disk], capture_output=True)
        let_pass(self.random.uniform(0.05, 0.5))
        try:
            self.reaction = self.look()
        finally:
            for author in authors:
                author.may_stop.set()
            for author in authors:
                author.join()
        for author in authors:
            if author.trouble:
                raise Trouble(author.trouble)
        self.unplug()

    def look(self):
        """What the daemon does by now: it must answer, whatever, or be gone."""
        try:
            with ControlLine(self.amal.home, timeout=20) as line:
                reply = line.ask("list", filters=[], deleted=False, limit=1)
                return "read" if reply.code == 0 else "refused to read"
        except ConnectionError as error:
            # Who hangs up may need a moment to end.
            if not until(lambda: self.amal.daemon.poll() is not None, 10):
                raise Trouble(f"neither answers nor ends: {error}") from None
        if self.amal.daemon.poll() < 0:
            raise Trouble(f"signal {-self.amal.daemon.poll()} ended the daemon")
        return "exited"

    def unplug(self):
        """Somebody repairs the device and starts again."""
        for node in (self.amal, self.basil):
            code = node.stop(9)
            if code not in (-signal.SIGKILL, 0, 1, 7):
                raise Trouble(f"{node.name} ended with {code}")
        self.device.heal()
        self.mount.close()
        if self.kind in REPAIRS:
            subprocess.run([*REPAIRS[self.kind], self.device.loop], capture_output=True,
                           env={"PATH": search_path()})


class LeftoverBench(DeviceBench):
    """A last edit that reached the system's memory and not the device, and a start after it.

    The file system has no journal, so that it goes on after an error as others do after a small
    one.
    """

    def __init__(self, check, folder):
        super().__init__(check, folder, "ext4 without a journal", "writes", 100)

    def leave_over(self):
        """An edit goes in while nothing can be written; the daemon ends, and the device is well."""
        self.basil.stop()
        with ControlLine(self.amal.home) as line:
            record = self.mine.new(line)
            for _ in range(5):
                self.mine.bulk(line, 20)
            self.device.fail()
            self.mine.edit(line, record)
        if not until(lambda: self.amal.daemon.poll() is not None, 10):
            raise Trouble("goes on after a sync that failed")
        self.amal.stop()
        self.device.heal()

    def cut_off(self, count):
        """A command opens the home and is killed at its n-th write. Returns whether it was.

        Then the file system is mounted anew: what was in memory only is gone.
        """
        code = self.amal.run("list", "note", before=[
            "strace", "-D", "-f", "-q", "-o", "/dev/null", "-e", "signal=none",
            "-e", "trace=pwrite64", "-e", f"inject=pwrite64:signal=KILL:when={count}"]).code
        self.mount.close()
        self.plug()
        return code == -signal.SIGKILL

    def plug(self):
        if not os.path.ismount(self.disk):
            super().plug()


def cut_leftovers(check, memory, step):
    """The write-ahead log must be on the device before anything of it is copied to the file."""
    cuts, wrong = 0, 0
    for count in range(2, 60, step):
        bench = LeftoverBench(check, f"{memory}/leftover-{count}")
        try:
            with bench.device:
                try:
                    bench.found()
                    bench.leave_over()
                    is_cut = bench.cut_off(count)
                    bench.heal()
                finally:
                    bench.end()
        except (Trouble, OSError, ValueError, KeyError) as error:
            is_cut, wrong = True, wrong + 1
            print(f"wrong: an edit left over, killed at write {count}: {str(error)[:300]}",
                  flush=True)
        cuts += is_cut
        if not is_cut:
            break
    check.results.row(
        "G23", "a sync that failed, then a start that is cut off while it checkpoints",
        f"{cuts} cuts, {wrong} wrong", wrong == 0 and cuts > 0)


def main():
    check = Check(__doc__, {"rounds": (60, 16, 4, "so many failures"),
                            "step": (1, 3, 9, "cut off at each N-th write of a checkpoint")})
    options = check.parse()
    reason = missing_tools("strace", "nbdkit", "nbdfuse", "losetup", "mount", "mkfs.ext4", "e2fsck")
    if reason:
        check.results.skip("G23", "EIO of the block device", reason)
        check.results.end()
    with check.folder() as folder:
        with mounted("tmpfs", f"{folder}/memory", "-t", "tmpfs") as memory:
            run_all(check, memory, options)
            cut_leftovers(check, memory, options.step)
    check.results.end()


def run_all(check, memory, options):
    kinds = [kind for kind in KINDS if not refusal_of(kind, memory)]
    acknowledged, wrong, reactions = 0, 0, {}
    for number in range(options.rounds):
        kind = kinds[number % len(kinds)]
        failing, percent = check.random.choice(list(RATES)), check.random.choice((20, 100))
        bench = DeviceBench(check, f"{memory}/{number}", kind, failing, percent)
        try:
            with bench.device:
                try:
                    bench.found()
                    bench.fail()
                    bench.heal()
                finally:
                    bench.end()
        except (Trouble, OSError, ValueError, KeyError) as error:
            wrong += 1
            print(f"wrong: round {number}, {kind}, {percent} % of {failing}: "
                  f"{type(error).__name__}: {error}", flush=True)
        acknowledged += bench.acknowledged
        reactions[bench.reaction] = reactions.get(bench.reaction, 0) + 1
    each = ", ".join(f"{what} {count}" for what, count in sorted(reactions.items(), key=str))
    check.results.row(
        "G23", f"EIO of the block device below {', '.join(kinds)}",
        f"{options.rounds} failures, {acknowledged:,} acknowledged edits, {wrong} wrong; the "
        f"daemon then: {each}", wrong == 0)


if __name__ == "__main__":
    main()
