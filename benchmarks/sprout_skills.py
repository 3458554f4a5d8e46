"""What sprout can do, level by level: `python benchmarks/sprout_skills.py --model FOLDER --out runs/skills.json`.

For every own family and level: share right at temperature 1, greedy, and pass@16, on tasks drawn for this purpose.
"""

import argparse
import asyncio
import json
from pathlib import Path

import numpy as np

from selftaught.evaluate.metrics import pass_at_k
from selftaught.format import Format
from selftaught.models.local import LocalModel
from selftaught.session import SPROUT
from selftaught.tasks.own import families
from selftaught.tasks.source import parse_source
from selftaught.types import SampleRequest, SamplerSettings


async def level(model: LocalModel, text: str, tasks: int, n: int) -> dict[str, float]:
    """Accuracy of one family at one level."""
    source, form = parse_source(text), Format()
    drawn = source.draw("skills", tasks, "audit")
    right = {}
    for name, settings, count in (
        ("sampled", SamplerSettings(temperature=1.0, max_tokens=96), n),
        ("greedy", SamplerSettings(temperature=0.0, max_tokens=96), 1),
    ):
        requests = [
            SampleRequest(key=f"{name}/{i}", task=t, messages=t.messages, n=count, settings=settings) for i, t in enumerate(drawn)
        ]
        replies = await model.sample(requests)
        right[name] = np.array(
            [
                [source.check(t, form.canonical(a.text) or "", t.sealed.open(lambda: None)) for a in attempts]
                for t, attempts in zip(drawn, replies, strict=True)
            ]
        )
    passed = float(np.mean(pass_at_k(right["sampled"], n)))
    return {"pass@1": float(right["sampled"].mean()), "greedy": float(right["greedy"].mean()), f"pass@{n}": passed}


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=str(SPROUT))
    parser.add_argument("--tasks", type=int, default=50)
    parser.add_argument("--n", type=int, default=16)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    model = LocalModel.open(args.model, format=Format())
    rows = {}
    for name, cls in families().items():
        for i in range(1, len(cls.ladder) + 1):
            rows[f"{name}:level={i}"] = found = await level(model, f"{name}:level={i}", args.tasks, args.n)
            print(f"{name}:level={i}", " ".join(f"{k} {v:.2f}" for k, v in found.items()), flush=True)
    if args.out:
        args.out.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
