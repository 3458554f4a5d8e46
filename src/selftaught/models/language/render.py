"""Renderer: conversations as token ids, and sampled ids as text."""

import json
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selftaught.format import PLACE, Format
from selftaught.models.language.control_tokens import PRIVATE, Controls, Marks
from selftaught.parts import BadInput
from selftaught.shown import reason
from selftaught.types import Attempt, Message

REMEMBERED = 1024


class Renderer:
    """Turns a request into the token ids of its context by the run's Format; ids are only ever appended to.

    Roles, ends and other control tokens come from the template alone: what a turn spells, whoever wrote it, is text.

    Attributes:
        ends: ids after which an attempt is over (end of sequence, end of turn).
        chat: the tokenizer's chat template is used; else `format.around`.
    """

    def __init__(self, tokenizer: Any, format: Format, ends: Sequence[int] = ()) -> None:
        """Raises BadInput when the format insists on a chat template the tokenizer lacks."""
        has_template = bool(getattr(tokenizer, "chat_template", None))
        if format.template == "chat" and not has_template:
            raise BadInput("--template chat, but the tokenizer has no chat template: use --template auto or text with {prompt} in it")
        self.tokenizer, self.format = tokenizer, format
        self.further: dict[str, Any] = json.loads(format.chat_template_kwargs or "{}")
        self.chat = has_template and format.template in ("auto", "chat")
        if self.further and not self.chat:
            raise BadInput("chat_template_kwargs are for a chat template, and none is used here: leave them out")
        self.controls = Controls(tokenizer, str(tokenizer.chat_template) if self.chat else format.around)
        own, self.given = getattr(tokenizer, "eos_token_id", None), tuple(ends)
        self.ends = frozenset(ends) | ({own} if own is not None else set()) | self._end_of_turn()
        self._own: dict[tuple[str, ...], int] = {}
        self._contexts: dict[tuple[Message, ...], tuple[int, ...]] = {}
        self._deltas: dict[tuple[Message, ...], tuple[int, ...]] = {}
        self._vocabulary: list[str] = []
        self._stops: dict[tuple[str, ...], NDArray[np.bool_]] = {}

    def by(self, format: Format) -> "Renderer":
        """The same by another format."""
        return Renderer(self.tokenizer, format, self.given)

    def context(self, messages: tuple[Message, ...], after: Attempt | None = None, cut: int | None = None) -> tuple[int, ...]:
        """The ids a request starts from: the rendered conversation, or an attempt's (first `cut`) ids and what follows.

        Raises:
            BadInput: when the chat template cannot render the conversation.
        """
        if after is None:
            return self._remember(self._contexts, self.opened(messages), self._open)
        kept = tuple(after.payload.ids[:cut].tolist())
        if not messages:
            return kept
        kept, delta = self._without_roles(kept, after), self._remember(self._deltas, messages, self._append)
        doubled = bool(kept) and bool(delta) and kept[-1] == delta[0] and kept[-1] in self.ends
        return kept + delta[doubled:]

    def reply(self, text: str) -> list[int]:
        """The ids of a reply that somebody else wrote, and of its end; what it spells is text."""
        own = self._end_of_turn() or {i for i in self.ends if i == getattr(self.tokenizer, "eos_token_id", None)}
        return [*self.words(text), *sorted(own)[:1]]

    def words(self, text: str) -> list[int]:
        """The ids of a text that is no turn; what it spells is text."""
        return self._worded(lambda turns: turns[0].content, (Message("assistant", text),))

    def size(self, messages: tuple[Message, ...], after: Attempt | None = None, cut: int | None = None) -> int:
        """How many ids `context` gives, 0 where the conversation cannot be rendered."""
        try:
            return len(self.context(messages, after, cut))
        except BadInput:
            return 0

    def opened(self, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        """The conversation as it is rendered: with the format's system turn where it has none of its own."""
        own = not self.format.system or (messages and messages[0].role == "system")
        return messages if own else (Message("system", self.format.system), *messages)

    def shown(self, ids: Sequence[int]) -> str:
        """Ids as text, special tokens and all."""
        return str(self.tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False))

    def history(self, messages: tuple[Message, ...], after: Attempt | None = None, cut: int | None = None) -> tuple[Message, ...]:
        """The conversation in front of an attempt's text; a tree step adds no turn to it."""
        if after is None:
            return messages
        if not messages:
            return after.messages
        text = after.text
        if cut is not None and cut < len(after.payload):
            sampled_T = after.payload.sampled[:cut]
            first = int(np.flatnonzero(~sampled_T)[-1]) + 1 if not sampled_T.all() else 0
            text = self.text(after.payload.ids[first:cut].tolist())
        return (*after.messages, Message("assistant", text), *messages)

    def text(self, ids: Sequence[int]) -> str:
        """Sampled ids as text, without special tokens."""
        return str(self.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def texts(self, ids_R: Sequence[Sequence[int]]) -> list[str]:
        """The same of many at once; a tokenizer of the fast kind does them in parallel."""
        core = getattr(self.tokenizer, "backend_tokenizer", None)
        if core is None:
            return [self.text(ids) for ids in ids_R]
        found: list[str] = core.decode_batch([list(ids) for ids in ids_R], skip_special_tokens=True)
        return found

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """The text of each token by itself."""
        if not self._vocabulary:
            self._vocabulary = self.texts([[i] for i in range(len(self.tokenizer))])
        # the width of the logits may be larger than the vocabulary
        return [self._vocabulary[i] if i < len(self._vocabulary) else "" for i in ids]

    def ending(self, stop: tuple[str, ...], size: int) -> NDArray[np.bool_]:
        """bool[size]: token ids an attempt ends after, given stop strings; `size` is the width of the logits."""
        if stop not in self._stops:
            over_V = np.zeros(size, np.bool_)
            over_V[[i for i in self.ends if 0 <= i < size]] = True
            for i, text in enumerate(self.pieces(range(size)) if stop else ()):
                over_V[i] |= any(s in text for s in stop)
            self._stops[stop] = over_V
        return self._stops[stop]

    def _remember(self, store: dict[Any, tuple[int, ...]], key: Any, make: Any) -> tuple[int, ...]:
        if key not in store:
            if len(store) >= REMEMBERED:
                store.clear()
            store[key] = tuple(make(key))
        return store[key]

    def _ids(self, text: str, special: bool = False) -> list[int]:
        return list(self.tokenizer.encode(text, add_special_tokens=special))

    def _template(self, messages: Sequence[Message], prompt: bool) -> str:
        turns = [m._asdict() for m in messages]
        try:
            return str(self.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=prompt, **self.further))
        except Exception as error:  # a template is a program of the model's maker and may raise anything
            line, name = reason(error, 160), getattr(self.tokenizer, "name_or_path", "")
            mend = "mend it, change --chat-template-kwargs, or go around it with --template '{prompt}'"
            raise BadInput(f"the chat template of '{name}' refuses this conversation: {line}: {mend}") from None

    def _open(self, messages: tuple[Message, ...]) -> list[int]:
        if self.chat:
            return self._worded(lambda turns: self._template(turns, prompt=True), messages)
        ids = self._worded(self._plain, messages, special=True)
        return ids[:-1] if len(ids) > 1 and ids[-1] in self.ends else ids

    def _append(self, messages: tuple[Message, ...]) -> list[int]:
        if not self.chat:
            return self._worded(lambda turns: "\n" + self._plain(turns), messages)
        # digits, which no template changes and nobody can guess: no turn is cut off at what it says
        reply = str(secrets.randbits(128))

        def appended(turns: Sequence[Message]) -> str:
            text = self._template((Message("user", "x"), Message("assistant", reply), *turns), prompt=True)
            _, found, delta = text.rpartition(reply)
            if not found:
                raise BadInput("the chat template drops earlier replies, so turns cannot be appended: use template=plain")
            return delta

        return self._worded(appended, messages)

    def _worded(self, write: Callable[[Sequence[Message]], str], messages: tuple[Message, ...], special: bool = False) -> list[int]:
        """The ids of what `write` makes of some turns, in which no word of a turn is a control token."""
        text = write(messages)
        ids = self._ids(text, special)
        roles = tuple(m.role for m in messages)
        if not self.controls.spelled(messages):
            # how many the template writes by itself; normalizers and borders may make one more of harmless letters
            if roles not in self._own:
                self._own[roles] = -1
                with suppress(BadInput):  # a template may refuse these turns and no others
                    self._own[roles] = self.controls.count(self._ids(write([Message(role, "x") for role in roles]), special))
            if self.controls.count(ids) == self._own[roles]:
                return ids
        marks = Marks(*[c for c in map(chr, PRIVATE) if c not in text][:2])
        return self.controls.encode(write(self.controls.marked(messages, marks)), marks, special)

    def _without_roles(self, kept: tuple[int, ...], after: Attempt) -> tuple[int, ...]:
        """An attempt's ids without the roles it gave itself: of such a token the first letter of its name is left."""
        if self._roles.isdisjoint(kept):
            return kept
        sampled = after.payload.sampled.tolist()
        return tuple(self.controls.letter(i) if said and i in self._roles else i for i, said in zip(kept, sampled, strict=False))

    @cached_property
    def _roles(self) -> frozenset[int]:
        """Special tokens with which the chat template begins turns."""
        turns, found = [Message(role, "x") for role in ("system", "user", "assistant", "user")], frozenset[int]()
        for given in (turns, turns[1:]) if self.chat else ():
            with suppress(BadInput):
                found |= self.controls.special.intersection(self._ids(self._template(given, prompt=True)))
        return found - self.ends

    def _plain(self, messages: Sequence[Message]) -> str:
        text = ""
        for role, content in messages:
            if role == "assistant":
                text += content if not text or text[-1].isspace() or content[:1].isspace() else " " + content
            else:
                text += ("\n" if text else "") + (self.format.around.replace(PLACE, content) if role == "user" else content)
        return text

    def _end_of_turn(self) -> set[int]:
        reply = str(secrets.randbits(128))
        try:
            text = self._template((Message("user", "x"), Message("assistant", reply)), prompt=False) if self.chat else ""
        except BadInput:
            return set()
        return {i for i in self._ids(text.rpartition(reply)[2])[:1] if i in self.controls.added}
