"""Measures every reasoning-gym family's grader and writes `src/selftaught/tasks/gym/refusals.py`.

    python benchmarks/gym_families.py            # all families (minutes); prints a table and writes the file
    python benchmarks/gym_families.py --dry      # prints what the file would hold
    python benchmarks/gym_families.py a b c      # these families only, nothing is written

A child process does the measuring, because nine checkers run an answer as code and some never come back.
"""

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
TARGET = HERE.parents[1] / "src" / "selftaught" / "tasks" / "gym_refusals.py"
DRAWS = 16
SEED = 7 << 28
RIGHT = 0.99
FOREIGN = 0.5
PATIENCE = 90.0
ATTACKS = ("__import__('os').system('true')", "[__import__('os').system('true')]", "__import__('os').system('true') or 1")
HANGS = ("9**9**9**9", "10**10**10")
JUNK = ("x", "0", "1", "2", "-1", "yes", "[[[", "\\frac{", "1/0", "é")
EXECUTED: list[str] = []


def refuse(event: str, args: Any) -> None:
    """Audit hook: note and refuse an answer's attempt to start a process."""
    if event in ("os.system", "subprocess.Popen", "os.exec", "os.posix_spawn"):
        EXECUTED.append(event)
        raise PermissionError(event)


def measure(name: str) -> dict[str, Any]:
    """What a family's grader does with gold, nothing, other tasks' answers and code."""
    import reasoning_gym

    from selftaught.format import canonical

    try:
        data = reasoning_gym.create_dataset(name, seed=SEED, size=DRAWS)
        items = [data[i] for i in range(DRAWS)]
    except Exception as error:
        return {"load": f"{type(error).__name__}: {error}"[:200]}
    golds = [item["answer"] for item in items]
    if any(not isinstance(gold, str) for gold in golds):
        return {"no_gold": True}
    EXECUTED.clear()
    raised = 0

    def grade(answer: str | None, item: Any) -> float:
        nonlocal raised
        try:
            return float(data.score_answer(answer, item))
        except Exception:
            raised += 1
            return 0.0

    found: dict[str, Any] = {"gold": min(grade(g, i) for g, i in zip(golds, items, strict=True)), "gold_raised": raised}
    raised = 0
    found["canonical"] = min(grade(" ".join(g.split()), i) for g, i in zip(golds, items, strict=True))
    found["empty"] = max(grade("", item) for item in items)
    near = [(a, (i + step) % DRAWS) for i, a in enumerate(golds) for step in (1, 3, 7)]
    pairs = [(a, items[j]) for a, j in near if canonical(a).lower() != canonical(golds[j]).lower()]
    paid = [grade(answer, item) for answer, item in pairs]
    found["foreign"] = sum(value >= RIGHT for value in paid) / max(len(paid), 1)
    wrong = [(junk, [item for item in items if canonical(item["answer"]).lower() != junk]) for junk in JUNK]
    shares = [sum(grade(junk, item) >= RIGHT for item in unequal) / max(len(unequal), 1) for junk, unequal in wrong]
    found["junk"], found["constant"] = min(shares), JUNK[shares.index(max(shares))] if max(shares) >= FOREIGN else ""
    found["part"] = any(0 < value < RIGHT for value in paid)
    for attack in ATTACKS:
        for item in items[:4]:
            grade(attack, item)
    found["executes"], found["raised"] = bool(EXECUTED), raised
    found["integers"] = all(g.strip().lstrip("-").isdigit() for g in golds)
    return found


def child() -> None:
    """Measure the families named on standard input, one JSON line a finding."""
    import reasoning_gym

    sys.addaudithook(refuse)
    # Checkers print; the findings have a stream of their own.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        name = line.strip()
        found = measure(name)
        data = reasoning_gym.create_dataset(name, seed=SEED, size=1) if "load" not in found else None
        item = data[0] if data is not None else None
        print(json.dumps({"family": name, **found}), file=out, flush=True)
        for answer in HANGS if data is not None else ():
            with contextlib.suppress(Exception):
                data.score_answer(answer, item)
        print(json.dumps({"family": name, "hangs": False}), file=out, flush=True)


def read(stream: Any, lines: Any) -> None:
    """Hand on the lines of a stream until it ends."""
    with stream:
        for line in stream:
            lines.put(line)


def survey(names: Iterable[str], patience: float = PATIENCE, power: float = 5.0) -> dict[str, dict[str, Any]]:
    """Findings by family; a child that is silent for too long is killed and replaced."""
    findings: dict[str, dict[str, Any]] = {}
    process: Any = None
    lines: queue.Queue[str] = queue.Queue()
    for name in names:
        found: dict[str, Any] = {}
        if process is None:
            process = subprocess.Popen(
                [sys.executable, str(HERE), "--child"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
            lines = queue.Queue()
            threading.Thread(target=read, args=(process.stdout, lines), daemon=True).start()
        print(name, file=process.stdin, flush=True)
        for wait, lost in ((patience, {"load": "silent"}), (power, {"hangs": True})):
            try:
                found |= json.loads(lines.get(timeout=wait))
            except queue.Empty:
                end(process)
                process, found = None, found | lost
                break
        findings[name] = found
    if process is not None:
        end(process)
    return findings


def end(process: Any) -> None:
    """Kill a child and close its streams."""
    process.kill()
    process.wait()
    with contextlib.suppress(OSError):
        process.stdin.close()


def reason(found: dict[str, Any]) -> str:
    """Why a family is refused, "" when it is not."""
    if "load" in found:
        return "its tasks cannot be made: " + found["load"]
    if "no_gold" in found:
        return "it gives no answer to check against"
    if found["gold"] < RIGHT:
        return "its checker refuses its own answer"
    if found["junk"] >= FOREIGN:
        return "its checker pays any answer that is not empty"
    if found["foreign"] >= FOREIGN:
        return "its checker pays other tasks' answers"
    if found["constant"]:
        return f"its checker pays {found['constant']} where that is wrong"
    if found["empty"] > 0:
        return "its checker pays an empty answer"
    return ""


def table(findings: dict[str, dict[str, Any]]) -> str:
    """The text of `gym_refusals.py`."""
    refused = {name: reason(found) for name, found in sorted(findings.items()) if reason(found)}
    refused |= {"composite": "it only mixes other families: name those"} if "composite" in findings else {}
    groups = {
        "EXECUTES": ("Their checkers run an answer as code.", "executes"),
        "HANGS": ("Their checkers do not come back from a tower of powers.", "hangs"),
    }
    text = '"""Which reasoning-gym families are refused and why; written by `benchmarks/gym_families.py`."""\n\n'
    text += "REFUSALS: dict[str, str] = {\n"
    text += "".join(f'    "{name}": "{why}",\n' for name, why in sorted(refused.items())) + "}\n"
    for label, (note, key) in groups.items():
        text += listing(label, note, sorted(name for name, found in findings.items() if found.get(key)))
    note = "Their own answer fails once spaces are squeezed to one line."
    return text + listing("MANY_LINES", note, sorted(n for n, f in findings.items() if f.get("canonical", 1) < RIGHT <= f.get("gold", 0)))


def listing(label: str, note: str, names: list[str]) -> str:
    """A commented tuple of names."""
    return f"# {note}\n{label}: tuple[str, ...] = (\n" + "".join(f'    "{name}",\n' for name in names) + ")\n"


def main() -> None:
    """Survey, print, write."""
    if "--child" in sys.argv:
        child()
        return
    from reasoning_gym.factory import DATASETS

    chosen = [name for name in sys.argv[1:] if not name.startswith("--")]
    findings = survey(chosen or sorted(DATASETS))
    for name, found in findings.items():
        print(f"{name:28}", reason(found) or "-", {k: v for k, v in found.items() if k != "family"}, file=sys.stderr)
    if not chosen and "--dry" not in sys.argv:
        TARGET.write_text(table(findings), encoding="utf-8")
    print(table(findings))


if __name__ == "__main__":
    main()
