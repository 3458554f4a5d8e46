r"""Marks: \boxed{..}, `#### ..`, <answer>..</answer> and "the answer is ..", of which the last one wins, whichever kind."""

import re
from collections.abc import Iterator, Mapping

# So many marks of a reply are looked at, from the last one back.
MOST = 16
# Adverbs between "is" and the answer; a denial is no answer.
SAYS = re.compile(
    r"(?<![a-z])answers?(?![a-z])[*_`\"')]{0,3}"
    r"(?:[ \t]*(?:\([a-z]\)|\d{1,3}))?(?:[ \t]+(?!is\b|was\b|are\b|if\b|and\b)[a-z\"'()-]{1,24}){0,8}"
    r"(?:[ \t]+(?:is|are|was|would be|will be|must be|should be|has to be|equals)\b(?![ \t]+(?:not|no longer|wrong|incorrect|unknown to)\b)"
    r"(?:[ \t]+(?:therefore|thus|then|simply|just|also|hence|indeed|clearly|approximately|about|given by|equal to|now|option|choice)\b)*"
    r"(?:[ \t]+(?:as follows|the following)\b)?(?:[ \t]*:[*_`]{0,3})?|[ \t]*[:=：][*_`]{0,3})",
    re.IGNORECASE,
)
MARK = re.compile(r"\\(?:boxed|fbox)(?![a-zA-Z])|####|<answer>|answer", re.IGNORECASE)
LETTERS = re.compile(r"[^\W\d_]")
BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
BARE = re.compile(r"\s+(\\[a-zA-Z]+|[-+]?[\w.]+)")
# A sentence ends; not the dot of an initial or of a title.
SENTENCE = re.compile(
    r"(?:(?<![\s.])(?<!\b[A-Z])(?<!\b(?:[DMSJ]r|St|Mt|Ms|No|vs|ca))(?<!\bMrs)(?<!\bapprox)(?<!\b[ap]\.m)[.?]|(?<=[a-z]{2})!)(?=[*_`\"')$]{0,3}(?:\s|$))"
)
# The letter of a choice, and more about it; not the initials of a name.
LETTER = re.compile(r"\W*(?:(?:option|choice)\W+)?[A-E][*)\]$]{0,4}(?=\.(?:\s|$)(?!\s*[A-Z]\.))", re.IGNORECASE)
BECAUSE = re.compile(r",?[ \t]+(?:because|since|as it|as they|as we|which|given that)\b|[,;][ \t]+(?:so|but|where)[ \t]")
HEADING = re.compile(r"answer[*_:#]{0,4}[ \t]*\n", re.IGNORECASE)
# What a model repeats of its instructions.
PLACES = ("...", "…", "answer", "your answer", "<answer>", "[answer]", "your final answer", "final answer", "number", "x.xx")


def marked(text: str, kind: re.Pattern[str] = MARK) -> Iterator[str]:
    """What each mark of a kind encloses, the last mark first; marks that enclose nothing are passed over."""
    found = list(kind.finditer(text))[-MOST:]
    closed = pairs(text) if "\\boxed" in text or "\\fbox" in text else {}
    for place in reversed(found):
        content = (enclosed(text, place.start(), place.end(), closed) or "").strip()
        if content and content.strip("*_`$ ").casefold() not in PLACES:
            yield content


def enclosed(text: str, start: int, end: int, closed: Mapping[int, int]) -> str | None:
    """What the mark at a place encloses, None when there is none; a box that is never closed was cut off."""
    first = text[start]
    if first == "\\":
        if text[end : end + 1] != "{":
            bare = BARE.match(text, end)
            return bare[1] if bare else None
        return text[end + 1 : closed[end]] if end in closed else None
    if first == "#":
        return lines_from(text, end)
    if first == "<":
        close = text.find("</answer>", start)
        return text[end : close if close >= 0 else len(text)]
    if says := SAYS.match(text, start) or heading(text, start):
        return sentence(lines_from(text, says.end()))
    return None


def heading(text: str, start: int) -> re.Match[str] | None:
    """A line of its own that says answer, in bold or as a heading."""
    line = text[text.rfind("\n", 0, start) + 1 : start]
    return HEADING.match(text, start) if line.lstrip()[:1] in ("#", "*") and len(line) < 40 else None


def pairs(text: str) -> dict[int, int]:
    """Where each brace that is closed is closed, to any depth, in one pass."""
    open_, closed = [], {}
    for found in BRACE.finditer(text):
        if found[0] == "{":
            open_.append(found.start())
        elif found[0] == "}" and open_:
            closed[open_.pop()] = found.start()
    return closed


def lines_from(text: str, start: int) -> str:
    """The rest of the line, or the next line that has something on it; with the lines of a grid below it."""
    rest = text[start:]
    stop = rest.find("</answer>")
    rest = (rest if stop < 0 else rest[:stop]).lstrip()
    first, _, more = rest.partition("\n")
    if not more:
        return first
    if first.startswith("```") or first.strip() in ("$$", "\\["):
        last = {"$$": "$$", "\\[": "\\]"}.get(first.strip(), "```")
        close = more.find(last)
        return f"{first}\n{more[:close]}{last}" if close >= 0 else first
    rows = [first]
    for line in more.split("\n"):
        if not alike(first, line):
            break
        rows.append(line)
    return "\n".join(rows).rstrip()


def alike(first: str, line: str) -> bool:
    """Whether a line goes on with the grid or list of moves that another began: signs and numbers, or the same number of words."""
    cells, others = first.split(), line.split()
    if not LETTERS.search(first):
        # Rows of numbers and signs, lines of signs alone between them too; a single number is no row.
        return bool(line) and not LETTERS.search(line) and (len(cells) > 1 or (not any(map(str.isalnum, first)) and len(first) > 1))
    short = all(len(cell) <= 2 for cell in (*cells, *others))
    return len(cells) == len(others) and len(cells) >= (2 if short else 3) and (short or cells[0] == others[0])


def sentence(line: str) -> str:
    """A line up to the end of its sentence or its reason, once something stands before that."""
    if "\n" in line:
        return line
    ends = [found.start() for pattern in (SENTENCE, BECAUSE) if (found := pattern.search(line))]
    ends += [found.end()] if (found := LETTER.match(line)) else []
    return line[: min(ends)] if ends and line[: min(ends)].strip() else line
