"""English words: the list that a rule checks replies against, and the few that questions show.

The list is SCOWL's English and American words of sizes 10 to 35 (http://wordlist.aspell.net), without names and marks, of
up to nine letters and, where they are frequent, more. Its notice:

    Copyright 2000-2011 by Kevin Atkinson. Permission to use, copy, modify, distribute and sell these word lists, the
    associated scripts, the output created from the scripts, and its documentation for any purpose is hereby granted
    without fee, provided that the above copyright notice appears in all copies and that both that copyright notice and
    this permission notice appear in supporting documentation. Kevin Atkinson makes no representations about the
    suitability of this array for any purpose. It is provided "as is" without express or implied warranty.
"""

import gzip
import re
from collections import Counter
from functools import lru_cache
from pathlib import Path

LIST = Path(__file__).with_name("english.txt.gz")
# Words that questions show: concrete and frequent.
CONCRETE = (
    "apple arm baby ball bank barn bath beach bear bed bell bird boat bone book bottle box boy brain bread bridge brother brush bus "
    "butter button cake camera candle car card castle cat chair cheese child church circle city clock cloud coat coffee coin corn cow "
    "cup dance desk dinner doctor dog door dream dress drum duck ear egg engine eye family farm farmer father field finger fire fish "
    "flag floor flower foot forest fork friend frog fruit game garden girl glass glove goat gold grass hair hammer hand hat heart hill "
    "honey horse hotel house ice iron island jacket key king kitchen knife ladder lake lamp leaf leg lemon letter lion market meal milk "
    "mirror money monkey moon morning mother mountain mouse music nail neck nest night nose ocean office orange oven page paint paper "
    "park path pencil person phone piano picture pig pillow planet plant plate pocket pond queen rabbit rain ring river road rock roof "
    "room root rose sailor salt sand school sea seed sheep ship shirt shoe silver sister sky snake snow soap sock song soup spoon "
    "spring star stone storm story street sugar summer sun table tail teacher ticket tiger tooth tower town toy train tree truck uncle "
    "valley village voice wall water wave wheel wind window wine winter wolf woman wood wool world yard"
)
SHOWN = tuple(CONCRETE.split())
COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
SMALL = ("a", "an", "and", "i", "in", "is", "it", "of", "on", "or", "that", "the", "to", "you")
ENDINGS = re.compile(r"(?:n't|'(?:s|m|re|ll|ve|d)|s')$")


@lru_cache(maxsize=1)
def english() -> frozenset[str]:
    """Every word of the list; a line of the file is a word and what longer ones add to it."""
    lines = [line.split() for line in gzip.decompress(LIST.read_bytes()).decode().splitlines()]
    return frozenset(head + tail for head, *tails in lines for tail in ("", *tails)) | {"i", "won", "can"}


@lru_cache(maxsize=16)
def of_length(length: int) -> tuple[str, ...]:
    """The words of so many letters, sorted."""
    return tuple(sorted(word for word in english() if len(word) == length))


@lru_cache(maxsize=1)
def shortest_first() -> tuple[str, ...]:
    """Every word of four letters or more, those that questions show before the others, short before long."""
    return (*SHOWN, *sorted((word for word in english() - {*SHOWN} if len(word) > 3), key=lambda word: (len(word), word)))


def known(word: str) -> bool:
    """Whether a word, in any case and with an ending such as n't or 's, is on the list."""
    word = word.lower().replace("\u2019", "'")
    stem = ENDINGS.sub("", word)
    return word in english() or (stem != word and (stem in english() or stem in ("ca", "wo")))


def spelled(text: str, most: int = 40) -> list[str]:
    """The words of a reply in lower case, without what stands around them; empty when one is none or there are too many.

    Numbers of a list (`1.`) and the marks of a sentence or list are left out, whatever else is no English word spoils it.
    """
    pieces = re.sub(r"(?:^|\s)(?:\d{1,2}[.)]|[-*\u2022])(?=\s)", " ", text).replace(",", " ").split()
    words = [piece.strip("\"'*_.!?;:()\u201c\u201d\u2018\u2019").lower() for piece in pieces]
    words = [word for word in words if word]
    return words if words and len(words) <= most and all(map(known, words)) else []


def varied(words: list[str], most: int = 1) -> bool:
    """Whether no word occurs more than `most` times, where sentences may have several of the smallest words."""
    return all(count <= (4 if most > 1 and word in SMALL else most) for word, count in Counter(words).items())


def one_sentence(text: str) -> bool:
    """Whether nothing follows a mark that ends a sentence."""
    return not re.search(r"[.!?;:]+[\"']?\s+\S", text)
