"""What checks report: one JSON object a line, from which `Protocol/assurance.md` is filled in."""
import json
import sys
import time

# How much of a check is made, from all that is demanded down to a minute of it.
SIZES = ("full", "hour", "quick")


class Results:
    """Says what was found, and keeps it in a file if there is one.

    A row: `goal` (`G3`, see Protocol/assurance.md), `check` (what was done, in a few words),
    `command`, `figure` (what was reached, with units), `met` (true, false, null where the check was
    skipped, or left out where all held and less was done than is demanded), `seconds`.
    """

    def __init__(self, check, path=None, size=SIZES[0]):
        """`check` is a name that `Scripts/assure --only` takes, or another command of `Scripts`."""
        name = check.removesuffix(".py")
        self.command = check if check.startswith("Scripts/") else f"Scripts/assure --only {name}"
        self.path = path
        self.size = size
        self.started = time.monotonic()
        self.failed = False

    def row(self, goal, check, figure, met, is_measure=False):
        """`is_measure`: a time or a size, which the short part takes and doesn't judge, because a
        busy machine alone must not make it fail."""
        if is_measure and self.size == "quick" and met is False:
            figure, met = figure + "; not judged in the short part", None
        now = time.monotonic()
        row = {"goal": goal, "check": check, "command": self.command, "figure": figure,
               "met": met, "seconds": round(now - self.started, 1)}
        if met and self.size != "full":
            del row["met"]
        self.started = now
        self.failed = self.failed or met is False
        word = {True: "met   ", False: "FAILED", None: "SKIP  ", "short": "holds "}[
            row.get("met", "short")]
        print(f"{word} {goal:<4} {check}: {figure}", flush=True)
        if self.path:
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")

    def skip(self, goal, check, reason):
        """A check that can't be made here. It counts as one that wasn't made, never as met."""
        self.row(goal, check, f"skipped: {reason}", None)

    def end(self):
        """Ends the program: 0 where nothing failed."""
        sys.exit(1 if self.failed else 0)
