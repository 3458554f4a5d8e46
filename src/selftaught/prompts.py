"""What a request says, and what of an attempt it made."""

import re

import numpy as np

from selftaught.answers.spelling import canonical
from selftaught.parts import BadInput
from selftaught.types import Attempt, Message

PLAIN = "{prompt}"
# What a model is asked beside its tasks; one that was taught to judge, revise or reword knows these words.
CHECK_AGAIN = "Check that and answer again."
IS_RIGHT = "Is that right? Answer yes or no."
REWORD = "Say this in other words: "
WRITE_ALIKE = "Write another task like this: "
# The marks of a question that a model writes, and what asks for one.
QUESTION = ("<question>", "</question>")
WRITE_QUESTION = f"Search, then write a question between {QUESTION[0]} and {QUESTION[1]} with this answer: "


def asked_about(attempt: Attempt, question: str) -> tuple[Message, ...]:
    """The conversation an attempt ends, and a turn that asks about it."""
    return (*attempt.messages, Message("assistant", attempt.text), Message("user", question))


def continued(after: Attempt | None, cut: int | None) -> int:
    """Tokens of a request's context that an earlier request has been counted for: those of the attempt it continues."""
    return 0 if after is None else len(after.payload) if cut is None else cut


def new_tokens(attempt: Attempt, prompted: int) -> int:
    """Tokens sampled by the request itself: an attempt that continues another holds older ones too."""
    payload = attempt.payload
    return int(np.count_nonzero(payload.sampled[prompted:])) if hasattr(payload, "sampled") else 0


def wrapped(messages: tuple[Message, ...], template: str) -> tuple[Message, ...]:
    """A conversation whose last user turn stands in the template; raises BadInput on one without `{prompt}`."""
    if PLAIN not in template:
        raise BadInput(f"template {template[:40]!r} has no place for the question: write {PLAIN} where it goes")
    last = max((i for i, turn in enumerate(messages) if turn.role == "user"), default=len(messages) - 1)
    # Not str.format: templates and questions may hold braces of their own.
    turn = messages[last]._replace(content=template.replace(PLAIN, messages[last].content))
    return (*messages[:last], turn, *messages[last + 1 :])


def posed(attempt: Attempt, key: str) -> str:
    """The question an attempt writes between its marks, "" where it writes none, or one that says the answer `key` itself."""
    found = re.findall(f"{QUESTION[0]}(.*?){QUESTION[1]}", attempt.text, re.DOTALL)
    asked = found[-1].strip() if found else ""
    return "" if canonical(key) in canonical(asked) else asked


def told(attempt: Attempt) -> tuple[str, ...]:
    """What an attempt was told between its own turns, by a tool or a world: each text once, in order."""
    roles = [turn.role for turn in attempt.messages]
    first = roles.index("assistant") if "assistant" in roles else len(roles)
    return tuple(dict.fromkeys(turn.content for turn in attempt.messages[first:] if turn.role != "assistant"))
