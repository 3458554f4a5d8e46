"""One spelling for equal answers, so that equality makes classes: votes compare strings."""

import re
from functools import lru_cache

from selftaught.answers.numbers import ascii_digits, quantity, spelled
from selftaught.answers.tidy import WRAP, tidy

# Longer answers are compared as text.
LONGEST = 400
WHOLE = re.compile(r"-?(?:0|[1-9]\d{0,60})")
DROPPED = re.compile(
    r"\\(?:left|right|[bB]igg?[lr]?)(?![a-zA-Z])\s?\.?|\\[!]|\\(?:displaystyle|limits|textstyle)(?![a-zA-Z])\s?|(?<=\d)\{,\}(?=\d)"
)
SPACED = re.compile(r"\\[,;: ]|\\q?quad(?![a-zA-Z])|(?<!\\)~")
THIN = re.compile(r"(?<=\d)(?:\\[,;: ]|\\thinspace ?|\u2009)(?=\d{3}(?!\d))")
RENAMED = (
    (re.compile(r"\\[dtc]frac(?![a-zA-Z])"), r"\\frac"),
    (re.compile(r"\\leq(?![a-zA-Z])"), r"\\le"),
    (re.compile(r"\\geq(?![a-zA-Z])"), r"\\ge"),
    (re.compile(r"\\neq(?![a-zA-Z])"), r"\\ne"),
    (re.compile(r"\\lbrace(?![a-zA-Z])"), r"\\{"),
    (re.compile(r"\\rbrace(?![a-zA-Z])"), r"\\}"),
    (re.compile(r"\\(?:cdot|times)(?![a-zA-Z])\s?"), "*"),
    (re.compile(r"\\div(?![a-zA-Z])\s?"), "/"),
    (re.compile(r"\s*\^\s*(?:\\circ(?![a-zA-Z])|\{\s*\\circ\s*\})|\\degree(?![a-zA-Z])"), "°"),
    (re.compile(r"\\([%$&#_])"), r"\1"),
)
SHORT_FRACTION = re.compile(r"\\frac\s*(\d|\{[^{}]*\})\s*(\d|\{[^{}]*\})")
PLAIN_FRACTION = re.compile(r"\s*\\frac\{\s*([-+]?[\d.,]+)\s*\}\{\s*([\d.,]+)\s*\}")
ROOT = re.compile(r"\\sqrt\s*([\da-zA-Z])(?![\d])")
POWER = re.compile(r"([\^_])\{([\da-zA-Z])\}")
ASSIGNED = re.compile(r"[a-zA-Z]\s?=\s?([^=<>]+)")
CHOSEN = re.compile(
    r"(?:(?:option|choice|answer|letter)\s+)?(?:\(([A-Ja-j])\)|\[([A-J])\]|([A-J])[).:]|(?<=\s)([A-J])|([A-J]))", re.IGNORECASE
)
AROUND = re.compile(r"\s*([-+*/^=<>,(){}\[\]|])\s*")
LISTED = re.compile(r"\s*,\s*")
SAID = {"yes": "Yes", "no": "No", "true": "True", "false": "False", "none": "None"}
QUOTES = (('"', '"'), ("'", "'"), ("“", "”"), ("‘", "’"), ("`", "`"))


@lru_cache(maxsize=8192)
def canonical(answer: str) -> str:
    r"""One spelling for equal answers.

    Numbers lose separators, currency of dollars and trailing zeros, fractions are reduced and decimal where they end
    (\frac12, 1/2, .5, 5e-1 are 0.5; 1 1/2 is 1.5), units and percent are kept, x=5 is 5, \text, \left, \dfrac and spaces of
    LaTeX go, Yes and yes are one word and (B), B. and Option B one letter. Two answers that are equal by deeper reasons
    have two spellings: a vote needs classes, and a mathematician's equality to within rounding makes none.
    """
    text = answer.strip()
    if WHOLE.fullmatch(text):
        return "0" if text == "-0" else text
    if len(text) > LONGEST:
        return " ".join(text.split())
    text = " ".join(ascii_digits(tidy(text)).split(" ")) if not text.isascii() else tidy(text)
    text = " ".join(THIN.sub("", text).split())
    if "\\" in text or "{" in text:
        text = plainer(text)
    text = unquoted(text)
    bare = text.replace("$", "") if "$" in text else text
    found = quantity(bare) or quantity(text)
    if found is None and (assigned := ASSIGNED.fullmatch(bare)):
        found = quantity(assigned[1].strip())
    if found is not None:
        unit = found.unit
        return spelled(found.value) + (unit if unit == "%" else f" {unit}" if unit else "")
    return worded(bare)


def plainer(text: str) -> str:
    """LaTeX without what does not change its meaning."""
    text = SPACED.sub(" ", DROPPED.sub("", text))
    for pattern, better in RENAMED:
        text = pattern.sub(better, text)
    text = unwrapped(text)
    text = ROOT.sub(r"\\sqrt{\1}", SHORT_FRACTION.sub(lambda f: f"\\frac{{{f[1].strip('{}')}}}{{{f[2].strip('{}')}}}", text))
    text = " ".join(POWER.sub(r"\1\2", text).split())
    # A fraction of numbers alone, or behind a whole number, is a number.
    if found := PLAIN_FRACTION.search(text):
        left, right = text[: found.start()], text[found.end() :]
        if re.fullmatch(r"[-+]?\d*", left) and "\\" not in right and not right.startswith(("^", "(", "*")):
            return f"{left}{' ' if left[-1:].isdigit() else ''}{found[1]}/{found[2]}{right}"
    if text.startswith("{") and text.endswith("}") and text.count("{") == 1:
        text = text[1:-1].strip()
    return text


def unwrapped(text: str) -> str:
    r"""What \text and its like enclose, wherever they stand, with a space before a unit."""
    out, at = [], 0
    while found := WRAP.search(text, at):
        close = text.find("}", found.end())
        if close < 0:
            break
        inner = text[found.end() : close]
        gap = " " if found.start() and text[found.start() - 1].isalnum() and inner[:1].isalpha() else ""
        out += [text[at : found.start()], gap, inner]
        at = close + 1
    return "".join([*out, text[at:]])


def unquoted(text: str) -> str:
    """A text without quotation marks around it."""
    for left, right in QUOTES:
        if len(text) > 2 and text.startswith(left) and text.endswith(right) and left not in text[1:-1]:
            return text[1:-1].strip()
    return text


def worded(text: str) -> str:
    """Words, letters and expressions: spacing around signs goes where there is mathematics, capitals that begin a word do."""
    if (letter := CHOSEN.fullmatch(text)) and (len(text) > 1 or text.isupper()):
        return next(group for group in letter.groups() if group).upper()
    if (said := text.strip("()[] ").lower()) in SAID:
        return SAID[said]
    if not re.search(r"[\d\\^=<>\[({]", text):
        return " ".join(w.lower() if len(w) > 1 and w[1:].islower() else w for w in text.split())
    text = AROUND.sub(lambda f: ", " if f[1] == "," else f[1], text) if re.search(r"[\\a-zA-Z(\[]", text) else LISTED.sub(", ", text)
    return text.rstrip(", ") if text.count(",") == 1 and text.endswith(", ") else text
