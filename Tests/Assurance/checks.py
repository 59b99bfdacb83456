"""What the programs of this folder have in common on their command lines."""
import argparse
import contextlib
import os
import random
import shutil
import signal
import socket
import sys
import tempfile

from results import SIZES, Results

# Sizes that don't say how much is done.
BESIDE = ("workers", "patience")


class Check:
    """One program: its options, its results and a folder that is gone at the end.

    - random: the generator everything is drawn from; its seed is printed.
    """

    def __init__(self, description, sizes):
        """`sizes` has for each option of size its number for each of `SIZES` and what it counts."""
        parser = argparse.ArgumentParser(
            description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("--programs", default=".build/release", metavar="DIR",
                            help="folder with parley and parleyd; %(default)s")
        parser.add_argument("--seed", type=int, default=1, help="what is drawn at random; 1")
        parser.add_argument("--results", metavar="FILE", help="append result rows to this file")
        parser.add_argument("--size", choices=SIZES, default=SIZES[0],
                            help="full: as much as Protocol/assurance.md demands; hour: this check's "
                                 "part of a run of an hour; quick: under a minute")
        parser.add_argument("--work", metavar="DIR", default=default_work(),
                            help="where homes are made; in memory, if there is room to")
        for name, (full, hour, quick, text) in sizes.items():
            parser.add_argument(f"--{name}", type=int, metavar="N", default=None,
                                help=f"{text}; {full}, {hour} or {quick} by size")
        self.parser, self.sizes = parser, sizes

    def parse(self):
        self.options = self.parser.parse_args()
        chosen = {name for name, numbers in self.sizes.items()
                  if getattr(self.options, name) not in (None, numbers[0])}
        for name, numbers in self.sizes.items():
            if getattr(self.options, name) is None:
                setattr(self.options, name, numbers[SIZES.index(self.options.size)])
        self.options.programs = os.path.abspath(self.options.programs)
        self.random = random.Random(self.options.seed)
        name = os.path.basename(sys.argv[0])
        # Who asks for other numbers asks for less, as far as can be told.
        given = {name for name in chosen if name not in BESIDE}
        size = "hour" if given and self.options.size == "full" else self.options.size
        self.results = Results(name, self.options.results, size)
        print(f"seed {self.options.seed}", flush=True)
        return self.options

    @contextlib.contextmanager
    def folder(self):
        """A folder for this run. SIGTERM ends the run as Ctrl-C does, so that all is cleaned up."""
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        path = tempfile.mkdtemp(prefix="parley-", dir=self.options.work)
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)


def default_work():
    """Memory where there is some: what a dead process wrote to files is there as on a disk."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else tempfile.gettempdir()


def missing_tools(*names):
    """Why a check that needs root and these programs can't be made; `None` where it can."""
    if os.geteuid() != 0:
        return "needs root"
    lacking = [name for name in names if not shutil.which(name, path=search_path())]
    return f"needs {', '.join(lacking)}" if lacking else None


def search_path():
    return os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def free_address():
    """`127.0.0.1:PORT` below the ports that the system gives to connections.

    Drawn anew in every run, so that runs side by side keep out of each other's way.
    """
    while True:
        port = random.SystemRandom().randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return f"127.0.0.1:{port}"
            except OSError:
                continue
