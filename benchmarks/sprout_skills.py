"""What sprout can do, skill by skill.

    python benchmarks/sprout_skills.py --json benchmarks/results/sprout.json

Every own family and level (share right at temperature 1, greedy, pass@16), the reasoning-gym families it was taught,
and judging, revising, rewording and writing tasks. Tasks are drawn for this purpose from the audit split.
"""

import argparse
import asyncio
import json
import random
from pathlib import Path

import numpy as np

from selftaught.explore.frontier import REWORD, numbers
from selftaught.format import Format
from selftaught.jobs.job import SPROUT
from selftaught.models.language.local import open_local
from selftaught.models.language.model import LanguageModel
from selftaught.models.sprout.data import FAMILIES, JUDGE, REVISE, WRITE, solution
from selftaught.models.sprout.gym_skills import WORKED
from selftaught.seals import GoldReader
from selftaught.statistics.metrics import pass_at_k
from selftaught.tasks.own import families
from selftaught.tasks.source import parse_source
from selftaught.types import Attempt, Message, SampleRequest, SamplerSettings, Task

FORM = Format()
SAMPLED, GREEDY = SamplerSettings(temperature=1.0, max_tokens=96), SamplerSettings(temperature=0.0, max_tokens=96)


async def ask(
    model: LanguageModel, tasks: list[Task], turns: list[tuple[Message, ...]], settings: SamplerSettings, n: int = 1
) -> list[list[Attempt]]:
    """Attempts at conversations."""
    requests = [
        SampleRequest(key=f"{i}/{settings.temperature}", task=t, messages=m, n=n, settings=settings)
        for i, (t, m) in enumerate(zip(tasks, turns, strict=True))
    ]
    return await model.sample(requests)


def right(task: Task, text: str) -> float:
    """Grade a text; answers are read, for this page only."""
    answer = FORM.canonical(text)
    entry = task.sealed.open(GoldReader("audit", lambda: None)) if task.sealed else None
    return parse_source(task.source).check(task, answer, entry) if answer is not None else 0.0


async def solving(model: LanguageModel, source: str, tasks: int, n: int) -> dict[str, float]:
    """Accuracy on one source."""
    drawn = parse_source(source).draw("skills", tasks, "audit")
    turns = [t.messages for t in drawn]
    sampled, greedy = await ask(model, drawn, turns, SAMPLED, n), await ask(model, drawn, turns, GREEDY)
    correct_B_n = np.array([[right(t, a.text) for a in attempts] for t, attempts in zip(drawn, sampled, strict=True)]) >= 1
    best = np.mean([right(t, attempts[0].text) >= 1 for t, attempts in zip(drawn, greedy, strict=True)])
    return {
        "pass@1": float(correct_B_n.mean()),
        "greedy": float(best),
        f"pass@{n}": float(np.mean(pass_at_k(correct_B_n.astype(np.float32), n))),
    }


async def other_skills(model: LanguageModel, tasks: int) -> dict[str, dict[str, float]]:
    """Judge, revise, reword and write, on middle levels of what was taught."""
    rng = random.Random(0)
    kinds = {name: families()[name](level=level) for name in FAMILIES for level in (3, 4)}
    rows: dict[str, dict[str, float]] = {}
    verdicts, revised, reworded, written = [], [], [], []
    for kind in kinds.values():
        source = parse_source(f"{kind.name}:level={kind.level}")
        drawn = source.draw("other", tasks, "audit")
        facts = [kind.read(t.text) for t in drawn]
        drafts = [solution(kind.work(f) if i % 2 else kind.spoil(f, rng)) for i, f in enumerate(facts)]
        graded = [right(t, d) >= 1 for t, d in zip(drawn, drafts, strict=True)]
        heads = [(*t.messages, Message("assistant", d)) for t, d in zip(drawn, drafts, strict=True)]
        said = await ask(model, drawn, [(*h, Message("user", JUDGE)) for h in heads], GREEDY)
        verdicts += [a[0].text.strip() == ("yes" if good else "no") for a, good in zip(said, graded, strict=True)]
        again = await ask(model, drawn, [(*h, Message("user", REVISE)) for h in heads], GREEDY)
        revised += [(good, right(t, a[0].text) >= 1) for t, a, good in zip(drawn, again, graded, strict=True)]
        others = await ask(model, drawn, [(Message("user", REWORD + t.text),) for t in drawn], SAMPLED)
        for t, a, f in zip(drawn, others, facts, strict=True):
            back = kind.read(a[0].text)
            same = back is not None and kind.identity(back) == kind.identity(f)
            reworded.append((same, a[0].text != t.text and numbers(a[0].text) == numbers(t.text)))
        new = await ask(model, drawn, [(Message("user", WRITE + t.text),) for t in drawn], SAMPLED)
        written += [kind.read(a[0].text) is not None and a[0].text != t.text for t, a in zip(drawn, new, strict=True)]
    rows["judge: yes or no on a solution (half are wrong)"] = {"right": float(np.mean(verdicts))}
    rows["revise: a wrong draft becomes right"] = {"right": float(np.mean([after for before, after in revised if not before]))}
    rows["revise: a right draft stays right"] = {"right": float(np.mean([after for before, after in revised if before]))}
    rows["reword: same question in other words"] = {"right": float(np.mean([same and other for same, other in reworded]))}
    rows["write: another task of the family"] = {"right": float(np.mean(written))}
    for name in ("name the first wrong step", "tool calls", "answer from a passage"):
        rows[name] = {"right": float("nan")}
    return rows


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=str(SPROUT))
    parser.add_argument("--tasks", type=int, default=50)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    model = open_local(args.model, format=FORM)
    own = {}
    for name, cls in families().items():
        for level in range(1, len(cls.ladder) + 1):
            own[f"{name}:level={level}"] = row = await solving(model, f"{name}:level={level}", args.tasks, 16)
            print(name, level, {k: round(v, 2) for k, v in row.items()}, flush=True)
    gym = {}
    for name, (_, settings) in WORKED.items():
        text = f"gym:{name}," + ",".join(f"{k}={v}" for k, v in settings[1].items())
        gym[text] = await solving(model, text, args.tasks, 16)
        print(text, gym[text], flush=True)
    found = {"own": own, "gym": gym, "skills": await other_skills(model, args.tasks // 2)}
    print(json.dumps(found["skills"], indent=1))
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
