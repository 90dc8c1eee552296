"""Kills the server again and again, while it is busy, and checks that nothing acknowledged is lost or done twice.

    python tests/e2e/crash_loop.py --rounds 50 --seed 7

The seed decides when the server is killed and what the workers do; how their calls meet in time, it cannot decide. See
docs/dev/testing-durability.md.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from botocore.exceptions import BotoCoreError

import crash_scenes
import crash_scenes_sources
from account import Account, TimedAccount
from lambent import BINARY, Server, clean_environment

ACCOUNT = "424242424242"
SCENES = [*crash_scenes.ALL, *crash_scenes_sources.SOURCES]
OPTIONS = ("--pool-size", "1")
# Seconds from the first request to the kill.
SHORTEST_S, LONGEST_S = 0.1, 1.5
# How often it is killed once more before it is ready.
KILLED_AT_START = 0.2


class Loop:
    """One data directory and what is known of it."""

    def __init__(self, data_dir, seed, scenes=None, options=OPTIONS, report=lambda line: None):
        self.data_dir, self.seed, self.options, self.report = data_dir, seed, options, report
        self.rng = random.Random(seed)
        self.scenes = [scene() for scene in scenes or crash_scenes.ALL]
        self.is_new = True

    def run(self, rounds):
        """Fails with an AssertionError that names the seed."""
        self.report(f"seed {self.seed}")
        try:
            for number in range(rounds):
                self.round(number)
            self.finish()
        except AssertionError as error:
            raise AssertionError(f"seed {self.seed}: {error}") from error

    def round(self, number):
        if not self.is_new and self.rng.random() < KILLED_AT_START:
            self.kill_while_it_starts()
        server = Server(*self.options, data_dir=self.data_dir)
        try:
            self.start(Account(server, ACCOUNT))
            ended = threading.Event()
            workers = [self.work(scene, worker, ended) for scene in self.scenes for worker in scene.workers()]
            life_s = self.rng.uniform(SHORTEST_S, LONGEST_S)
            # Not a wait for something: the moment of the kill.
            ended.wait(life_s)
        finally:
            server.kill()
        for worker in workers:
            worker.join()
        for worker in workers:
            if worker.error:
                raise worker.error
        self.report(f"round {number + 1}: killed after {life_s:.2f} s")

    def start(self, account):
        for scene in self.scenes:
            scene.start(account)
            if self.is_new:
                scene.create()
            else:
                scene.check_recovered()
        self.is_new = False

    def work(self, scene, worker, ended):
        return Worker(worker, random.Random(self.rng.random()), ended)

    def kill_while_it_starts(self):
        """Also the recovery from a crash may crash."""
        command = [str(BINARY), "serve", "--listen", "127.0.0.1:0", "--data-dir", str(self.data_dir), *self.options]
        process = subprocess.Popen(command, env=clean_environment(), stderr=subprocess.DEVNULL)
        time.sleep(self.rng.uniform(0.0, 0.3))
        process.kill()
        process.wait()

    def finish(self):
        """Time goes on until nothing is due any more; then everything must be where it belongs."""
        with Server(*self.options, "--clock", "virtual", data_dir=self.data_dir) as server:
            account = TimedAccount(server, ACCOUNT)
            self.start(account)
            account.advance(crash_scenes.HOLD_S + 3_600)
            for scene in self.scenes:
                scene.check_end()
                self.report(str(scene))


class Worker(threading.Thread):
    """Asks until the server is gone, or it has asked enough."""

    def __init__(self, work, rng, ended):
        super().__init__(daemon=True)
        self._work, self._rng, self._ended = work, rng, ended
        self.error = None
        self.start()

    def run(self):
        try:
            self._work(self._rng)
        except BotoCoreError:
            # The server was killed.
            pass
        except Exception as error:
            self.error = error
            self._ended.set()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.randrange(10**9))
    parser.add_argument("--data-dir", type=Path, help="kept, unlike a temporary one")
    parser.add_argument("--only", nargs="*", default=[], help=", ".join(scene.__name__ for scene in SCENES))
    arguments = parser.parse_args()
    scenes = [scene for scene in SCENES if not arguments.only or scene.__name__ in arguments.only]
    with tempfile.TemporaryDirectory() as folder:
        data_dir = arguments.data_dir or Path(folder) / "data"
        loop = Loop(data_dir, arguments.seed, scenes, report=lambda line: print(line, flush=True))
        try:
            loop.run(arguments.rounds)
        except AssertionError as error:
            sys.exit(f"FAILED: {error}")
    print(f"{arguments.rounds} kills: nothing was lost, nothing was done twice")


if __name__ == "__main__":
    main()
