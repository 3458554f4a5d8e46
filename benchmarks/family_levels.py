"""Where a model stands on own families: what it needs to know before one picks what it is to teach itself.

    python benchmarks/family_levels.py --model ./my-model --tasks begins:level=1 sums:level=1,words=plain --json found.json

Prints one row of a Markdown table a source: different questions there are (up to 2,000 draws), share right when sampled, best
of 4 and of 8 such attempts, greedy, and the tokens that 90% of greedy replies need. Tasks come from the audit split.
"""

import argparse
import asyncio
import json
from pathlib import Path

import numpy as np

from selftaught.format import Format
from selftaught.models.language.local import open_local
from selftaught.models.language.model import LanguageModel
from selftaught.seals import GoldReader
from selftaught.statistics.metrics import pass_at_k
from selftaught.tasks.source import parse_source
from selftaught.types import Attempt, SampleRequest, SamplerSettings, Task

DRAWS = 2000
HEAD = ("tasks", "questions", "sampled", "best of 4", "best of 8", "greedy", "tokens")


def right(task: Task, text: str) -> float:
    """Grade a reply, read as the task asks for; answers are read, for this table only."""
    format = Format().suited(task.reads)
    answer = (format.extract if task.checker == "rule" and not task.numeric else format.canonical)(text, task.numeric)
    entry = task.sealed.open(GoldReader("audit", lambda: None)) if task.sealed else None
    return 0.0 if answer is None else parse_source(task.source).check(task, answer, entry)


async def ask(model: LanguageModel, tasks: list[Task], n: int, temperature: float, most: int) -> list[list[Attempt]]:
    """`n` attempts at each task."""
    settings = SamplerSettings(temperature=temperature, max_tokens=most)
    return await model.sample(
        [SampleRequest(key=f"{t.id}/{temperature}", task=t, messages=t.messages, n=n, settings=settings, noise=t.id) for t in tasks]
    )


async def measured(model: LanguageModel, text: str, count: int, n: int, most: int, temperature: float) -> dict[str, float]:
    """One row: shares, and numbers of questions and tokens."""
    source = parse_source(text)
    drawn = {source.fingerprint(task): task for task in source.draw("levels", DRAWS, "audit")}
    tasks = list(drawn.values())[:count]
    sampled, greedy = await ask(model, tasks, n, temperature, most), await ask(model, tasks, 1, 0.0, most)
    right_B_n = np.array([[right(t, a.text) for a in group] for t, group in zip(tasks, sampled, strict=True)], np.float32)
    return {
        "questions": len(drawn),
        "sampled": float(right_B_n.mean()),
        **{f"best of {k}": float(np.mean(pass_at_k(right_B_n, k))) for k in (4, 8) if k <= n},
        "greedy": float(np.mean([right(t, group[0].text) for t, group in zip(tasks, greedy, strict=True)])),
        "tokens": float(np.quantile([group[0].sampled_count for group in greedy], 0.9, method="higher")),
    }


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--tasks", nargs="+", required=True)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--n", type=int, default=8)
    parser.add_argument("--max-tokens", type=int, default=32)
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    model = open_local(args.model)
    found = json.loads(args.json.read_text()) if args.json and args.json.exists() else {}
    print("| " + " | ".join(HEAD) + " |\n" + "| --- " * len(HEAD) + "|")
    for text in args.tasks:
        found[text] = row = await measured(model, text, args.count, args.n, args.max_tokens, args.temperature)
        cells = [f"{row[key]:.0f}" if key in ("questions", "tokens") else f"{row[key]:.0%}" for key in HEAD[1:] if key in row]
        print(f"| `{text}` | " + " | ".join(cells) + " |", flush=True)
        if args.json:
            args.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
