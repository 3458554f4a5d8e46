"""Text that a model wrote, made safe to embed and to look at."""

import json
import math
import re
from typing import Any

from markupsafe import Markup

LIMIT = 2_000
SHORTEST = 120
# Written out as it stands, each of these could end the script element, open a comment, or break an older parser's line.
ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
# Characters nobody sees, which reorder, hide or color what stands around them.
HIDDEN = (0x200B, 0x200E, 0x200F, 0x061C, *range(0x2028, 0x202F), *range(0x2060, 0x206A), 0xFEFF, *range(0xE0000, 0xE0080))
SHOWN: dict[int, str] = {code: f"⟨U+{code:04X}⟩" for code in HIDDEN}
SHOWN |= {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\n\t"}
SHOWN |= {0x7F: "␡"} | {code: f"⟨U+{code:04X}⟩" for code in range(0x80, 0xA0)} | {code: "\ufffd" for code in range(0xD800, 0xE000)}
LONE = re.compile("[\ud800-\udfff]")


def visible(text: str) -> str:
    """Text with control, direction and zero-width characters replaced by signs that can be seen."""
    # Nothing printable is in the table, and this test is much quicker than a look at each character.
    return text if text.replace("\n", "").isprintable() else text.translate(SHOWN)


def clean(value: Any) -> Any:
    """JSON data without NaN and infinities, which JSON does not have (null instead)."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(k): clean(v) for k, v in value.items()}
    return [clean(v) for v in value] if isinstance(value, (list, tuple)) else value


def embed(value: Any) -> Markup:
    """JSON that can stand inside a script element."""
    dumped = json.dumps(clean(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character, escape in ESCAPES.items():
        dumped = dumped.replace(character, escape)
    return Markup(LONE.sub("\ufffd", dumped))


class Strings:
    """Each text once; the page refers to it by number. Texts are cut at `LIMIT` characters, and shorter when all of
    them together would take more than `room` bytes.
    """

    def __init__(self, room: int = 5_500_000) -> None:
        self.room, self.limit = room, LIMIT
        self.numbers: dict[tuple[str, int], int] = {}

    def add(self, text: object) -> int:
        """The number of a text."""
        whole = text if isinstance(text, str) else "" if text is None else str(text)
        key = (visible(whole[:LIMIT]), len(whole))
        return self.numbers.setdefault(key, len(self.numbers))

    def table(self) -> list[str]:
        """All texts by number; `limit` says afterwards where they were cut."""
        while self.limit > SHORTEST and len(embed([text[: self.limit] for text, _ in self.numbers]).encode()) > self.room:
            self.limit //= 2
        return [cut(text, whole, self.limit) for text, whole in self.numbers]


def cut(text: str, whole: int, limit: int) -> str:
    """At most `limit` characters (twice that where signs for hidden characters make it longer), and a mark where it is cut."""
    return text if whole <= limit and len(text) <= 2 * limit else f"{text[:limit]}… [cut; {whole:,} characters in all]"
