"""Numbers as people write them: separators, signs, digits of other scripts, exponents, fractions, percent, money and units."""

import re
import unicodedata
from fractions import Fraction
from typing import NamedTuple

# Thousands stand in threes between commas, apostrophes, underscores or thin spaces; a comma between other digits makes a list.
DIGITS = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d{1,3}(?:['_\u2009]\d{3})+(?!\d)|\d+)"
UNSIGNED = rf"(?:{DIGITS}(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d{{1,3}}(?![\w]))?"
NUMBER = re.compile(rf"(?<![\w.])(?:[-+](?=[$€£¥]?[\d.]))?[$€£¥]?{UNSIGNED}(?:/(?:{DIGITS})(?![\d.]))?(?:\s?%)?")
QUANTITY = re.compile(
    rf"(?P<sign>[-+])?\s?(?P<money>[$€£¥])?\s?(?P<minus>-)?(?:(?P<whole>\d{{1,9}})[ ](?=\d{{1,9}}/))?(?P<top>{UNSIGNED}|\d+\.)(?:/(?P<bottom>{DIGITS}))?"
    r"\s?(?P<percent>%|percent|per cent|pct)?(?:[ ]?(?P<unit>[^\W\d_].{0,40}|°.{0,20}|[€£¥]))?",
    re.DOTALL,
)  # fmt: skip
LONGEST = 400
FAR = 60
SCRIPTS = {"−": "-", "‒": "-", "–": "-", "—": "-", "﹣": "-", "－": "-", "‐": "-", "‑": "-", "٫": ".", "٬": ",", "’": "'", "‘": "'", "＄": "$",
           "\u202f": "\u2009", "\u00a0": "\u2009", "\u2007": "\u2009", "×": "*", "⋅": "*", "·": "*", "∙": "*", "÷": "/", "∕": "/", "⁄": "/",
           "π": "\\pi", "∞": "\\infty", "≤": "\\le", "≥": "\\ge", "≠": "\\ne", "√": "\\sqrt", "∪": "\\cup", "∩": "\\cap", "º": "°", "“": '"', "”": '"'}  # fmt: skip
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
    # 2xy and 5m are products: behind a digit stand the units that cannot be anything else.
    if (
        unit is None
        or (attached and scale == 1 and ((len(said) == 1 and said != "°") or (said not in UNITS and said[0] != "°" and said not in TH)))
        or (found["percent"] and unit)
    ):
        return None
    bottom = amount(found["bottom"]) if found["bottom"] else Fraction(1)
    if not bottom or (found["whole"] and not found["bottom"]) or (found["bottom"] and re.search("[.eE]", found["top"]) and found["whole"]):
        return None
    value = (Fraction(found["whole"] or 0) + amount(found["top"]) / bottom) * (-1 if "-" in (found["sign"], found["minus"]) else 1)
    money = {"€": "euro", "£": "pound", "¥": "yen"}.get(found["money"] or "", "")
    return Quantity(value * scale, "%" if found["percent"] else unit or money)


def unit_of(text: str) -> str | None:
    """One spelling of a unit, "" for none and for dollars; None where the text behind a number is no unit."""
    text = " ".join(text.split()).strip()
    if text in ("", "$", "USD", "dollar", "dollars", "US dollars"):
        return ""
    if text[0] == "°" or text.startswith("degree"):
        rest = re.sub(r"^(?:°|degrees?)\s*", "", text).lower()
        return f"degrees {rest[:1].upper()}".strip() if rest in ("", "c", "f", "celsius", "fahrenheit") else None
    if text in UNITS and not text[0].isalpha():
        return UNITS[text]
    # One variable behind a number is a product, several words are a phrase; both may be units too.
    if not re.fullmatch(r"[^\W\d_]+(?:[ /][^\W\d_]+){0,4}(?:\^\{?[23]\}?)?", text) or (len(text) == 1 and text not in UNITS):
        return None
    if not OTHERWISE.isdisjoint(text.lower().split()):
        return None
    word = UNITS.get(text) or UNITS.get(text.lower()) or text.lower()
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def scaled(text: str) -> tuple[int, str]:
    """A factor said in words (5 million), and what is left."""
    first, _, rest = text.strip().partition(" ")
    factor = SCALES.get(first.lower(), 1)
    return factor, rest if factor > 1 else text


SCALES = {"dozen": 12, "hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12}
TH = ("st", "nd", "rd", "th")
# Words that make more of a number than a quantity.
OTHERWISE = frozenset(
    [
        "squared",
        "cubed",
        "factorial",
        "times",
        "plus",
        "minus",
        "choose",
        "over",
        "halves",
        "thirds",
        "quarters",
        "fifths",
        "tenths",
        "to",
        "or",
        "and",
        "than",
        "pi",
        "mod",
        "log",
        "ln",
        "sin",
        "cos",
        "tan",
        "sqrt",
        "root",
        "remainder",
        "divided",
        "multiplied",
        "raised",
        "ways?",
        "not",
    ]
)
UNITS = {
    "m": "meter", "g": "gram", "s": "second", "h": "hour", "L": "liter", "l": "liter", "cm": "centimeter", "mm": "millimeter", "km": "kilometer",
    "kg": "kilogram", "mg": "milligram", "ml": "milliliter", "min": "minute", "mins": "minute", "sec": "second", "secs": "second", "hr": "hour",
    "hrs": "hour", "ft": "foot", "feet": "foot", "in": "inch", "inches": "inch", "yd": "yard", "lb": "pound weight", "lbs": "pound weight",
    "oz": "ounce", "mph": "mile per hour", "miles per hour": "mile per hour", "km/h": "kilometer per hour", "meters": "meter", "metres": "meter",
    "euros": "euro", "€": "euro", "£": "pound", "¥": "yen", "EUR": "euro", "GBP": "pound", "yen": "yen", "cents": "cent", "people": "person", "children": "child",
}  # fmt: skip


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
    last = None
    for last in NUMBER.finditer(ascii_digits(text)):
        pass
    return None if last is None else last[0]
