"""`kill -9` at random instants while events and messages are on their way: the short form of `crash_loop.py`."""

import os
import random

from crash_loop import Loop

ROUNDS = 4


def test_events_and_messages_survive_kills(tmp_path):
    seed = int(os.environ.get("CRASH_SEED", random.randrange(10**9)))
    # Shown when the test fails.
    Loop(tmp_path / "data", seed, report=print).run(ROUNDS)
