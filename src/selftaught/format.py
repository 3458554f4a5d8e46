"""Format: one object a run that says how prompts are rendered and how answers are read and compared.

Votes, checkers, judges, training, the gate and serving all use the same one.
"""

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import ClassVar

from selftaught.parts import BadInput, Part

MARKS = (
    re.compile(r"\\boxed\{((?:[^{}]|\{[^{}]*\})*)\}"),
    re.compile(r"####[ \t]*([^\n]*)"),
    re.compile(r"<answer>(.*?)</answer>", re.DOTALL),
    re.compile(r"(?:final answer|answer)(?: is)?[:\s]+([^\n]+)", re.IGNORECASE),
)
NUMBER = re.compile(r"-?\$?\d[\d,]*(?:\.\d+)?")


@dataclass(frozen=True, kw_only=True)
class Format(Part):
    """Template, stop, answer parser and answer equality.

    Attributes:
        template: "auto" uses the tokenizer's chat template when it has one, "chat" insists on it, "plain"
            renders with `plain`.
        plain: text around a prompt for models without a chat template.
        answer: "auto" takes what the last mark (boxed, ####, <answer>, "answer is") encloses, else, with
            "number", the last number, or, with "text", the whole stripped text.
    """

    kind: ClassVar[str] = "format"
    name: ClassVar[str] = "format"
    template: str = "auto"
    plain: str = "Question: {prompt}\nAnswer:"
    answer: str = "auto"

    def __post_init__(self) -> None:
        if self.template not in ("auto", "chat", "plain"):
            raise BadInput(f"format: template={self.template!r} is none of auto, chat, plain")
        if self.answer not in ("auto", "number", "text"):
            raise BadInput(f"format: answer={self.answer!r} is none of auto, number, text")

    def extract(self, text: str) -> str | None:
        """The raw answer in a text, None when it gives none."""
        text = text[-4000:]
        if self.answer != "text":
            for mark in MARKS:
                if found := mark.findall(text):
                    return str(found[-1]).strip() or None
        if self.answer == "number" and (numbers := NUMBER.findall(text)):
            return str(numbers[-1])
        return text.strip() or None if self.answer == "text" else None

    def canonical(self, text: str) -> str | None:
        """The answer in a text such that equal answers are equal strings; None when there is none."""
        return _canonical(self, text)


# Votes, checkers and health ask for the same answers, one after the other.
@lru_cache(maxsize=2048)
def _canonical(format: Format, text: str) -> str | None:
    answer = format.extract(text)
    return None if answer is None else canonical(answer)


def canonical(answer: str) -> str:
    """One spelling for an answer: numbers without commas, signs of currency or trailing zeros; other text squeezed."""
    text = " ".join(answer.strip().strip("$").split()).rstrip(".").strip()
    plain = text.replace(",", "").replace("$", "")
    if len(plain) <= 60 and re.fullmatch(r"[-+]?\d+(\.\d+)?", plain):
        try:
            value = Decimal(plain).normalize()
            return format(value if value else Decimal(0), "f")
        except InvalidOperation:
            pass
    return text
