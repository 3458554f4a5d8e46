"""Where in a reply the answer is looked for: behind the thinking, before a next question, in a bounded tail."""

import re
from collections.abc import Iterator

# An answer stands at a reply's end; patterns never see more than this.
TAIL = 4000
OPENERS = (
    "<think>",
    "<thinking>",
    "<thought>",
    "<reasoning>",
    "<|begin_of_thought|>",
    "<|start_thinking|>",
    "<|think|>",
    "[think]",
    "◁think▷",
)
CLOSERS = (
    "</think>", "</thinking>", "</thought>", "</reasoning>", "<|end_of_thought|>", "<|end_thinking|>", "<|/think|>", "[/think]", "◁/think▷",
    "<|channel|>final<|message|>",
)  # fmt: skip
# What a model writes that goes on with the next question of a worksheet, or with the other side of a conversation.
NEXT = re.compile(
    r"\n[ \t]*(?:[#*]{1,4}[ \t]*)?(?:(?:next )?(?:question|problem|exercise)|q|human|user|instruction)(?:[ \t]+\d{1,4})?[ \t]*[*]{0,2}:"
    r"|<\|(?:im_end|im_start|endoftext|eot_id|end_of_text|user|end)\|>|\[INST\]|</s>",
    re.IGNORECASE,
)


def after_thought(text: str) -> str:
    """What follows the last end of thinking; thinking that never ends was cut off, and what it drafts is no answer."""
    if "<" not in text and "[" not in text and "◁" not in text:
        return text
    low = text.casefold() if len(text.casefold()) == len(text) else text
    ends = [at + len(mark) for mark in CLOSERS if (at := low.rfind(mark)) >= 0]
    text, low = (text[max(ends) :], low[max(ends) :]) if ends else (text, low)
    opened = [at for mark in OPENERS if (at := low.find(mark)) >= 0]
    return text[: min(opened)] if opened else text


def regions(text: str) -> Iterator[str]:
    """Stretches of a reply in the order in which they are read: before a next question, then all of it."""
    text = after_thought(text)
    # The first question that follows some text; a reply may begin by repeating its own.
    for found in NEXT.finditer(text, 0, max(TAIL, len(text))):
        head = text[: found.start()]
        if head.strip():
            yield head[-TAIL:]
            break
    yield text[-TAIL:]
