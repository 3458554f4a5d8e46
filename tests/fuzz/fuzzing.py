"""Fuzzing without end: by atheris where it is installed, else by changing bytes of the seeds at random."""

import contextlib
import random
import sys
import tempfile
import time
from pathlib import Path

try:
    import atheris
except ImportError:
    atheris = None

PIECES = (
    b"\0",
    b"\xff",
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b"\\",
    b"9" * 30,
    b"-",
    b"e",
    b"null",
    b"\n",
    b"#",
    b",",
    b"\\ud800",
    b"^",
    b"[" * 2000,
)


def instrumented():
    """What is imported inside tells atheris which lines were reached."""
    return atheris.instrument_imports(include=["selftaught"]) if atheris else contextlib.nullcontext()


def changed(data, rng):
    """Bytes of a seed with a few of them changed, cut out, doubled or put in."""
    held = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(held) + 1)
        match rng.randrange(4):
            case 0 if at < len(held):
                held[at] ^= 1 << rng.randrange(8)
            case 1:
                del held[at : at + rng.randint(1, 20)]
            case 2:
                held[at:at] = held[at : at + rng.randint(1, 40)]
            case _:
                held[at:at] = rng.choice(PIECES)
    return bytes(held)


def at_random(target, seeds, seconds, seed=0):
    """Hand changed seeds to a target until the time is over; how many there were."""
    rng, end, count = random.Random(seed), time.monotonic() + seconds, 0
    while time.monotonic() < end:
        data = changed(rng.choice(seeds), rng)
        try:
            target(data)
        except BaseException:
            print(f"after {count} inputs: {data!r}", file=sys.stderr)
            raise
        count += 1
    return count


def fuzz(target, seeds):
    """`python tests/fuzz/TARGET.py [SECONDS]`: a minute when no time is given."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    if atheris is None:
        print(f"{at_random(target, seeds, seconds, seed=time.time_ns())} inputs, nothing found")
        return
    with tempfile.TemporaryDirectory() as corpus:
        for i, seed in enumerate(seeds):
            Path(corpus, f"seed-{i}").write_bytes(seed)
        atheris.Setup([sys.argv[0], f"-max_total_time={seconds}", "-timeout=20", "-max_len=4096", corpus], target)
        atheris.Fuzz()
