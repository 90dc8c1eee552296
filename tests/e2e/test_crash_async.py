"""`kill -9` at random instants while events and messages are on their way: the short form of `crash_loop.py`."""

import os
import random

from crash_loop import Loop
from crash_scenes_sources import SOURCES

ROUNDS = 4


def test_events_and_messages_survive_kills(tmp_path):
    seed = int(os.environ.get("CRASH_SEED", random.randrange(10**9)))
    # Shown when the test fails.
    Loop(tmp_path / "data", seed, report=print).run(ROUNDS)


def test_event_sources_survive_kills(tmp_path):
    """At least once, in order, and nothing lost between the poll and the deletion."""
    seed = int(os.environ.get("CRASH_SEED", random.randrange(10**9)))
    Loop(tmp_path / "data", seed, SOURCES, report=print).run(ROUNDS)
