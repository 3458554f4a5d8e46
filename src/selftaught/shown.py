"""Shown: text that others wrote, as a terminal can be given it. Everything that is printed is printed here."""

import sys
from unicodedata import category

from selftaught.keys import without_keys


def visible(text: str, lines: bool = True) -> str:
    r"""Text in which every character that could steer a terminal, hide, or turn others around is spelled out.

    Args:
        text: from anywhere.
        lines: keep line breaks; else they are spelled out too.

    >>> visible("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    # Nearly all text is printable, and this test is much quicker than a look at each character.
    if (text.replace("\n", "") if lines else text).isprintable():
        return text
    return "".join(c if c.isprintable() or category(c) == "Zs" or (lines and c == "\n") else spelled(c) for c in text)


def spelled(character: str) -> str:
    """The escape of a character, four spaces for a tab."""
    return "    " if character == "\t" else character.encode("unicode_escape").decode()


def one_line(text: str, most: int = 200) -> str:
    """Text as one line, for a place inside a sentence: spaces squeezed, the middle of a long one left out."""
    line = visible(" ".join(text.split()), lines=False)
    return line if len(line) <= most else f"{line[: most // 2]} ... {line[-most // 2 :]}"


def reason(error: BaseException, most: int = 200) -> str:
    """The first line of what an error says, and of one word alone its kind, too."""
    line = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return (line if " " in line else f"{type(error).__name__} {line}".strip())[:most]


def tell(*lines: object, error: bool = False, end: str = "\n", before: str = "") -> None:
    """Print lines for people, without keys; a line break that a line holds is spelled out, so that nobody but us begins a line.

    Args:
        lines: what to print.
        error: print to standard error instead of standard output.
        end: sent as it is, behind.
        before: sent as it is, in front.
    """
    text = "\n".join(visible(without_keys(str(line)), lines=False) for line in lines)
    print(f"{before}{text}", file=sys.stderr if error else sys.stdout, end=end, flush=True)
