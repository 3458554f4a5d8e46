"""ScriptedModel: the seven verbs without torch, for tests and for looking at a recipe's mechanics.

It solves tasks of the own families with probability `skill`, and answers judge and revise turns sensibly.
Learning moves the skill of the weights an objective names first, by the sign of the signal on its attempts, so that
loops, budgets and resume can be watched in milliseconds. One token is one byte.
"""

import json
import random
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from selftaught.models.capabilities import SCRIPTED
from selftaught.models.outputs import parse_output
from selftaught.parts import BadInput, shelf
from selftaught.protocols import Member
from selftaught.types import Attempt, Example, Floats, Message, SampleRequest, ScoreRequest, Tokens, content_hash

Script = Callable[[SampleRequest, random.Random, float], str]


def solve(request: SampleRequest, rng: random.Random, skill: float) -> str:
    """The default script: a worked solution, right with probability `skill`; yes or no to a judge's turn."""
    last = request.messages[-1].content if request.messages else ""
    if "yes or no" in last:
        return rng.choice(("yes", "no"))
    found = known(tuple(m.content for m in (*request.task.messages, *request.messages)))
    if not found:
        return "#### " + rng.choice("abc")
    family, facts, proposes = found
    if proposes:
        return str(family.render(family.vary(facts, rng), rng.randrange(len(family.asked))))
    steps, answer = family.work(facts) if rng.random() < skill else family.spoil(facts, rng)
    return answer if family.reads else f"{steps} #### {answer}".strip()


# Attempts at one question are made one after the other.
@lru_cache(maxsize=1024)
def known(prompts: tuple[str, ...]) -> tuple[Any, Any, bool] | None:
    """The family of a question among the turns, the latest first, what it shows, and whether another such one is asked for."""
    cls: Any
    for cls in shelf("family").values():
        for prompt in reversed(prompts):
            body = prompt.split(": ", 1)[-1] if prompt.startswith(("Say ", "Write ")) else prompt
            if (facts := cls.read(body)) is not None:
                return cls(), facts, body != prompt
    return None


class ScriptedModel:
    """A model whose replies come from a script and whose only parameter is its skill.

    Attributes:
        limit, chat: of a sequence in tokens; there is nothing to choose about prompts.
        skill: probability of a right solution, by name of weights.
        calls: how often each verb was called, for tests.
    """

    capabilities = SCRIPTED
    parameters = 1
    lexicon = "bytes"
    limit = 2**31
    chat = True

    def __init__(self, skill: float = 0.5, script: Script = solve, rate: float = 0.05) -> None:
        self.skill = {"policy": skill, "start": skill}
        self.script, self.rate, self.generation = script, rate, 0
        self.calls: dict[str, int] = {}

    def member(self, weights: str = "policy") -> Member:
        """Itself, whatever the name."""
        return Member("", self.parameters)

    def count(self, messages: tuple[Message, ...], after: Attempt | None = None, cut: int | None = None, weights: str = "policy") -> int:
        """Bytes of the context."""
        kept = len(after.payload) if after and cut is None else cut or 0
        return kept + sum(len(m.content.encode()) + 1 for m in messages)

    def shown(self, messages: tuple[Message, ...]) -> str:
        """The turns, one after the other."""
        return "\n".join(m.content for m in messages)

    def asked_by(self, format: Any) -> None:
        """Nothing is rendered here."""

    async def sample(self, requests: Sequence[SampleRequest]) -> list[list[Attempt]]:
        """One scripted reply an attempt, cut at the length limit."""
        if decoder := next((request.decoder for request in requests if request.decoder is not None), None):
            raise BadInput(f"the scripted model has no logits for decoder '{decoder.name}': leave it out, or give another --model")
        self.calls["sample"] = self.calls.get("sample", 0) + 1
        return [[self._attempt(request, i) for i in range(request.n)] for request in requests]

    def _attempt(self, request: SampleRequest, index: int) -> Attempt:
        rng = random.Random(content_hash(request.noise or request.key, index))
        before = request.after
        written = self.script(request, rng, self.skill.get(request.weights, self.skill["policy"])).encode()
        kept = before.payload if before else Tokens(ids=np.zeros(0, np.int32), sampled=np.zeros(0, bool), logprobs=np.zeros(0, np.float32))
        cut = len(kept) if request.cut is None else request.cut
        if before and not request.messages:
            # The turn goes on: what it already says is not said again.
            written = written[cut - 1 - int(np.flatnonzero(~kept.sampled[:cut]).max(initial=-1)) :]
        stops = [written.find(mark) + len(mark) for text in request.settings.stop if (mark := text.encode()) in written]
        full = min([len(written), *stops])
        new = written[: min(full, request.settings.max_tokens)]
        opened = b"".join(m.content.encode() + b"\n" for m in request.messages)
        ids_T = np.concatenate([kept.ids[:cut], np.frombuffer(opened + new, np.uint8).astype(np.int32)])
        logprobs_N = -np.array([0.05 + rng.random() for _ in new], np.float32)
        head = (Message("assistant", before.text),) if before and request.messages else ()
        return Attempt(
            id=f"{request.key}/{index}", task=request.task.id, role=request.role, view=request.view, sampler=request.weights,
            payload=Tokens(
                ids=ids_T,
                sampled=np.concatenate([kept.sampled[:cut], np.zeros(len(opened), bool), np.ones(len(new), bool)]),
                logprobs=np.concatenate([kept.logprobs[:cut], np.zeros(len(opened), np.float32), logprobs_N]),
            ),
            text=new.decode(errors="replace"), messages=(before.messages if before else ()) + head + request.messages,
            settings=request.settings, generation=self.generation, stop="length" if len(new) < full else "end",
            parents=(before.id,) if before else (), fork=cut if before else None,
        )  # fmt: skip

    async def score(self, requests: Sequence[ScoreRequest]) -> list[dict[str, Floats]]:
        """Log-probabilities as sampled; "value" is the skill; other outputs are zero, K of them for top:K and its ids."""
        self.calls["score"] = self.calls.get("score", 0) + 1
        fill = {"value": self.skill["policy"]}
        return [
            {
                key: r.payload.logprobs if key == "logprobs" else np.full(size, fill.get(key, 0.0), np.float32)
                for output in map(parse_output, r.outputs)
                for size in [(len(r.payload), output.largest) if output.base == "top" else len(r.payload)]
                for key in output.keys
            }
            for r in requests
        ]

    async def learn(self, examples: Sequence[Example], objectives: Sequence[Any]) -> dict[str, float]:
        """Move the skill by the mean sign of the examples' signal times the learning rate."""
        self.calls["learn"] = self.calls.get("learn", 0) + 1
        if any(getattr(objective.optimizer, "lr", 1.0) for objective in objectives):
            signals = [float(np.sign(e.streams.get("advantage", e.streams.get("weight", np.ones(1))).sum())) for e in examples]
            for name in dict.fromkeys(name for objective in objectives for name in objective.updates[:1]):
                moved = self.skill.get(name, self.skill["policy"]) + self.rate * float(np.mean(signals))
                self.skill[name] = min(1.0, max(0.0, moved))
        return {"loss": 1.0 - self.skill["policy"]}

    def drop(self, weights: str) -> None:
        """Forget a skill."""
        self.skill.pop(weights, None)

    def tokens(self, messages: tuple[Message, ...], reply: str) -> Tokens:
        """Bytes of the turns, and of the reply as sampled."""
        context = b"".join(m.content.encode() + b"\n" for m in messages)
        ids_T = np.frombuffer(context + reply.encode(), np.uint8).astype(np.int32)
        return Tokens(ids=ids_T, sampled=np.arange(len(ids_T)) >= len(context), logprobs=np.zeros(len(ids_T), np.float32))

    async def publish(self, weights: str = "policy") -> int:
        """Count a version."""
        self.generation += 1
        return self.generation

    async def average(self, source: str, into: str, decay: float) -> None:
        """Average two skills; see `weights.Weights.average`."""
        if into == "start":
            raise BadInput("weights 'start' are frozen: name others in updates or into")
        given = self.skill.get(source, self.skill["policy"])
        if into != "policy" or source in self.skill:
            self.skill[into] = decay * self.skill.get(into, given) + (1 - decay) * given

    async def save(self, folder: Path) -> None:
        """Write the skills."""
        (folder / "scripted.json").write_text(json.dumps({"skill": self.skill, "generation": self.generation}))

    async def load(self, folder: Path) -> None:
        """Read the skills."""
        saved = json.loads((folder / "scripted.json").read_text())
        self.skill, self.generation = saved["skill"], saved["generation"]

    def digest(self, weights: str = "policy") -> str:
        """Content hash of script and skill."""
        return content_hash("scripted", self.script.__module__, self.script.__qualname__, self.skill.get(weights, self.skill["policy"]))

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """The text of each token by itself."""
        return [bytes([i]).decode(errors="replace") for i in ids]
