"""Runs of every recipe, and of models with and without an adapter, killed at random moments until they come through.

`make test-long`; the seed of a run is its test's number. FIRST=100 COUNT=50 takes other seeds, or goes on where one stopped.
"""

import hashlib
import json
import os
import random
import shutil
import signal
import time
from pathlib import Path

import pytest

from forks import forked
from models.local_models import make_folder
from selftaught.api import improve
from selftaught.recipe import all_recipes

pytestmark = [pytest.mark.long, pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a process of its own")]
TEXT = sorted(name for name, recipe in all_recipes().items() if not recipe.model)
# One in four trains a model of tensors.
REAL = [(name, adapter) for name in ("ttrl", "star", "selftaught", "sharpening") for adapter in ("", "lora")]
FIRST, COUNT = (int(os.environ.get(name, number)) for name, number in (("FIRST", "0"), ("COUNT", "100")))
TIMES = ("seconds", "wall_seconds", "cpu_seconds", "run", "reuse")


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """`unbroken(name, adapter)`: (what is asked, what a run leaves that nobody killed, how long it took), run once."""
    where, known = tmp_path_factory.mktemp("unbroken"), {}
    folder = make_folder(where / "model", "llama", chat=False, positions=1024)

    def run(name, adapter):
        if (name, adapter) not in known:
            recipe = all_recipes()[name]
            options = dict(recipe.tiny) | ({"every": 1} if recipe.trains else {})
            job = {
                "tasks": recipe.tasks or ("sums:level=2", "countdown:level=1"),
                "held_out_count": 6,
                "forecast": False,
                "options": options,
            }
            real = {"model": str(folder), "adapter": adapter, "max_tokens": 6, "monitors": False}
            job |= {"model": "scripted"} if adapter is None else real
            out, started = where / f"{name}-{adapter}", time.monotonic()
            killed(lambda: improve(name, out=out, **job), None)
            known[name, adapter] = job, left_by(out), time.monotonic() - started
        return known[name, adapter]

    return run


def killed(work, after):
    """Whether a process of its own was killed before it had done the work; `after` so many seconds, None for never."""

    def alone():
        # the cache is the process's own, so that each begins with a cold one
        os.environ["SELFTAUGHT_CACHE"] = f"{os.environ['SELFTAUGHT_CACHE']}-{os.getpid()}"
        work()

    process = forked(alone)
    ends = None if after is None else time.monotonic() + after
    while not (found := os.waitpid(process, 0 if ends is None else os.WNOHANG))[0]:
        if time.monotonic() >= ends:
            os.kill(process, signal.SIGKILL)
            ends = None
        time.sleep(0.001)
    code = os.waitstatus_to_exitcode(found[1])
    assert code in (0, -signal.SIGKILL), code
    return code != 0


def left_by(run):
    """What a run leaves but times: result, logs, journal, and the weights of every generation."""
    result = json.loads((run / "result.json").read_text().replace(str(run), "RUN"))
    steps = [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in (run / "steps.jsonl").read_text().splitlines()]
    kept = [run / "attempts.jsonl", run / "journal.bin", *sorted((run / "generations").rglob("*.safetensors"))]
    files = {str(path.relative_to(run)): hashlib.sha256(path.read_bytes()).hexdigest() for path in kept}
    return {"result": {k: v for k, v in result.items() if k not in TIMES}, "steps": steps, "files": files}


@pytest.mark.parametrize("seed", range(FIRST, FIRST + COUNT))
def test_a_run_killed_at_random_moments(seed, unbroken, tmp_path):
    rng = random.Random(seed)
    name, adapter = REAL[seed // 4 % len(REAL)] if seed % 4 == 0 else (TEXT[seed % len(TEXT)], None)
    job, whole, seconds = unbroken(name, adapter)
    moments = [rng.uniform(0, 1.1 * seconds) for _ in range(4)]
    print(f"seed {seed}: {name}, adapter {adapter}, killed after {', '.join(f'{moment:.3f}' for moment in moments)} s")
    run = Path(tmp_path / "run")
    for moment in [*moments, None]:
        if not killed(lambda: improve(name, out=run, resume=True, **job), moment):
            break
    assert left_by(run) == whole
    shutil.rmtree(run)
