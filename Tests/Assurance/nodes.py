"""Real nodes, used through their programs only, for checks that look at Parley from outside.

Programs are taken from `--programs DIR`, a folder with `parley` and `parleyd`; `Scripts/assure`
builds them as optimised code.
"""
import concurrent.futures
import json
import os
import select
import signal
import subprocess
import time


class Trouble(Exception):
    """What happened isn't what a node promises."""


class Answer:
    """What a command ended with."""

    def __init__(self, process, output, errors):
        self.code, self.output, self.errors = process.returncode, output, errors

    @property
    def json(self):
        return json.loads(self.output)


class Node:
    """One home with the programs that work on it.

    - prefix: words before every program, e.g. `["ip", "netns", "exec", "one"]`.
    - listen: `HOST:PORT`; with port 0 the one that is given at the first start is kept.
    """

    def __init__(self, programs, home, name, listen="127.0.0.1:0", prefix=()):
        self.programs, self.home, self.name = programs, home, name
        self.address, self.prefix = listen, list(prefix)
        self.daemon = None
        self.log = home + ".log"

    @property
    def environment(self):
        return {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "PARLEY_HOME": self.home,
                "LANG": "C.UTF-8", "TZ": "UTC"}

    # Commands

    def run(self, *words, text="", timeout=120, before=()):
        """- before: words before this command alone."""
        process = subprocess.Popen(
            self.prefix + list(before) + [f"{self.programs}/parley", *words], env=self.environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            output, errors = process.communicate(text, timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise Trouble(f"{self.name}: parley {' '.join(words)} said nothing for {timeout} s")
        return Answer(process, output, errors)

    def parley(self, *words, text="", timeout=120, codes=(0, 4)):
        """A command that must end with one of these codes (4: conflicts are open)."""
        answer = self.run(*words, text=text, timeout=timeout)
        if answer.code not in codes:
            raise Trouble(f"{self.name}$ parley {' '.join(words)}: exit {answer.code}\n"
                          f"{answer.output}{answer.errors}")
        return answer

    def ask(self, *words, **options):
        """The JSON answer of a command that must succeed."""
        return self.parley(*words, "--json", **options).json

    # Daemon

    def start(self, *more, before=(), timeout=60):
        """Starts the daemon and waits for its ready line, which it returns decoded.

        - before: words before the daemon alone, e.g. those of `strace`.
        """
        self.launch(*more, before=before)
        line = self.ready_line(timeout)
        if line is None:
            return None
        self.address = line["listening"]
        return line

    def launch(self, *more, before=()):
        """Starts the daemon and waits for nothing."""
        log = open(self.log, "ab")
        self.daemon = subprocess.Popen(
            self.prefix + list(before) + [f"{self.programs}/parleyd", "--home", self.home,
                                          "--listen", self.address, "--json", *more],
            env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        log.close()

    def ready_line(self, timeout):
        """What the daemon says first; `None` where it ended without a word."""
        text, deadline = b"", time.monotonic() + timeout
        while not text.endswith(b"\n"):
            ready, _, _ = select.select([self.daemon.stdout], [], [], deadline - time.monotonic())
            if not ready:
                raise Trouble(f"{self.name}: the daemon wasn't ready within {timeout} s")
            byte = os.read(self.daemon.stdout.fileno(), 1)
            if not byte:
                self.daemon.wait()
                return None
            text += byte
        return json.loads(text)

    def stop(self, sign=signal.SIGTERM, timeout=60):
        """Ends the daemon; returns its exit code, negative where a signal ended it."""
        if self.daemon is None:
            return None
        if self.daemon.poll() is None:
            self.daemon.send_signal(sign)
        try:
            code = self.daemon.wait(timeout)
        except subprocess.TimeoutExpired:
            self.daemon.kill()
            self.daemon.wait()
            raise Trouble(f"{self.name}: the daemon didn't end within {timeout} s")
        finally:
            self.daemon.stdout.close()
            self.daemon = None
        return code

    def errors(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    # Work

    def found(self, casebook="sweida"):
        """Makes the home and a casebook."""
        self.parley("init", "--name", self.name)
        self.parley("casebook", "create", casebook)
        return self

    def admit(self, guest, role="editor"):
        """Lets another node in; both daemons run, this one reachable at its address."""
        if not os.path.exists(guest.home):
            guest.parley("init", "--name", guest.name)
        code = self.ask("invite", "--role", role, "--address", self.address)["code"]
        guest.parley("join", "-", text=code)

    def new(self, title, **options):
        """Creates a note; returns what the command answered, `{"record": ..., "change": ...}`."""
        return self.ask("new", "note", f"title={title}", **options)

    def open_all(self):
        """Has the daemon open its files as often as it ever needs to read them at once."""
        with concurrent.futures.ThreadPoolExecutor(16) as several:
            list(several.map(lambda _: [self.parley("list") for _ in range(4)], range(16)))

    def titles(self):
        """The titles of all notes, sorted."""
        return sorted(line["title"] for line in self.rows("list", "note"))

    def rows(self, *words):
        """All rows of a listing."""
        return self.ask(*words, "--limit", "1000000")

    def digest(self):
        """The digest of the one casebook's canonical state."""
        return self.ask("status")["casebooks"][0]["digest"]

    def verify(self):
        """Reads everything again; raises where something is wrong."""
        return self.parley("verify")
