"""Numbers as people write them: separators, signs, digits of other scripts, exponents, fractions, percent, money and units."""

import re
import unicodedata
from collections import deque
from fractions import Fraction
from typing import NamedTuple

from selftaught.answers.units import TH, UNITS, scaled, unit_of

# Thousands stand in threes between commas, apostrophes, underscores or thin spaces; a comma between other digits makes a list.
DIGITS = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d{1,3}(?:['_\u2009]\d{3})+(?!\d)|\d+)"
UNSIGNED = rf"(?:{DIGITS}(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d{{1,3}}(?![\w]))?"
NUMBER = re.compile(rf"(?<![\w.])(?:[-+](?=[$€£¥]?[\d.]))?[$€£¥]?{UNSIGNED}(?:/(?:{DIGITS})(?![\d.]))?(?:\s?%)?")
QUANTITY = re.compile(
    r"(?P<sign>[-+])?\s?(?P<money>[$€£¥])?\s?(?P<minus>-)?(?:(?P<whole>\d{1,9})[ ](?=\d{1,9}/))?"
    rf"(?P<top>{UNSIGNED}|\d+\.)(?:/(?P<bottom>{DIGITS}))?"
    r"\s?(?P<percent>%|percent|per cent|pct)?(?:[ ]?(?P<unit>[^\W\d_].{0,40}|°.{0,20}|[€£¥]))?",
    re.DOTALL,
)
LONGEST = 400
FAR = 60
SCRIPTS = {
    "−": "-",
    "‒": "-",
    "–": "-",
    "—": "-",
    "﹣": "-",
    "－": "-",
    "‐": "-",
    "‑": "-",
    "٫": ".",
    "٬": ",",
    "’": "'",
    "‘": "'",
    "＄": "$",
    "\u202f": "\u2009",
    "\u00a0": "\u2009",
    "\u2007": "\u2009",
    "×": "*",
    "⋅": "*",
    "·": "*",
    "∙": "*",
    "÷": "/",
    "∕": "/",
    "⁄": "/",
    "π": "\\pi",
    "∞": "\\infty",
    "≤": "\\le",
    "≥": "\\ge",
    "≠": "\\ne",
    "√": "\\sqrt",
    "∪": "\\cup",
    "∩": "\\cap",
    "º": "°",
    "“": '"',
    "”": '"',
}
RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


class Quantity(NamedTuple):
    """A number and its unit, "" for none and "%" for percent."""

    value: Fraction
    unit: str


def ascii_digits(text: str) -> str:
    """Digits, signs, spaces and fractions of other scripts in ASCII; other letters stay."""
    if text.isascii():
        return text
    text = re.sub("[⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda found: f"^{{{found[0].translate(RAISED)}}}", text)
    return "".join(letter if letter.isascii() else folded(letter) for letter in text)


def folded(letter: str) -> str:
    """One letter that is not ASCII."""
    if letter in SCRIPTS:
        return SCRIPTS[letter]
    if unicodedata.category(letter) == "Nd":
        return str(unicodedata.digit(letter))
    if unicodedata.category(letter) == "No" and "⁄" in (split := unicodedata.normalize("NFKC", letter)):
        return " " + split.replace("⁄", "/")
    if "！" <= letter <= "～":
        return unicodedata.normalize("NFKC", letter)
    return letter


def amount(text: str) -> Fraction:
    """The value of unsigned digits with separators, decimals and an exponent."""
    return Fraction(re.sub("[,'_\u2009]", "", text).rstrip("."))


def quantity(text: str) -> Quantity | None:
    """The number a text is, with its unit; None when it is none (a list, a range, an expression)."""
    if len(text) > LONGEST or not (found := QUANTITY.fullmatch(text)):
        return None
    if found["sign"] and found["minus"]:
        return None
    said = found["unit"] or ""
    attached = bool(said) and text[found.start("unit") - 1] != " "
    scale, said = scaled(said)
    unit = unit_of(said)
    # 2xy and 5m are products: right behind a digit stand the units that cannot be anything else.
    product = attached and scale == 1 and said[:1] != "°" and (len(said) == 1 or said not in {*UNITS, *TH})
    if unit is None or product or (found["percent"] and unit):
        return None
    bottom = amount(found["bottom"]) if found["bottom"] else Fraction(1)
    if not bottom or (found["whole"] and not found["bottom"]) or (found["bottom"] and re.search("[.eE]", found["top"]) and found["whole"]):
        return None
    value = (Fraction(found["whole"] or 0) + amount(found["top"]) / bottom) * (-1 if "-" in (found["sign"], found["minus"]) else 1)
    money = {"€": "euro", "£": "pound", "¥": "yen"}.get(found["money"] or "", "")
    return Quantity(value * scale, "%" if found["percent"] else unit or money)


def spelled(value: Fraction) -> str:
    """One spelling of a value: decimals where they end, else a reduced fraction; far too long ones as a fraction too."""
    top, bottom = value.numerator, value.denominator
    if bottom == 1:
        return str(top)
    twos = fives = 0
    rest = bottom
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    places = max(twos, fives)
    if rest != 1 or places > FAR:
        return f"{top}/{bottom}"
    digits = str(abs(top) * 10**places // bottom).rjust(places + 1, "0")
    return f"{'-' if top < 0 else ''}{digits[:-places]}.{digits[-places:]}"


def last_number(text: str) -> str | None:
    """The last number in a text as it is written."""
    found = deque(NUMBER.finditer(ascii_digits(text)), maxlen=1)
    return found[0][0] if found else None
