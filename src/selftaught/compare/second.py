"""The second model of every claim: a pretrained one, to see whether what a tiny model shows carries over."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from selftaught.compare.outcomes import Row
from selftaught.compare.runs import Settings
from selftaught.jobs.known import KNOWN
from selftaught.parts import named
from selftaught.recipe import Claim, get_recipe

# Fixed before any of these runs. One seed, as a run takes some ten minutes of one core.
SEEDS = (31,)
_KNOWN = KNOWN["smollm2"]
SETTINGS = Settings(
    model="smollm2", tasks=("alphabet:level=1", "compare:level=2"), adapter=_KNOWN.adapter, temperature=_KNOWN.temperature,
    max_tokens=_KNOWN.max_tokens, held_out_count=60, evaluation_seed=31, budget=60_000, options=_KNOWN.options,
)  # fmt: skip
CALLED = "SmolLM2-135M-Instruct"


def fitted(settings: Settings, claim: Claim) -> Settings:
    """Settings with a claim's options, but for those that belong to the model: a rate that suits one does not suit another."""
    return replace(settings, options={**claim.options, **settings.options})


def asked(name: str) -> bool:
    """Whether a claim is about questions that a language model answers, as the gate measures them."""
    recipe = get_recipe(name)
    kept = any(named("measure", ask.measure).kept for ask in recipe.claim.asks)
    return kept and not recipe.model and not recipe.claim.model and not any(source.startswith("game:") for source in recipe.tasks)


def agreement(first: Mapping[str, Mapping[str, Any]], second: Mapping[str, Mapping[str, Any]]) -> str:
    """For how many pairs of recipes both models agree about which is better, each at its best decoding; "" without a pair."""
    pairs: dict[frozenset[str], tuple[Row, Row]] = {}
    for name, kept in second.items():
        rows = {row["against"]: Row(**row) for row in first.get(name, {}).get("rows", ()) if row["at"] == "best"}
        for row in kept["rows"]:
            if row["at"] == "best" and row["against"] in rows:
                pairs.setdefault(frozenset((name, row["against"])), (rows[row["against"]], Row(**row)))
    if not pairs:
        return ""
    same = sum((a.gain > 0) == (b.gain > 0) for a, b in pairs.values())
    sure = [(a, b) for a, b in pairs.values() if all(row.low > 0 or row.high < 0 for row in (a, b))]
    agreed = sum((a.gain > 0) == (b.gain > 0) for a, b in sure)
    return (
        f"Of {len(pairs)} pairs (a recipe and what its claim names, or its own start, each at its best decoding) both models agree on the "
        f"better one in {same}; of the {len(sure)} that an interval separates on both, in {agreed}."
    )
