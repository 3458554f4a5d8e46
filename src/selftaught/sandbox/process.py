"""A child process on two pipes, asked one thing at a time, which can be killed with all it has started.

It is started anew, never forked: forks of a process with threads stop at a lock that nobody holds.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

HOME = str(Path(__file__).resolve().parents[2])
# Longest that a child takes until it answers for the first time, by the clock.
START_LIMIT = 300.0
QUIET = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "PYTHONDONTWRITEBYTECODE")}
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "PYTHONPATH", "SYSTEMROOT", "TMPDIR", "TEMP", "VIRTUAL_ENV")


def environment(kept: Sequence[str] = KEPT) -> dict[str, str]:
    """The few variables that a child needs to find this package."""
    found = {name: os.environ[name] for name in kept if name in os.environ} | QUIET
    return found | {"PYTHONPATH": os.pathsep.join(filter(None, (HOME, os.environ.get("PYTHONPATH"))))}


class Process:
    """One child, which runs a module, and an empty folder for it.

    Attributes:
        process: the child; folder: the folder, gone when the child is closed.
    """

    def __init__(self, module: str, *args: str, before: Sequence[str] = (), kept: Sequence[str] = KEPT, folder: str | None = None) -> None:
        """Start `python -m module args`, with `before` in front of the command and the `kept` variables."""
        self.folder = folder or tempfile.mkdtemp(prefix="selftaught-")
        command = [*before, sys.executable, "-W", "ignore", "-m", module, *args]
        # A session of its own, so that ending it ends whatever it has started.
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(kept), start_new_session=True
        )

    @property
    def ended(self) -> bool:
        """Whether the child was closed, or is known to have ended."""
        return self.process.returncode is not None

    def exchange(self, message: bytes, wait: float, longest: int) -> tuple[bytes, bool]:
        """Send a message and read a line of at most `longest` bytes; the child is killed when that takes longer than `wait` seconds."""
        late = threading.Event()

        def end() -> None:
            late.set()
            self.kill()

        assert self.process.stdin is not None and self.process.stdout is not None
        timer = threading.Timer(wait, end)
        timer.start()
        try:
            self.process.stdin.write(message)
            self.process.stdin.flush()
            line = self.process.stdout.readline(longest)
        except OSError:
            line = b""
        finally:
            timer.cancel()
            timer.join()
        return line, late.is_set()

    def kill(self) -> None:
        """End the child and what it has started, at once."""
        if not self.ended:
            with contextlib.suppress(OSError):
                os.killpg(self.process.pid, signal.SIGKILL) if hasattr(os, "killpg") else self.process.kill()

    def close(self, wait: float = 0) -> None:
        """Kill the child, unless it ends by itself within `wait` seconds."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(wait)
        self.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
        for stream in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                stream.close()  # type: ignore[union-attr]
