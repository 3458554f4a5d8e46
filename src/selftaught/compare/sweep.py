"""Many runs, each in a process and folder of its own: as many at once as asked, resumable, stopped by Ctrl-C without loss."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from selftaught.parts import BadInput
from selftaught.run.files import read_json, write_json
from selftaught.run.place import holding, names_in, refuse_foreign

ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
STOPPED = "stopped"
# What becomes of a run of which a file is missing or damaged.
AGAIN = "delete its folder, and give the same command again"
# What a comparison writes into its folder beside its runs.
WRITTEN = frozenset({"compare.json", "compare.html"})
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One run that is wanted.

    Attributes:
        recipe: its name as asked.
        seed: of the training run.
        folder: where it runs.
        words: what follows `python -m` to start it.
        again: what follows `python -m` to go on with it.
        mark: content hash of everything that decides its result.
    """

    recipe: str
    seed: int
    folder: Path
    words: tuple[str, ...]
    again: tuple[str, ...]
    mark: str

    @property
    def note(self) -> Path:
        """The file in the folder that says what was asked, and whether it is finished."""
        return self.folder / "asked.json"

    def finished(self) -> bool:
        """Whether its result is there.

        Raises:
            BadInput: the folder holds a run that was asked for something else.
        """
        if not self.note.exists():
            if (self.folder / "run.json").exists():
                raise BadInput(f"{self.folder} holds a run that no comparison started: give another --out")
            return False
        note = read_json(self.note, AGAIN, dict)
        if note["mark"] != self.mark:
            raise BadInput(f"{self.folder} holds a run with other settings ({' '.join(note['words'])}): give another --out")
        return bool(note["finished"])

    def write(self, finished: bool) -> None:
        """Say in the folder what was asked."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_json(self.note, {"words": self.words, "mark": self.mark, "finished": finished})

    def start(self, lock: int) -> subprocess.Popen[bytes]:
        """Start it, or go on with it; what it prints goes into log.txt."""
        self.write(finished=False)
        words = self.again if (self.folder / "run.json").exists() else self.words
        with (self.folder / "log.txt").open("ab") as log:
            # A process group of its own: Ctrl-C reaches it through this process alone, and so once.
            return subprocess.Popen(
                [sys.executable, "-m", *words], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=os.environ | ONE_THREAD,
                process_group=0, pass_fds=(lock,),
            )  # fmt: skip

    def complaint(self) -> str:
        """The last line it printed."""
        lines = (self.folder / "log.txt").read_text(errors="replace").strip().splitlines()
        return (lines[-1] if lines else "it printed nothing")[:300].removeprefix("selftaught: ")


def refuse_others(out: Path) -> None:
    """Raises BadInput where a folder holds anything, and no comparison of ours; touches nothing."""
    ours = any((out / name / "asked.json").is_file() for name in names_in(out))
    if not ours and not names_in(out) & WRITTEN:
        refuse_foreign(out, "comparison")


@contextmanager
def alone(out: Path) -> Iterator[int]:
    """A lock on a folder that this process and the runs it started hold: runs outlive a parent that was killed.

    Raises:
        BadInput: the folder cannot be used, or is held by others.
    """
    with holding(out, lambda: refuse_others(out)) as held:
        assert held.descriptor is not None
        os.set_inheritable(held.descriptor, True)
        yield held.descriptor


def sweep(asked: Sequence[Wanted], out: Path, jobs: int, say: Say = lambda line: None) -> dict[Path, str]:
    """Run what is not finished, at most `jobs` at once; returns folder -> why of the runs that failed.

    When nothing is finished yet the first run goes alone, so that the others find the start measured. SIGINT and
    SIGTERM let every run finish its step, a second one ends them at once, and both raise KeyboardInterrupt.

    Raises:
        BadInput: a folder holds something else, or the first run was refused.
    """
    with alone(out) as lock:
        waiting = [run for run in asked if not run.finished()]
        total, done = len(asked), len(asked) - len(waiting)
        failed: dict[Path, str] = {}
        running: list[tuple[Wanted, subprocess.Popen[bytes]]] = []
        before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            while waiting or running:
                while waiting and len(running) < (jobs if done else 1):
                    running.append((waiting[0], waiting.pop(0).start(lock)))
                time.sleep(0.05)
                for run, process in [pair for pair in running if pair[1].poll() is not None]:
                    running.remove((run, process))
                    done += 1
                    if process.returncode:
                        failed[run.folder] = STOPPED if process.returncode == 130 else run.complaint()
                        if process.returncode == 2 and done == 1:
                            raise BadInput(f"{run.recipe}: {run.complaint()}")
                    else:
                        run.write(finished=True)
                    say(f"{done} of {total}: {run.recipe}, seed {run.seed} {failed.get(run.folder, 'done')}")
        except KeyboardInterrupt:
            say("stopping after the steps under way; everything is kept: give the same command to go on")
            end(running, say)
            raise
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
    return failed


def end(running: Sequence[tuple[Wanted, subprocess.Popen[bytes]]], say: Say) -> None:
    """Let runs finish their step, or end at once when interrupted again."""
    for _ in range(2):
        for _, process in running:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
        try:
            for _, process in running:
                process.wait()
            return
        except KeyboardInterrupt:
            say("stopping at once")
    for _, process in running:
        process.wait()
