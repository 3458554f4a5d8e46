"""Seconds from `selftaught improve` to its verdict: a fresh process, a fresh folder, nothing cached."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.speed.options import Found, Options

HOUR = 3600


def run(options: Options) -> Found:
    """The default run, whole, as a user starts it."""
    with tempfile.TemporaryDirectory() as folder:
        threads = {key: str(options.threads) for key in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
        environment = os.environ | threads | {"SELFTAUGHT_CACHE": str(Path(folder) / "cache"), "TOKENIZERS_PARALLELISM": "false"}
        words = [sys.executable, "-m", "selftaught", "improve", "--json", "--out", str(Path(folder) / "run")]
        began = time.perf_counter()
        done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=HOUR)
        seconds = time.perf_counter() - began
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise RuntimeError(f"selftaught improve ended with {done.returncode}: {said[-1] if said else 'it said nothing'}")
    result = json.loads(done.stdout.strip().splitlines()[-1])
    kept = {key: result[key] for key in ("verdict", "before", "after", "gain", "low", "high", "stages", "tokens")}
    said = f"{result['verdict']}, {result['before']:.1%} to {result['after']:.1%}"
    return {"seconds_to_verdict": seconds, "verdict": kept, "footnotes": {"verdict": said}}
