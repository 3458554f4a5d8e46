"""A hub that cannot be reached is one line at once, for models and for data sets."""

import os
import resource
import subprocess
import sys
import time

import pytest

# Nobody listens there.
CLOSED = {"HF_ENDPOINT": "http://127.0.0.1:9", "OMP_NUM_THREADS": "1"}
ASKED = {
    "model": ("evaluate", "--model", "org/absent", "--tasks", "sums:level=2"),
    "candidate": ("gate", "scripted", "org/absent", "--tasks", "sums:level=2"),
    "data set": ("evaluate", "--model", "scripted", "--tasks", "org/absent"),
}


@pytest.fixture
def prepared(tmp_path):
    """An empty folder, and no hub cache."""
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("what", ASKED)
def test_a_hub_that_cannot_be_reached_is_one_line_at_once(prepared, what):
    spent, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    env = {**os.environ, **CLOSED, "HF_HOME": str(prepared / "hub"), "HF_HUB_OFFLINE": ""}
    done = subprocess.run([sys.executable, "-m", "selftaught", *ASKED[what]], cwd=prepared, env=env, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 2 and not done.stdout and len(done.stderr.splitlines()) == 1 and "'org/absent'" in done.stderr, done.stderr
    assert after.ru_utime + after.ru_stime - spent.ru_utime - spent.ru_stime < 5 and time.monotonic() - began < 15
