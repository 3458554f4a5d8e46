"""Format: one object a run that says how prompts are rendered and how answers are read and compared.

Votes, checkers, judges, training, the gate and serving all use the same one.
"""

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar

from selftaught.answers import reading
from selftaught.answers.pattern import last_group, refusal
from selftaught.answers.spelling import canonical as canonical
from selftaught.parts import BadInput, Part

PLACE = "{prompt}"
# For models without a chat template.
QUESTION = "Question: {prompt}\nAnswer:"
READINGS = ("auto", "marked", "number", "text", "choice", "boxed")


@dataclass(frozen=True, kw_only=True)
class Format(Part):
    r"""Template, system turn, answer parser and answer equality.

    Attributes:
        template: "auto" uses the tokenizer's chat template when it has one, "chat" insists on it, "plain" is
            `QUESTION`, and text with `{prompt}` in it goes around the prompt, whatever the tokenizer has.
        system: text of a system turn before conversations that have none.
        chat_template_kwargs: a JSON object of further arguments of the chat template, such as `{"enable_thinking": false}`.
        answer: "auto" takes what the last mark (boxed, ####, <answer>, "answer is") encloses, behind any thinking and before a
            next question, else a number where the task's answer is one, else a short reply as it is; "number" takes the last
            number, "text" the whole reply, "choice" a letter A to J, "boxed" the last \boxed{}, "marked" a mark as models taught to
            write #### do; else a regular expression with one group, whose last match counts. See docs/answers.md.
    """

    kind: ClassVar[str] = "format"
    name: ClassVar[str] = "format"
    template: str = "auto"
    system: str = ""
    chat_template_kwargs: str = ""
    answer: str = "auto"

    def __post_init__(self) -> None:
        if self.template not in ("auto", "chat", "plain") and PLACE not in self.template:
            raise BadInput(f"template '{self.template[:40]}' is none of auto, chat, plain and has no place for the question: write {PLACE}")
        try:
            further = json.loads(self.chat_template_kwargs or "{}")
        except ValueError:
            further = None
        if not isinstance(further, dict):
            raise BadInput(
                f"chat_template_kwargs '{self.chat_template_kwargs[:40]}' are no JSON object: write '{{\"enable_thinking\": false}}'"
            )
        if self.answer not in READINGS and (why := refusal(self.answer)):
            raise BadInput(
                f"answer '{self.answer[:40]}' is none of {', '.join(READINGS)}, nor a regular expression: {why}: give one of them"
            )

    @property
    def around(self) -> str:
        """The text around a prompt where no chat template is used."""
        return self.template if PLACE in self.template else QUESTION

    def extract(self, text: str, numeric: bool = False) -> str | None:
        """The answer in a reply as it is written there, None when it gives none; `numeric` when it is known to be a number."""
        match self.answer:
            case "auto":
                return reading.auto(text, numeric)
            case "marked":
                return reading.marks_only(text)
            case "number" | "choice" | "boxed":
                return {"number": reading.number, "choice": reading.choice, "boxed": reading.boxed}[self.answer](text)
            case "text":
                return reading.whole(text)
        return last_group(self.answer, text)

    def suited(self, reads: str) -> "Format":
        """This format, reading as a task asks for (`Task.reads`) where it leaves that open."""
        return replace(self, answer=reads) if reads and self.answer == "auto" else self

    def canonical(self, text: str, numeric: bool = False) -> str | None:
        """The answer in a reply such that equal answers are equal strings; None when there is none."""
        return _canonical(self, text, numeric)

    def written(self, answer: str, numeric: bool = False) -> str:
        """A reply that says an answer: the text itself where that is read as the answer, else behind a mark."""
        if self.canonical(answer, numeric) == canonical(answer) and self.answer != "marked":
            return answer
        marked = [f"#### {answer}", f"\\boxed{{{answer}}}"]
        return next((text for text in marked if self.canonical(text, numeric) == canonical(answer)), answer)


# Votes, checkers and health ask for the same answers, one after the other.
@lru_cache(maxsize=2048)
def _canonical(format: Format, text: str, numeric: bool) -> str | None:
    answer = format.extract(text, numeric)
    return None if answer is None else canonical(answer)
