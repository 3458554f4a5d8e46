"""Controls: the tokens that steer a model (roles, ends), and how text that spells one is encoded as the text it is."""

import json
import re
import secrets
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from tokenizers import Tokenizer

from selftaught.parts import BadInput
from selftaught.types import Message

# What stands in brackets of some kind, such as <think>; words and runs of spaces that were added are vocabulary.
BRACKETED = re.compile(r"[^\w\s]\S*\w\S*[^\w\s]")
NEVER = "(?!)"
# Characters that mean nothing, for marks.
PRIVATE = range(0xE000, 0xF900)


class Marks(NamedTuple):
    """Two characters that a text does not have: `inside` breaks spellings, `border` stands where a turn's words begin and end."""

    inside: str = chr(PRIVATE[0])
    border: str = chr(PRIVATE[1])

    def gone(self, text: str) -> str:
        """The text without them."""
        return text.replace(self.inside, "").replace(self.border, "")


class Controls:
    """Control tokens of a tokenizer under a template, and the encoding in which strangers' text is none.

    Control are the special tokens, and of other added tokens those in brackets that the template itself writes (`<think>`,
    `<tool_call>`). In an assistant's turn the latter are the model's own words.

    Where text spells a control token, that spelling is broken by a mark before the template sees it, so that what the
    template writes itself can be told from what it was given, whatever it does with that: trims it, writes it twice or in
    capitals, or leaves it out. Then a twin of the tokenizer encodes all of it at once, in which control tokens, as added
    tokens and as words of the vocabulary, are spelled in a way nobody can guess; what the template wrote is respelled so, the
    marks are gone, and what remains is text. Encoding the pieces one by one would be simpler, but sentencepiece puts a space
    in front of each, and a vocabulary that lists `</s>` finds it in text as well, however special tokens are treated.

    Attributes:
        ids: of the control tokens.
        special: those of them that are special tokens.
        added: ids of all added tokens.
    """

    def __init__(self, tokenizer: Any, template: str) -> None:
        """`template` is the text of the template in use."""
        added = dict(getattr(tokenizer, "added_tokens_decoder", {}))
        special = {t.content: i for i, t in added.items() if t.special and t.content}
        special |= {text: tokenizer.convert_tokens_to_ids(text) for text in tokenizer.all_special_tokens if text}
        written = {t.content: i for i, t in added.items() if BRACKETED.fullmatch(t.content) and t.content in template}
        self.tokenizer = tokenizer
        self.id_of = special | written
        # a letter nobody knows is no control
        self.ids = frozenset(self.id_of.values()) - {getattr(tokenizer, "unk_token_id", None)}
        self.special, self.added = frozenset(special.values()), frozenset(special.values()) | frozenset(added)
        self._any, self._special_alone = starts(self.id_of), starts(special)
        self._strip = {t.content: (t.lstrip, t.rstrip) for t in added.values()}

    def spelled(self, messages: Iterable[Message]) -> bool:
        """Whether any turn spells a control token."""
        return any(self._pattern(m.role).search(m.content) for m in messages)

    def count(self, ids: Sequence[int]) -> int:
        """How many of some ids are control tokens."""
        return sum(i in self.ids for i in ids)

    def marked(self, messages: Iterable[Message], marks: Marks) -> tuple[Message, ...]:
        """Turns with a mark in every spelling of a control token, and where words begin and end, so that none arises at a border."""

        def broken(message: Message) -> Message:
            inner = message.content.strip()
            if not inner:
                return message
            before, _, after = message.content.partition(inner)
            text = self._pattern(message.role).sub(lambda found: found.group() + marks.inside, inner)
            return Message(message.role, f"{before}{marks.border}{text}{marks.border}{after}")

        return tuple(map(broken, messages))

    def encode(self, text: str, marks: Marks, special: bool) -> list[int]:
        """The ids of text that was rendered from marked turns; `special` adds what the tokenizer adds around a text.

        Raises:
            BadInput: the tokenizer has no way to say a control token as text.
        """
        longest_first = sorted(self.id_of, key=len, reverse=True)
        own = re.compile(f"({'|'.join(map(re.escape, longest_first)) or NEVER})(?!{marks.inside})")
        if self._twin is None:
            return self._in_pieces([marks.gone(piece) for piece in own.split(text)], special)
        twin, hidden = self._twin
        return list(twin.encode(marks.gone(own.sub(lambda found: hidden[found.group()], text)), add_special_tokens=special).ids)

    def letter(self, i: int) -> int:
        """The id of the first letter of a control token's name."""
        marks = Marks()
        [turn] = self.marked([Message("user", str(self.tokenizer.convert_ids_to_tokens(i)))], marks)
        return self.encode(turn.content, marks, special=False)[0]

    def _pattern(self, role: str) -> re.Pattern[str]:
        return self._special_alone if role == "assistant" else self._any

    @cached_property
    def _twin(self) -> tuple[Tokenizer, dict[str, str]] | None:
        """The tokenizer with control tokens of other spellings, and those; None where it cannot be had."""
        core = getattr(self.tokenizer, "backend_tokenizer", None)
        try:
            data = json.loads(core.to_str())  # type: ignore[union-attr]
            secret = secrets.token_hex(16)
            hidden = {text: f"{secret}{number}{text}" for number, text in enumerate(self.id_of)}
            twin = Tokenizer.from_str(json.dumps(respelled(data, hidden)))
        except Exception:  # a part written in Python cannot be written down, and tokenizers raises plain Exceptions
            return None
        twin.no_truncation()
        twin.no_padding()
        same = all(twin.token_to_id(hidden[text]) == i for text, i in self.id_of.items())
        return (twin, hidden) if same else None

    def _in_pieces(self, pieces: Sequence[str], special: bool) -> list[int]:
        """The ids of text and control tokens in turns, each text by itself: for tokenizers that are written in Python."""
        ids: list[int] = []
        for place, piece in enumerate(pieces):
            if place % 2:
                ids.append(self.id_of[piece])
                continue
            before, after = pieces[place - 1 : place], pieces[place + 1 : place + 2]
            piece = piece.lstrip() if before and self._strip.get(before[0], (False, False))[1] else piece
            piece = piece.rstrip() if after and self._strip.get(after[0], (False, False))[0] else piece
            said = self.tokenizer.encode(piece, add_special_tokens=False, split_special_tokens=True) if piece else []
            if self.count(said):
                spelled = next(text for text, i in self.id_of.items() if i in said)
                raise BadInput(f"a prompt spells {spelled!r}, which this tokenizer cannot say as text: take it out of the prompt")
            ids += said
        return list(self.tokenizer.build_inputs_with_special_tokens(ids)) if special else ids


def starts(texts: Iterable[str]) -> re.Pattern[str]:
    """Finds the first character of each text wherever it begins, also inside another, in capitals or not: templates change case."""
    texts = sorted(texts)
    found, first = "|".join(map(re.escape, texts)) or NEVER, "".join({re.escape(text[0]) for text in texts})
    # there may be thousands of them, but they begin alike
    return re.compile(f"(?=[{first}])(?=(?:{found}))[\\s\\S]" if first else NEVER, re.IGNORECASE)


def respelled(data: dict[str, Any], hidden: dict[str, str]) -> dict[str, Any]:
    """A tokenizer's description with other spellings of some tokens, at the same ids."""
    model = data["model"]
    data["added_tokens"] = [token | {"content": hidden.get(token["content"], token["content"])} for token in data["added_tokens"]]
    if isinstance(model["vocab"], dict):
        model["vocab"] = {hidden.get(text, text): i for text, i in model["vocab"].items()}
    else:
        model["vocab"] = [[hidden.get(text, text), score] for text, score in model["vocab"]]
    if isinstance(model.get("unk_token"), str):
        model["unk_token"] = hidden.get(model["unk_token"], model["unk_token"])
    if "merges" in model:
        # what would merge into a control token stays in its parts
        model["merges"] = [pair for pair in model["merges"] if "".join(pair if isinstance(pair, list) else pair.split(" ")) not in hidden]
    return data
