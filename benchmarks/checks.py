"""How long a step's checks take beside those of another version of this package: medians of interleaved pairs.

    git worktree add /tmp/before v0.1.0
    python benchmarks/checks.py /tmp/before/src            # prints a table: seconds of both, and the ratio's median and quartiles
    python benchmarks/checks.py /tmp/before/src --programs # also milliseconds that one program takes in the sandbox
    python benchmarks/checks.py /tmp/before/src gym:gcd    # these steps alone

A step's checks are 64 attempts at 8 tasks of a reasoning-gym family, in a pool that is warm; or 64 pairs of expressions.
"""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve()
OURS = str(HERE.parents[1] / "src")
PAIRS = 31
TASKS, ATTEMPTS = 8, 8
WHAT = ("gym:chain_sum", "gym:spiral_matrix", "gym:n_queens", "gym:polynomial_multiplication", "gym:simple_integration", "expressions")


def calls_of(text: str) -> list[tuple[str, object, str, object]]:
    """One step's calls on a source: right answers, others' and spoilt ones."""
    from selftaught.seals import GoldReader
    from selftaught.tasks.source import parse_source

    tasks = parse_source(text).draw("step", TASKS, "audit")
    entries = [task.sealed.open(GoldReader("audit", lambda: None)) for task in tasks]
    golds = [str(entry["answer"]) for entry in entries]
    calls = []
    for index, (task, entry) in enumerate(zip(tasks, entries, strict=True)):
        answers = [golds[index], golds[index - 1], golds[index] + "1", golds[index][1:], "x", "[1, 2]", golds[index][::-1], "7"]
        calls += [(text, task, answer, entry) for answer in answers[:ATTEMPTS]]
    return calls


def child() -> None:
    """Time what is named on standard input, with the version this process was started with."""
    from selftaught.tasks.grading import equality
    from selftaught.tasks.grading.checkers import CheckerPool

    step = 0
    with CheckerPool() as pool:
        for line in sys.stdin:
            what, step = line.strip(), step + 1
            if what == "expressions":
                # Never the same pair again, which would be answered from memory.
                pairs = [(f"{step + 1}x + {n}", f"{n} + {step + 1}x") for n in range(2, 66)]
                began = time.perf_counter()
                assert all(equality.same(*pair) for pair in pairs)
            else:
                calls = calls_of(what)
                began = time.perf_counter()
                pool.grade(calls)
            print(time.perf_counter() - began, flush=True)


def started(source: str) -> subprocess.Popen[str]:
    """A process of one version."""
    return subprocess.Popen(
        [sys.executable, str(HERE), "--child"],
        env=os.environ | {"PYTHONPATH": source, "OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def asked(process: subprocess.Popen[str], what: str) -> float:
    """Seconds that one step's checks took in a process."""
    print(what, file=process.stdin, flush=True)
    return float(process.stdout.readline())


def programs() -> None:
    """Print how long one program takes in a warm sandbox."""
    from selftaught.sandbox import KINDS, Sandbox

    with Sandbox(workers=1) as box:
        spans = []
        for _ in range(200):
            began = time.perf_counter()
            assert box.run("def main(data):\n    return data + 1", 1).value == 2
            spans.append(1000 * (time.perf_counter() - began))
    low, middle, high = statistics.quantiles(spans[5:], n=4)
    print(f"a program in {KINDS[box.kind]}: {middle:.1f} ms (quartiles {low:.1f} to {high:.1f})")


def main() -> None:
    """Print the table."""
    if "--child" in sys.argv:
        child()
        return
    before, after = started(sys.argv[1]), started(OURS)
    print(f"{'a step of':32}{'before, s':>12}{'after, s':>12}{'ratio':>8}  quartiles")
    for what in [name for name in sys.argv[2:] if not name.startswith("--")] or WHAT:
        for process in (before, after):
            asked(process, what)
        pairs = []
        for index in range(PAIRS):
            # The first of a pair finds another machine than the second: they take turns.
            order = (before, after) if index % 2 else (after, before)
            spans = {id(process): asked(process, what) for process in order}
            pairs.append((spans[id(before)], spans[id(after)]))
        low, middle, high = statistics.quantiles([new / old for old, new in pairs], n=4)
        old, new = (statistics.median(side) for side in zip(*pairs, strict=True))
        print(f"{what:32}{old:12.4f}{new:12.4f}{middle:8.2f}  {low:.2f} to {high:.2f}", flush=True)
    for process in (before, after):
        process.stdin.close()
        process.wait()
    if "--programs" in sys.argv:
        programs()


if __name__ == "__main__":
    main()
