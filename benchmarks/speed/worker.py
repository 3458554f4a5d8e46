"""One side in a process of its own, which does one unit of work at a time: a JSON line asks, a JSON line answers.

A side is a module with a class `Side(channel)`; a command names one of its methods and gives the arguments.
"""

import ctypes
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]
# PR_SET_PDEATHSIG of Linux
DIE_WITH_PARENT = 1
# What tells the sides of another model: its folder, and prompts x attempts x new tokens.
MODEL, SIZES = "SPEED_MODEL", "SPEED_SIZES"


class Channel:
    """The child's end. Every command gets exactly one reply."""

    def __init__(self) -> None:
        # Libraries print; what they print must not come between the replies.
        self.replies = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)

    def commands(self) -> Iterator[dict[str, Any]]:
        """Commands until the parent hangs up."""
        for line in iter(sys.stdin.readline, ""):
            yield json.loads(line)

    def reply(self, value: Any) -> None:
        """Answer the last command."""
        self.replies.write(json.dumps(value, default=float) + "\n")
        self.replies.flush()


def serve(name: str) -> None:
    """Be the side of that name until the parent hangs up, or is no more."""
    # A unit of work would be finished before the end of input is seen, and disturb whatever is measured next.
    ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
    channel = Channel()
    side: Any = None
    for command in channel.commands():
        try:
            side = side or importlib.import_module(f"benchmarks.speed.{name}").Side(channel)
            channel.reply(getattr(side, command.pop("do"))(**command) or {})
        except Exception as error:  # whatever a library raises is the answer
            traceback.print_exc()
            channel.reply({"error": f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[0]}"})


class Failed(RuntimeError):
    """A side could not do what it was asked."""


class Worker:
    """The parent's end."""

    def __init__(self, name: str, threads: int) -> None:
        """Start the side; its libraries are told the number of threads before they are imported."""
        one = {key: str(threads) for key in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
        offline = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
        self.name, self.log = name, tempfile.TemporaryFile("w+")  # noqa: SIM115 - open as long as the side is
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.speed.worker", name], cwd=ROOT, env=os.environ | one | offline, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
        )  # fmt: skip

    def ask(self, do: str, **given: Any) -> dict[str, Any]:
        """The reply to one command; raises Failed when there is none, or when it is an error."""
        assert self.process.stdin and self.process.stdout
        try:
            self.process.stdin.write(json.dumps({"do": do} | given) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self.log.seek(0)
            said = self.log.read().strip().splitlines()
            raise Failed(f"{self.name} ended at '{do}': {said[-1] if said else 'it said nothing'}")
        reply: dict[str, Any] = json.loads(line)
        if "error" in reply:
            raise Failed(f"{self.name} cannot {do}: {reply['error']}")
        return reply

    def close(self) -> None:
        """Hang up and wait for the end."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


if __name__ == "__main__":
    serve(sys.argv[1])
