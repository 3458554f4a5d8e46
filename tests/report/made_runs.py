"""Run folders made by the contract, without a model: as large and as hostile as asked for."""

import json
import math
import random

SOURCES = ("linear:level=6", "sort:level=6", "sudoku:level=8")
HOSTILE = (
    "</script><img src=x onerror=\"window.owned=1;fetch('https://example.com/x')\">",
    "<!--<script>window.owned=1</script>", "]]></style><script>window.owned=1</script>", "\u202eevil\u202c \u2066x\u2069 \u200bzero",
    "\x1b[31mred\x1b[0m\x07", "a\x00b", "\ud800 lone", "{{ 7*7 }} {% raw %}", "line\u2028break\u2029", "&lt;b&gt; &amp;", "L" * 100_000,
)  # fmt: skip


def write(path, value):
    path.write_text(json.dumps(value))


def lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def attempt(rng, right, answer):
    text = f"18x=324, so x is {answer}"
    tokens = [[word + " ", -rng.random() * 2] for word in text.split()[:120]]
    return {"text": text, "answer": str(answer), "right": right, "logprob": -rng.random(), "tokens": tokens}


def question(rng, i, each, hostile, long=""):
    """One held-out task; every tenth is confidently wrong after, others are fixed, broken or stay as they are."""
    kind = ("confident", "fixed", "broken", "right", "wrong")[i % 5] if i % 10 < 5 else "right"
    shares = {"confident": (0.25, 0.0), "fixed": (0.0, 1.0), "broken": (1.0, 0.25), "right": (0.75, 1.0), "wrong": (0.0, 0.0)}[kind]
    row = {"task": f"{i:016x}", "text": f"Which x gives {i}x+36=360?", "source": SOURCES[i % len(SOURCES)]}
    for side, share in zip(("start", "result"), shares, strict=True):
        good = round(share * each)
        wrong = [13 if kind == "confident" and side == "result" else 100 + j for j in range(each - good)]
        row[side] = [attempt(rng, 1, 18) for _ in range(good)] + [attempt(rng, 0, w) for w in wrong]
        for a in row[side][1:]:
            a["tokens"] = []
            a["logprob"] = -1.5
        for j, a in enumerate(row[side]):
            a["text"] += f" {i} {j} {side} {long}" if long else ""
    if hostile:
        bad = HOSTILE[i % len(HOSTILE)]
        row["text"] += " " + bad
        row["result"][0] |= {"text": bad, "answer": bad[:200], "tokens": [[bad[:50], -0.5]]}
    return row


def group(rng, step, i, hostile):
    """Four attempts and a revision of the first."""
    name = f"{step:05d}/solver/{i}"
    made = [
        {"id": f"{name}/{j}", "text": f"x={rng.randint(1, 30)}", "role": "solver", "view": j % 2, "parents": [], "stop": "end",
         "score": [float(rng.random() < 0.5), "self", "winner: 18" if j == 0 else ""]}
        for j in range(4)
    ]  # fmt: skip
    critique = "</script><b>" if hostile else "The sign of the second term was lost."
    score = [1.0, "self", critique]
    made.append(made[0] | {"id": f"{name}/r", "role": "reviser", "parents": [f"{name}/0"], "text": "Checked: x=18", "score": score})
    return {"step": step, "task": f"Solve {i}x+39=647.", "source": SOURCES[i % 3], "attempts": made}


def steps(count, rng):
    rows = []
    for i in range(1, count + 1):
        rise = 1 - math.exp(-i / count * 2)
        rows.append({
            "step": i, "generation": i, "spent": i * 16_000, "of": count, "groups": 32, "attempts": 284,
            "reward": 0.35 + 0.3 * rise + 0.05 * rng.random(), "sampled_length": 20 + rng.random(), "length_ratio": 1 + 0.1 * rng.random(),
            "zero_signal_groups": 0.4 - 0.2 * rise, "majority_share": 0.5 + 0.3 * rise, "vote_entropy": 1.2 - 0.8 * rise,
            "distinct_answers": 4 - 2 * rise, "one_answer": 0.05 + 0.02 * rng.random(), "entropy": 0.9 - 0.4 * rise, "kl": 0.05 * rise,
            "seconds": 1.5,
            **{f"level/{s}": 0.2 + 0.2 * k + (0.5 - 0.15 * k) * rise + 0.1 * (rng.random() - 0.5) for k, s in enumerate(SOURCES)},
        })  # fmt: skip
    return rows


def result(**changed):
    ends = {"before": 0.392, "after": 0.546, "gain": 0.154, "low": 0.114, "high": 0.196, "p": 0.0001}
    best = {"before": 0.515, "after": 0.675, "gain": 0.16, "low": 0.09, "high": 0.23, "p": 0.0002, "metric": "pass@1"}
    said = "Improved: 39.2% to 54.6% (+15.4 points, 11.4 to 19.6) at the stated sampler, 51.5% to 67.5% (+16.0 points, 9.0 to 23.0)"
    return ends | {
        "verdict": "improved", "kind": "new", "sentence": said + " with each side at its best decoding; pass@16 rose.", "metric": "pass@1",
        "best": best | {"settings": {"before": {"temperature": 0.0}, "after": {"temperature": 0.3}}},
        "baselines": {"greedy": 0.515, "best_temperature": 0.515, "vote_k": 0.495, "best_of_k": 0.53},
        "baseline_intervals": {"greedy": {"k": 1, "low": 0.445, "high": 0.585}, "best_temperature": {"k": 1, "low": 0.445, "high": 0.585},
                               "vote_k": {"k": 8, "low": 0.433, "high": 0.558}},
        "pass_at": {"1": {"before": 0.392, "after": 0.546}, "4": {"before": 0.61, "after": 0.76}, "16": {"before": 0.76, "after": 0.87}},
        "equal_tokens": {"k": 11, "vote": 0.51, "slope": 0.004, "drawn": 16}, "reuse": 14,
        "break_even": {"questions": 4200, "sentence": "cheaper than a vote of 8 on the start after about 4,200 questions"},
        "off_task": [{"family": "sums", "before": 0.8, "after": 0.79, "gain": -0.01, "low": -0.03, "high": 0.01, "worse": False}],
        "tasks": 200, "smallest_effect": 0.102,
        "tokens": {"prompted": 246357, "sampled": 393908, "scored": 0, "trained": 315560, "evaluated": 180780},
        "gold_read": {"train": 0, "select": 0, "audit": 24, "evaluate": 400},
        "sources": {"self": 0.62, "peer": 0.0, "rule": 0.38, "gold": 0.0},
        "flops": {"spent": 3.2e13, "evaluated": 2.1e12}, "calls": {"checker": 9120, "judge": 0, "tool": 0}, "wall_seconds": 107.4,
        "cpu_seconds": 203.0, "recipe": "selftaught", "model": "sprout", "steps": 60, "generation": 60, "seconds": 107.4, "alarms": [],
    } | changed  # fmt: skip


def spread(mean, count=1000):
    """Ones and zeros with that mean."""
    return [float(i < round(mean * count)) for i in range(count)]


def make_run(folder, *, tasks=40, each=4, count=60, groups=2, hostile=False, long="", seed=0, job=None, **changed):
    """A finished run's folder: `tasks` held-out questions with `each` attempts a side, `count` steps of `groups` groups."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(seed)
    job = {"recipe": "selftaught", "tasks": list(SOURCES), "budget": 1_000_000, "seed": 3} | (job or {})
    recipe = {
        "name": "selftaught",
        "rounds": 1,
        "phases": [{"steps": count, "every": 10}],
        "claim": {"text": HOSTILE[0] if hostile else ""},
    }
    write(folder / "run.json", {
        "job": job, "recipe": recipe, "digest": "c97e470cb53b0c5c", "started": "2026-03-01T14:26:40", "versions": {"selftaught": "0.1.0"},
        "python": "3.11.7",
    })  # fmt: skip
    write(folder / "result.json", result(**changed))
    told = {"help": True, "expected_gain": 0.11, "low": 0.04, "high": 0.18, "why": "Votes are right more often than single attempts."}
    write(folder / "forecast.json", told)
    means = {"start": (0.392, 0.515), "result": (0.546, 0.675)}
    write(folder / "held_out.json", {side: {"stated": spread(s), "best": spread(b)} for side, (s, b) in means.items()})
    write(folder / "latest.json", {"start": "00000", "best": "00040", "latest": f"{count:05d}"})
    stages = (("explore", "sampled"), ("explore", "prompted"), ("reflect", "sampled"), ("train", "trained"))
    rows = [
        {"table": "tokens", "stage": s, "role": "solver", "purpose": "train", "kind": k, "count": 90_000 + 60_000 * i}
        for i, (s, k) in enumerate(stages)
    ]
    rows.append({"table": "tokens", "stage": "evaluate", "role": "solver", "purpose": "evaluate", "kind": "evaluated", "count": 180_780})
    rows += [{"table": "seconds", "stage": s, "role": "", "purpose": "", "kind": "wall", "count": 30.0} for s in ("explore", "train")]
    write(folder / "ledger.json", rows)
    lines(folder / "steps.jsonl", steps(count, rng))
    lines(folder / "attempts.jsonl", [group(rng, step, i, hostile) for step in range(count) for i in range(groups)])
    lines(folder / "held_out.jsonl", (question(rng, i, each, hostile, long) for i in range(tasks)))
    return folder
