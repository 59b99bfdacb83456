"""Waiting for something to happen, and letting time pass for its own sake."""
import time


def until(condition, seconds, every=0.02):
    """Waits for what a condition answers to be true, and returns it; at the end whatever it is."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()) and time.monotonic() < deadline:
        time.sleep(every)
    return answer


def time_until(condition, seconds, every=0.02):
    """Seconds until a condition holds, `None` if that takes too long."""
    start = time.monotonic()
    return time.monotonic() - start if until(condition, seconds, every) else None


def let_pass(seconds):
    """The moment of a fault, or how long one lasts: never something that is waited for."""
    time.sleep(seconds)
