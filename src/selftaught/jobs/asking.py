"""Asking: before anything is spent, can these tasks be put to this model, and can its replies be read? No answer is read."""

from asyncio import gather
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple, cast

from selftaught.format import PLACE, QUESTION, Format
from selftaught.parts import BadInput
from selftaught.protocols import TextModel
from selftaught.run.access import RunAccess
from selftaught.shown import one_line
from selftaught.tasks.text import words
from selftaught.types import Group, Task

LOOKS, EACH, SHORT, ALIKE = 16, 4, 128, 0.05
BRIEF = "Answer the question with a number or a few words.\n\n" + QUESTION
# What a model without a chat template is asked in, and what each is called.
WORDINGS = {PLACE: "the prompt as it is", QUESTION: "question and answer", BRIEF: "an instruction, then question and answer"}
MOST_LOST = 0.05
REMEDIES = (
    "--template (auto, chat, or text with {prompt}), --system, --answer (number, text, choice, boxed, a regular expression), --max-tokens"
)


class Look(NamedTuple):
    """What attempts at a few tasks show.

    Attributes:
        answered: share of attempts in which an answer can be read, in [0, 1].
        agreed: mean over tasks of the share of attempts that give the most common answer.
        without: text of an attempt without an answer, "" when there is none.
        seen: how many attempts were looked at.
    """

    answered: float
    agreed: float
    without: str
    seen: int


def look_at(run: RunAccess, groups: Sequence[Group]) -> Look:
    """What the groups show when they are read by the run's format."""
    read = [[run.answer(a.text, g.task) for a in g.attempts_G] for g in groups]
    texts = [(a.text, answer) for g, answers in zip(groups, read, strict=True) for a, answer in zip(g.attempts_G, answers, strict=True)]
    shares = [max(Counter(a for a in answers if a is not None).values(), default=0) / max(1, len(answers)) for answers in read]
    count = max(1, len(texts))
    return Look(
        answered=sum(answer is not None for _, answer in texts) / count, agreed=sum(shares) / max(1, len(shares)),
        without=next((text for text, answer in texts if answer is None), ""), seen=len(texts),
    )  # fmt: skip


async def template_for(run: RunAccess, tasks: Sequence[Task], seed: int) -> tuple[Format, str]:
    """The run's format with the wording under which most attempts give an answer, and one line that says which and why.

    Among wordings whose shares differ by at most `ALIKE` the one is taken whose attempts agree most, since a model that
    has understood a question says the same more often; of equals the first.
    """
    run.asked_by(replace(run.format, template=PLACE))
    settings = replace(run.settings, max_tokens=min(run.settings.max_tokens, SHORT))
    drawn = await gather(*(run.draw(tasks, EACH, settings, "policy", "wording", seed, template=wording) for wording in WORDINGS))
    looks = dict(zip(WORDINGS, (look_at(run, groups) for groups in drawn), strict=True))
    most = max(look.answered for look in looks.values())
    chosen = max((w for w, look in looks.items() if look.answered >= most - ALIKE), key=lambda w: round(looks[w].agreed, 6))
    tried = ", ".join(f"{name} {looks[w].answered:.0%} and {looks[w].agreed:.0%}" for w, name in WORDINGS.items())
    reason = f"the model has no chat template: asked in {WORDINGS[chosen]} (attempts with an answer, and that agree: {tried})"
    return replace(run.format, template=chosen), reason


def asks(run: RunAccess, tasks: Sequence[Task]) -> bool:
    """Whether there is something to look at: models that come with the package are known, and others than of text have no wording."""
    return bool(tasks) and "text" in run.model.capabilities and run.format.answer != "marked"


async def choose_wording(run: RunAccess, tasks: Sequence[Task], seed: int, say: Callable[[str], None]) -> None:
    """Choose the wording where that is left open.

    Args:
        run: its format is replaced where a wording is chosen.
        tasks: a few tasks that nothing is judged by.
        seed: of the noise.
        say: told in one line what was chosen and why.
    """
    if asks(run, tasks) and run.format.template == "auto" and not cast(TextModel, run.model).chat:
        format, reason = await template_for(run, tasks[:LOOKS], seed)
        run.asked_by(format)
        say(reason)


async def try_reading(run: RunAccess, tasks: Sequence[Task], seed: int) -> None:
    """See that replies can be read; arguments as of `choose_wording`.

    Raises:
        BadInput: none of 64 attempts has an answer in it, or the system turn is lost.
    """
    if not asks(run, tasks):
        return
    tasks, asked = tasks[:LOOKS], cast(TextModel, run.model)
    if set(words(run.format.system).split()) - set(words(asked.shown(tasks[0].messages)).split()):
        raise BadInput("--system: the chat template loses the system turn: leave it out, or give --template with the words in it")
    # One attempt a task tells enough where there is any answer.
    for n in (1, EACH):
        look = look_at(run, await run.draw(tasks, n, run.settings, "policy", "reading", seed))
        if look.answered:
            return
    shown, said = one_line(asked.shown(tasks[0].messages), 300), one_line(look.without, 200)
    raise BadInput(
        f"no answer can be read from {look.seen} attempts (read as {run.format.answer}), nothing was spent: "
        f"asked {shown!r} the model said {said!r}; change {REMEDIES}"
    )


def refused(model: TextModel, task: Task, room: int) -> str:
    """Why a task cannot be put to a model: "" when it can, "long" when no `room` tokens are left, "lost" when words of it are."""
    if task.payload is not None or task.start is not None:
        return ""
    if model.count(task.messages) + room > model.limit:
        return "long"
    shown = set(words(model.shown(task.messages)).split())
    return "lost" if any(set(words(m.content).split()) - shown for m in task.messages) else ""


def fitting(model: TextModel, tasks: Sequence[Task], room: int, what: str) -> tuple[list[Task], str]:
    """The tasks that can be put to a model, and one line about the others ("" when there are none).

    Raises:
        BadInput: more than 5% cannot.
    """
    why = {task.id: refused(model, task, room) for task in tasks}
    lost = {reason: [t for t in tasks if why[t.id] == reason] for reason in ("long", "lost")}
    told = {
        "long": f"do not fit the model's {model.limit:,} tokens with {room} for a reply: shorten them, or lower --max-tokens",
        "lost": "lose words when they are rendered: see `selftaught show-prompt`, and change --template",
    }
    said = [f"{len(found)} of {len(tasks)} {what} prompts {told[reason]}" for reason, found in lost.items() if found]
    out = sum(map(len, lost.values()))
    if out > MOST_LOST * len(tasks):
        first = next(t for found in lost.values() for t in found)
        raise BadInput(f"{'; '.join(said)} (the first: {one_line(first.text, 80)!r})")
    named = ", ".join(t.id for found in lost.values() for t in found)
    return [t for t in tasks if not why[t.id]], f"{'; '.join(said)}; left out: {named}" if said else ""
