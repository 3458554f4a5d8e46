"""Cast: several different models behind the verbs of one, each under a name of weights."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from selftaught.parts import BadInput
from selftaught.protocols import Member, Model
from selftaught.types import Attempt, Example, Floats, Message, SampleRequest, ScoreRequest, content_hash

MENDS = "open the run with the models it began with"


class Cast:
    """A leading model, whose weights keep their names, and members of any size that answer to theirs.

    "teacher" is the policy of the member called so, "teacher.ema" other weights of it. A member has its own renderer,
    parameters and weights. One that is trained is saved with a generation; a frozen one is not, and what is loaded must
    be what was there. Verbs go to whom a name belongs; what has no name (prompts shown, text of tokens) is the leader's.

    Attributes:
        lead, others: the models.
        trained: names of the members that an objective or update changes.
        capabilities, parameters, limit, lexicon: the leader's.
    """

    def __init__(self, lead: Any, others: Mapping[str, Any], trained: Collection[str] = ()) -> None:
        self.lead, self.others, self.trained = lead, dict(others), sorted(trained)
        self.capabilities: frozenset[str] = lead.capabilities
        self.parameters: int = lead.parameters
        self.lexicon: str = lead.lexicon

    def __getattr__(self, name: str) -> Any:
        """What a model has beside the verbs (`limit`, `chat`, `shown`, `asked_by`, `warm`, `wave_rows` ...) is the leader's."""
        if "lead" not in self.__dict__:
            # while it is copied there is none to ask
            raise AttributeError(name)
        return getattr(self.lead, name)

    def routed(self, weights: str) -> tuple[str, Any, str]:
        """Whose weights these are ("" for the leader's), the model, and what it calls them."""
        name, _, inner = weights.partition(".")
        return (name, self.others[name], inner or "policy") if name in self.others else ("", self.lead, weights)

    def member(self, weights: str = "policy") -> Member:
        """Who answers to a name of weights."""
        name, model, _ = self.routed(weights)
        return Member(name, model.parameters)

    def count(self, messages: tuple[Message, ...], after: Attempt | None = None, cut: int | None = None, weights: str = "policy") -> int:
        """Tokens of a context as the one who is asked renders it."""
        _, model, inner = self.routed(weights)
        return int(model.count(messages, after, cut, inner))

    async def sample(self, requests: Sequence[SampleRequest]) -> list[list[Attempt]]:
        """`n` attempts a request, from whom it names.

        Raises:
            BadInput: an attempt is to be continued by a model that reads other tokens.
        """
        asked: dict[str, list[tuple[int, SampleRequest]]] = {}
        for i, request in enumerate(requests):
            name, model, inner = self.routed(request.weights)
            if request.after is not None:
                writer = request.after.sampler
                self._refuse(self.routed(writer)[1], model, f"continues an attempt of '{writer}'", request.weights)
            asked.setdefault(name, []).append((i, replace(request, weights=inner)))
        found: dict[int, list[Attempt]] = {}
        for name, mine in asked.items():
            made = await self.routed(name or "policy")[1].sample([request for _, request in mine])
            found |= {i: [replace(a, sampler=requests[i].weights) for a in group] for (i, _), group in zip(mine, made, strict=True)}
        return [found[i] for i in range(len(requests))]

    async def score(self, requests: Sequence[ScoreRequest]) -> list[dict[str, Floats]]:
        """Outputs by whom a request names; tokens are taken to be the leader's.

        Raises:
            BadInput: that model reads other tokens than the leader.
        """
        asked: dict[str, list[tuple[int, ScoreRequest]]] = {}
        for i, request in enumerate(requests):
            name, model, inner = self.routed(request.weights)
            self._refuse(self.lead, model, "scores tokens of the policy", request.weights)
            asked.setdefault(name, []).append((i, replace(request, weights=inner)))
        found: dict[int, dict[str, Floats]] = {}
        for name, mine in asked.items():
            scores = await self.routed(name or "policy")[1].score([request for _, request in mine])
            found |= dict(zip((i for i, _ in mine), scores, strict=True))
        return [found[i] for i in range(len(requests))]

    async def learn(self, examples: Sequence[Example], objectives: Sequence[Any]) -> dict[str, float]:
        """Each member takes the steps of the objectives that change its weights; its metrics are called NAME/METRIC.

        Raises:
            BadInput: an objective changes weights of two models, or of a frozen member.
        """
        asked: dict[str, list[Any]] = {}
        for objective in objectives:
            routed = [self.routed(weights) for weights in objective.updates]
            if len({name for name, _, _ in routed}) > 1:
                raise BadInput(f"an objective updates weights of two models, {', '.join(objective.updates)}: split it")
            name = self._changeable(objective.updates[0])
            asked.setdefault(name, []).append(replace(objective, updates=tuple(inner for _, _, inner in routed)))
        metrics: dict[str, float] = {}
        for name, mine in asked.items():
            learned = await self.routed(name or "policy")[1].learn(examples, mine)
            metrics |= {f"{name}/{key}" if name else key: value for key, value in learned.items()}
        return metrics

    async def average(self, source: str, into: str, decay: float) -> None:
        """Within one model. Raises BadInput for weights of two, or of a frozen member."""
        (giver, _, given), (taker, model, taken) = self.routed(source), self.routed(into)
        if giver != taker:
            raise BadInput(f"'{source}' and '{into}' are weights of two models, which have no average: name weights of one")
        self._changeable(into)
        await model.average(given, taken, decay)

    async def publish(self, weights: str = "policy") -> int:
        """All that may have learned; returns the leader's generation."""
        for name in self.trained:
            await self.others[name].publish()
        return int(await self.lead.publish(weights))

    async def save(self, folder: Path) -> None:
        """The leader as if it were alone, trained members in `cast/NAME`, and digests of frozen ones in `cast.json`."""
        await self.lead.save(folder)
        for name in self.trained:
            (folder / "cast" / name).mkdir(parents=True)
            await self.others[name].save(folder / "cast" / name)
        (folder / "cast.json").write_text(json.dumps(self._frozen(), sort_keys=True))

    async def load(self, folder: Path) -> None:
        """The inverse of `save`. Raises BadInput where a frozen member is another model than it was."""
        path, now = folder / "cast.json", self._frozen()
        was: dict[str, str] = json.loads(path.read_text()) if path.is_file() else {}
        if was != now:
            name = next(name for name in sorted({*was, *now}) if was.get(name) != now.get(name))
            raise BadInput(f"'{folder}': the model '{name}' is another one than it was: {MENDS}")
        await self.lead.load(folder)
        for name in self.trained:
            await self.others[name].load(folder / "cast" / name)

    def digest(self, weights: str = "policy") -> str:
        """Of named weights; of the leader's policy together with the members that are trained beside it."""
        name, model, inner = self.routed(weights)
        own = str(model.digest(inner))
        if name or weights != "policy" or not self.trained:
            return own
        return content_hash(own, [self.others[other].digest() for other in self.trained])

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """The text of each of the leader's tokens by itself."""
        found: list[str] = self.lead.pieces(ids)
        return found

    def _frozen(self) -> dict[str, str]:
        return {name: model.digest() for name, model in self.others.items() if name not in self.trained}

    def _changeable(self, weights: str) -> str:
        name = self.routed(weights)[0]
        if name and name not in self.trained:
            raise BadInput(f"the model '{name}' is frozen here, and '{weights}' cannot change: say so when the cast is made")
        return name

    def _refuse(self, writer: Model, reader: Model, what: str, weights: str) -> None:
        if writer is not reader and writer.lexicon != reader.lexicon:
            raise BadInput(f"'{weights}' {what}, and its tokens are others: ask it in words, or take a model with the same tokenizer")
