"""Units behind a number, one spelling each, and factors said in words."""

import re


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
        "not",
    ]
)
UNITS = {
    "m": "meter",
    "g": "gram",
    "s": "second",
    "h": "hour",
    "L": "liter",
    "l": "liter",
    "cm": "centimeter",
    "mm": "millimeter",
    "km": "kilometer",
    "kg": "kilogram",
    "mg": "milligram",
    "ml": "milliliter",
    "min": "minute",
    "mins": "minute",
    "sec": "second",
    "secs": "second",
    "hr": "hour",
    "hrs": "hour",
    "ft": "foot",
    "feet": "foot",
    "in": "inch",
    "inches": "inch",
    "yd": "yard",
    "lb": "pound weight",
    "lbs": "pound weight",
    "oz": "ounce",
    "mph": "mile per hour",
    "miles per hour": "mile per hour",
    "km/h": "kilometer per hour",
    "meters": "meter",
    "euros": "euro",
    "€": "euro",
    "£": "pound",
    "¥": "yen",
    "EUR": "euro",
    "GBP": "pound",
    "yen": "yen",
    "cents": "cent",
    "people": "person",
    "children": "child",
}
