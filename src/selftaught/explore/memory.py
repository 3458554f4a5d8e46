"""A memory that outlives a task: written after each, read before each, bounded, and forgotten by a rule."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from selftaught.explore.sample import Sample
from selftaught.parts import BadInput, part
from selftaught.protocols import Run
from selftaught.stages import Explore, State, Update
from selftaught.types import Group, Message, Request, Task

# {"cue": a question, "answer": what was right, "step": when it was written}
Entry = Mapping[str, Any]
# A cue or an answer is cut here: one entry must not be the whole memory.
LONGEST = 400
MOST = 100_000


@part
@dataclass(frozen=True, kw_only=True)
class Memory(State):
    """What was asked and what turned out right, entry by entry, the oldest first."""

    def initial(self) -> list[Entry]:
        """Nothing is known yet."""
        return []

    def files(self, value: Any) -> Mapping[str, str]:
        """One line an entry, as it is quoted; no file while there is none."""
        return {"memory.txt": "".join(f"{line(entry)}\n" for entry in value)} if value else {}


@part
@dataclass(frozen=True, kw_only=True)
class Recall(Explore):
    """Quote what is remembered above a task's question, then attempt it; the group holds the task as it was.

    By "likeness" the entries whose questions share the rarest words with this one come first (`likeness`), of equals the
    newest, and none that shares no word. By "recency" the newest come first, whatever they are about. Both fill up the same
    number of tokens, and stand in the order they were written in. What is quoted is text: each entry is one line of one turn,
    and control tokens in it are spelled out.

    Attributes:
        state: name of the `Memory`.
        by: which entries come first.
        tokens: most tokens of a quotation, heading and all; 0 quotes nothing.
        heading: stands above what is quoted.
        then: makes the attempts.
    """

    state: str = "memory"
    by: Literal["likeness", "recency"] = "likeness"
    tokens: int = 128
    heading: str = "Remembered:"
    then: Explore = field(default_factory=Sample)

    def __post_init__(self) -> None:
        if self.tokens < 0 or self.by not in ("likeness", "recency"):
            raise BadInput(f"recall: tokens={self.tokens} must be at least 0, by={self.by} is likeness or recency")

    @property
    def continues(self) -> bool:  # type: ignore[override]
        """Whether the part that makes the attempts does."""
        return self.then.continues

    async def explore(self, run: Run, request: Request) -> Sequence[Group]:
        task = request.task
        if entries := self.recalled(run, task):
            request = replace(request, task=replace(task, prompt=reminded(task.messages, quoted(self.heading, entries))))
        return [replace(group, task=task) for group in await self.then.explore(run, request)]

    def recalled(self, run: Run, task: Task) -> list[Entry]:
        """The entries that are quoted, the oldest first."""
        entries: Sequence[Entry] = run.state[self.state]
        order = list(range(len(entries)))[::-1]
        if self.by == "likeness":
            weights, asked = rarity(entries), words(task.text)
            alike = {i: likeness(asked, words(entries[i]["cue"]), weights) for i in order}
            order = sorted((i for i in order if alike[i] > 0), key=lambda i: -alike[i])
        nothing, taken = len(run.tokens((Message("user", ""),))), list[int]()
        for i in order:
            quote = quoted(self.heading, [entries[j] for j in sorted((*taken, i))])
            if len(run.tokens((Message("user", quote),))) - nothing > self.tokens:
                break
            taken.append(i)
        return [entries[i] for i in sorted(taken)]


@part
@dataclass(frozen=True, kw_only=True)
class Remember(Update):
    """After a task, write its question and what turned out right: a rewarded attempt's answer, else the one that is shown.

    A question that is there already is written anew. Beyond `most` entries one is forgotten: the older of the two that are
    most alike among those of equal answers, because what is said twice is missed least; the oldest where no two answers are
    equal. Reads an answer where no attempt was right, which is counted. A task without any answer leaves no entry.

    Attributes:
        state: name of the `Memory`.
        most: entries that are held.
    """

    signal = ("gold",)
    state: str = "memory"
    most: int = 64

    def __post_init__(self) -> None:
        if not 1 <= self.most <= MOST:
            raise BadInput(f"remember: most={self.most} must be 1 to {MOST:,} entries")

    async def update(self, run: Run, groups: Sequence[Group]) -> None:
        entries = list(run.state[self.state])
        for group in groups:
            cue, answer = cut(group.task.text), cut(self.right(run, group))
            if answer:
                entries = [entry for entry in entries if entry["cue"] != cue]
                entries.append({"cue": cue, "answer": answer, "step": run.step})
            if len(entries) > self.most:
                del entries[forgotten(entries)]
        run.write(self.state, entries)
        run.note("remembered", len(entries))

    def right(self, run: Run, group: Group) -> str:
        """The answer of the attempt with the highest reward where that is a full one, else the task's own; "" where there is none."""
        values_G = np.nan_to_num(group.values(), nan=-1.0)
        best = int(np.argmax(values_G))
        said = run.answer(group.attempts_G[best].text, group.task) if values_G[best] >= 1 else None
        return (run.reveal(group.task) or "") if said is None else said


def cut(text: str) -> str:
    """A text as one line of bounded length."""
    return " ".join(text.split())[:LONGEST]


def line(entry: Entry) -> str:
    """An entry as it is quoted."""
    return f"- {entry['cue']} {entry['answer']}"


def quoted(heading: str, entries: Sequence[Entry]) -> str:
    """Entries as lines below a heading."""
    return "\n".join((heading, *map(line, entries)))


def reminded(messages: tuple[Message, ...], quote: str) -> tuple[Message, ...]:
    """A conversation with a quotation above its last user turn."""
    last = max((i for i, turn in enumerate(messages) if turn.role == "user"), default=len(messages) - 1)
    return (*messages[:last], messages[last]._replace(content=f"{quote}\n\n{messages[last].content}"), *messages[last + 1 :])


def words(text: str) -> frozenset[str]:
    """The words and numbers of a text, in lower case."""
    return frozenset(re.findall(r"\w+", text.casefold()))


def rarity(entries: Sequence[Entry]) -> dict[str, float]:
    """log(1 + (N - n + 1/2) / (n + 1/2)) of each word that stands in n of N questions, as in BM25 (Robertson and Zaragoza, 2009)."""
    counts = Counter(word for entry in entries for word in words(entry["cue"]))
    return {word: math.log(1 + (len(entries) - n + 0.5) / (n + 0.5)) for word, n in counts.items()}


def likeness(asked: frozenset[str], known: frozenset[str], weights: Mapping[str, float]) -> float:
    """Sum of the weights of the words two questions share."""
    return sum(weights.get(word, 0.0) for word in sorted(asked & known))


def forgotten(entries: Sequence[Entry]) -> int:
    """Index of the entry that is missed least; see `Remember`."""
    weights, words_N = rarity(entries), [words(entry["cue"]) for entry in entries]
    same = [(i, j) for j in range(len(entries)) for i in range(j) if entries[i]["answer"] == entries[j]["answer"]]
    # The first of equals is the pair whose later entry is the oldest.
    return max(same, key=lambda pair: likeness(words_N[pair[0]], words_N[pair[1]], weights), default=(0, 0))[0]
