r"""What a question asks, whatever its spelling: the words, numbers and signs that its answer may depend on.

Case, spacing, quotes, full stops, markdown and LaTeX's delimiters do not count; operators, signs, brackets, decimal
points, comparison marks and currency do. `3 + 2` and `3 / 2` are two questions, `What is 5/2?` and `what is 5 / 2` one.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache

from selftaught.types import Message

# The shortest sentence that is looked for inside other prompts, in words and signs.
SHORTEST = 5
POINT, BREAK = "\ue000", "\ue001"
# Signs with a meaning among the characters that Unicode files under punctuation.
CONTENT = set("()[]{}/%&#@*\\-|<>^+=~") | {POINT, BREAK}
FUNCTIONS = "(?!(?:sin|cos|tan|cot|sec|log|ln|exp|sqrt|max|min|abs)\\b)"
LONG = r"[^\W\d_]{2}"
LATEX: Mapping[str, str] = {
    "times": "*", "cdot": "*", "div": "/", "le": "<=", "leq": "<=", "ge": ">=", "geq": ">=", "ne": "!=", "neq": "!=", "pm": "±",
    "left": "", "right": "", "quad": " ", "dfrac": "frac", "tfrac": "frac", "displaystyle": "", "%": "%", "$": "$", "{": "{", "}": "}",
}  # fmt: skip
# Minus signs and dashes, signs of multiplication and division, comparison, apostrophes, powers.
SPELLINGS = str.maketrans(
    dict.fromkeys("\u2212\u2013\u2014\u2010\u2011", "-") | dict.fromkeys("\u00d7\u00b7\u22c5\u2219", "*")
    | dict.fromkeys("\u00f7\u2044\u2215", "/") | {"\u2264": "<=", "\u2265": ">=", "\u2260": "!=", "\u2019": "'", "\u2032": "'"}
    | {power: f"^{digit}" for digit, power in enumerate("\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079")}
)  # fmt: skip
# (a character it needs, pattern, replacement); what a pattern looks for stands first in it, which keeps it quick.
RULES: Sequence[tuple[str, re.Pattern[str], str]] = [
    (needs, re.compile(pattern), by)
    for needs, pattern, by in (
        # Headings, quotes, lists, bold and italics of markdown.
        ("#", r"(?m)^[ \t]*#{1,6}[ \t]+", ""),
        (">", r"(?m)^[ \t]*>[ \t]+(?=" + LONG + ")", ""),
        ("*", r"(?m)^[ \t]*\*[ \t]+(?=\W{0,3}" + LONG + ")", ""),
        ("-", r"(?m)^[ \t]*-[ \t]+(?=\W{0,3}" + LONG + ")", ""),
        ("*", r"\*\*(?<!\w\*\*)(?=[^\s*])([^*\n]+)(?<=\S)\*\*(?!\w)", r"\1"),
        ("*", r"\*(?<![\w*]\*)(?=[^\s*])([^*\n]+)(?<=\S)\*(?![\w*])", r"\1"),
        ("*", r"\*\*", "^"),
        ("{", r"([_^])\{(\w+)\}", r"\1\2"),
        # Hyphens and dashes between words; what stands by numbers or single letters is a minus.
        ("-", r"-(?<=" + LONG + r"-)(?=\w)", " "),
        ("-", r"-(?<=\w-)(?=" + LONG + ")" + FUNCTIONS, " "),
        ("-", r"[ ]-{1,3}(?:(?<=" + LONG + r"[ ]-)|(?<=" + LONG + r"[ ]--)|(?<=" + LONG + "[ ]---))[ ](?=" + LONG + ")", " "),
        # Abbreviations, decimal points, derivatives, factorials.
        (".", r"\.(?<=(?<![^\W_])[^\W\d_]\.)(?=[^\W\d_](?![^\W_]))", ""),
        (".", r"\.(?<![\d\w.]\.)(?=\d)", "0."),
        (".", r"\.(?<=\d\.)(?=\d)", POINT),
        ("'", r"'(?<=(?<![\w'])[^\W\d_]')(?='*\s?[(=+*/-])", " prime "),
        ("!", r"!(?<=[\d)]!)(?=[ ]?[^\s!])", " factorial "),
        # A dollar before an amount in a sentence is currency; others delimit LaTeX.
        ("$", r"\$(?=[ ]?\d[\d.,\ue000]*(?:[ ]" + LONG + r"|[ ]a\b|[.,;:!?)]|\s?$))", " ¤ "),
        ("$", r"\$", " "),
        # Where sentences and lines end.
        ("", r"[.?!:;][\"')\]]*[ \n]|[。\n]", f" {BREAK} "),
    )
]  # fmt: skip
NUMBER = re.compile(r"\d+")
SPACES = re.compile(r"[^\S\n]+")


class Signs(dict[int, str | None]):
    """What each character becomes: letters, marks and digits stay, signs stand alone, the rest is space."""

    def __missing__(self, code: int) -> str | None:
        char = chr(code)
        kind = unicodedata.category(char)
        if kind == "Nd":
            made: str | None = str(unicodedata.digit(char))
        elif kind == "Cf" or 0xFE00 <= code <= 0xFE0F:
            made = None
        elif kind[0] == "M":
            made = char
        elif kind[0] == "L":
            # Scripts without spaces are read letter by letter.
            made = f" {char} " if 0x2E80 <= code <= 0x9FFF or 0x20000 <= code <= 0x3FFFF else char
        else:
            made = f" {char} " if char in CONTENT or (kind[0] in "SN" and char != "`") else " "
        self[code] = made
        return made


SIGNS = Signs()


def grouped(found: re.Match[str]) -> str:
    """A number in groups of three digits from the right, so that thousands separators do not matter."""
    digits = found[0]
    first = len(digits) % 3
    return f" {' '.join([digits[:first], *(digits[i : i + 3] for i in range(first, len(digits), 3))])} "


# Held-out and training tasks are looked at by every source that might hold them too.
@lru_cache(maxsize=1024)
def pieces(text: str) -> tuple[tuple[str, ...], ...]:
    """A text's sentences and lines, each as its words, numbers (in groups of three digits) and signs."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.translate(SPELLINGS)).translate(SPELLINGS)
    text = text.casefold().replace("_", " ")
    if "\\" in text:
        text = re.sub(r"\\(?:([a-z]+|[%${}])|[^a-z\s])", lambda found: LATEX.get(found[1] or "", f" {found[1] or ''} "), text)
    text = SPACES.sub(" ", text.replace("!=", "≠"))
    for needs, pattern, by in RULES:
        if needs in text:
            text = pattern.sub(by, text)
    text = NUMBER.sub(grouped, text.translate(SIGNS))
    return tuple(tuple(piece.split()) for piece in text.split(BREAK) if piece.strip())


def asks(text: str) -> str:
    """What a text asks as one string; "" where it has neither words nor signs."""
    return " ".join(joined(text)[0])


def question(prompt: str | Sequence[Message]) -> str:
    """The part of a prompt that asks: all that user and tool said, or everything where neither did."""
    if isinstance(prompt, str):
        return prompt
    return "\n".join([m.content for m in prompt if m.role not in ("system", "developer", "assistant")] or [m.content for m in prompt])


class Asked:
    """Questions that are found in other prompts: as a whole, or as sentences of them (below an instruction, as one of
    several turns, in an example), and the other way round.

    A question is found inside a longer prompt when it begins and ends where sentences do, and has at least `SHORTEST`
    words and signs.
    """

    def __init__(self) -> None:
        self._whole: dict[str, set[str]] = {}
        self._starts: dict[tuple[str, ...], list[tuple[tuple[str, ...], set[int], int, str]]] = {}

    def add(self, prompt: str | Sequence[Message], key: str = "") -> None:
        """One question more; `key` is what `met` calls it."""
        flat, ends = joined(question(prompt))
        self._whole.setdefault(" ".join(flat), set()).add(key)
        for start in sorted({0, *ends}):
            self._starts.setdefault(flat[start : start + SHORTEST], []).append((flat, ends, start, key))

    def met(self, prompt: str | Sequence[Message]) -> set[str]:
        """Keys of the questions that a prompt asks or holds, or that hold it."""
        # System and assistant turns too: whatever is trained on may hold the question.
        flat, ends = joined(question(prompt))
        texts = [(flat, ends)] + ([] if isinstance(prompt, str) else [joined("\n".join(m.content for m in prompt))])
        found = set(self._whole.get(" ".join(flat), ()))
        for mine, mine_ends in texts:
            for start in {0, *mine_ends}:
                for other, other_ends, begin, key in self._starts.get(mine[start : start + SHORTEST], ()):
                    # Theirs inside mine, or all of mine inside theirs.
                    for size in ([len(other)] if begin == 0 else []) + ([len(flat)] if start == 0 and mine is flat else []):
                        inside = size >= SHORTEST and mine[start : start + size] == other[begin : begin + size]
                        if inside and start + size in mine_ends and begin + size in other_ends:
                            found.add(key)
        return found


def joined(text: str) -> tuple[tuple[str, ...], set[int]]:
    """A text's words and signs, and where its sentences end."""
    flat: list[str] = []
    ends = set()
    for piece in pieces(text):
        flat += piece
        while flat and flat[-1] == "=":
            flat.pop()
        ends.add(len(flat))
    return tuple(flat), ends
