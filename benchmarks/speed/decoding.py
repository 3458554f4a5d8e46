"""Sampling alone against transformers and against CTranslate2, from the same weights and prompts."""

import statistics
from collections.abc import Callable
from typing import Any

from benchmarks.speed.options import Found, Options, noted, opening
from benchmarks.speed.pairs import Reply, in_turn, rate, ratios
from benchmarks.speed.results import ratio
from benchmarks.speed.setting import GROUP, PROMPTS, SOURCES
from benchmarks.speed.training import worth
from benchmarks.speed.worker import Failed, Worker

ALL: dict[str, Any] = {"sources": list(SOURCES), "prompts": PROMPTS, "n": GROUP}
# One at a time, so many after each other in a unit of work.
SINGLE: dict[str, Any] = {"sources": list(SOURCES), "prompts": 8, "n": 1, "apart": True}
CHECKED = 16


def sample(worker: Worker) -> Reply:
    """All attempts."""
    return worker.ask("sample", **ALL)


def single(worker: Worker) -> Reply:
    """Attempts one at a time."""
    return worker.ask("sample", **SINGLE)


def mine(options: Options, name: str, unit: Callable[[Worker], Reply]) -> tuple[str, Worker, Found]:
    """Our side at its faster precision."""
    return options.pick(name, {d: opening("ours", options, "load", dtype=d) for d in worth()}, unit)


def compared(name: str, options: Options, unit: Callable[[Worker], Reply], settings: dict[str, Any]) -> tuple[Found, Worker]:
    """A ratio over transformers' best setting; and its worker, still open."""
    used, theirs, found = options.pick(name, settings, unit)
    dtype, ours, own = mine(options, f"ours_{name}", unit)
    with ours:
        pairs, noise = in_turn([(ours, unit), (theirs, unit)], options.rounds)
    return {
        "ratios": {name: ratio(name, ratios(pairs))},
        "settings": {name: found, f"ours_{name}": own},
        "footnotes": {name: f"{speed(pairs, 0)} tokens/s in {dtype}, {speed(pairs, 1)} by generate ({used})" + noted(noise)},
    }, theirs  # fmt: skip


def speed(pairs: list[tuple[Reply, ...]], side: int) -> str:
    """Median tokens a second of one side."""
    return f"{statistics.median(rate(pair[side]) for pair in pairs):.0f}"


def generate(options: Options) -> Found:
    """512 attempts together, and one alone, against transformers."""

    def side(dtype: str, cache: str, rows: int) -> Callable[[], Worker]:
        return opening("transformers_side", options, "load", dtype=dtype, cache=cache, rows=rows)

    precisions = worth()
    every = PROMPTS * GROUP
    many = {
        f"{d}, {c or 'dynamic'} cache, {r} rows": side(d, c, r) for d in precisions for c in ("", "static") for r in (every, every // 2)
    }
    found, theirs = compared("generate_512", options, sample, many)
    with theirs:
        together = rate(sample(theirs))
        try:
            flowing = rate(theirs.ask("continuous", **ALL))
        except Failed as error:
            flowing = 0.0
            found["not_run"] = {"continuous batching": str(error)}
    if flowing > together:
        raise RuntimeError(f"continuous batching is the faster here, at {flowing:.0f} tokens/s: it has to be what is compared with")
    if flowing:
        found["footnotes"]["continuous batching"] = f"{flowing:.0f} tokens/s"
        found["settings"]["generate_512"]["continuous batching"] = flowing
    alone, theirs = compared(
        "generate_1", options, single, {f"{d}, {c or 'dynamic'} cache": side(d, c, 1) for d in precisions for c in ("", "static")}
    )
    theirs.close()
    return {key: {**found.get(key, {}), **alone.get(key, {})} for key in found}


def agreement(ours: Worker, theirs: Worker) -> tuple[int, bool]:
    """How many greedy replies are the same tokens, of `CHECKED`; and whether the prompts were."""
    asked = {"sources": list(SOURCES), "prompts": CHECKED}
    a, b = ours.ask("greedy", **asked), theirs.ask("greedy", **asked)
    return sum(x == y for x, y in zip(a["ids"], b["ids"], strict=True)), a["prompts"] == b["prompts"]


def peer(options: Options) -> Found:
    """512 attempts against CTranslate2, void unless its greedy replies are ours."""
    threads = options.threads

    def side(compute: str, workers: int, prompts: int) -> Callable[[], Worker]:
        given = {"compute": compute, "workers": workers, "threads": max(1, threads // workers), "prompts": prompts}
        return opening("peer_side", options, "load", **given)

    settings = {f"float32, {w} x {p} prompts": side("float32", w, p) for w in dict.fromkeys((threads, 1)) for p in (8, 16, 32)}
    if "bfloat16" in worth():
        settings |= {"bfloat16, 1 x 16 prompts": side("bfloat16", 1, 16)}
    used, theirs, found = options.pick("peer_decode", settings, sample)
    dtype, ours, own = mine(options, "ours_peer_decode", sample)
    with theirs, ours:
        pairs, noise = in_turn([(ours, sample), (theirs, sample)], options.rounds)
        same, prompts = agreement(ours, theirs)
        if dtype != "float32":
            with opening("ours", options, "load", dtype="float32")() as exact:
                found[f"greedy replies equal to ours in {dtype}"] = f"{same} of {CHECKED}"
                same, prompts = agreement(exact, theirs)
    found["greedy replies equal"] = f"{same} of {CHECKED}"
    with side("int8", threads, 16)() as rounded, opening("ours", options, "load", dtype="float32")() as exact:
        sample(rounded)
        equal, int8 = agreement(exact, rounded)[0], rate(sample(rounded))
    found["not compared with"] = f"int8: other weights ({equal} of {CHECKED} greedy replies equal), {int8:.0f} tokens/s"
    said = f"{speed(pairs, 0)} tokens/s in {dtype}, {speed(pairs, 1)} by CTranslate2 ({used}), {same} of {CHECKED} greedy replies equal"
    said += noted(noise)
    result: Found = {"settings": {"peer_decode": found, "ours_peer_decode": own}, "footnotes": {"peer_decode": said}}
    if not prompts or same < CHECKED - 1:
        why = f"void: {same} of {CHECKED} greedy replies equal, prompts {'equal' if prompts else 'differ'}"
        return result | {"not_run": {"peer_decode": why}}
    return result | {"ratios": {"peer_decode": ratio("peer_decode", ratios(pairs))}}
