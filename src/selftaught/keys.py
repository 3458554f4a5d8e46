"""Keys: passwords and tokens are neither said nor written down, whether they stand in an address, an option or the environment."""

import os
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

STARS = "***"
SECRET = r"(?:token(?![si])|secret|passw|api_?key|access_?key|credential|signature)"
# Names of places, which are no keys.
PLACE = re.compile(r"(PATH|FILE|DIR)$")
# Shorter values of the environment are switches.
SHORTEST = 8
USER = re.compile(r"(?<=://)[^/\s@\"'\\]+(?=@)")
QUERY = re.compile(rf"(?i)(?<=[?&;,:])([\w.-]*{SECRET}[\w.-]*=)[^&\s,;\"'\\]+")
SHAPES = re.compile(r"\b(?:hf_\w{20,}|sk-[\w-]{16,}|gh[pousr]_\w{20,}|AKIA[0-9A-Z]{16})\b")


def without_keys(text: str) -> str:
    """Text with stars where an address has a user, a value is called a token or the like, or the environment holds it as a key.

    >>> without_keys("https://me:word@host/x?token=abc")
    'https://***@host/x?token=***'
    """
    text = SHAPES.sub(STARS, USER.sub(STARS, QUERY.sub(rf"\g<1>{STARS}", text)))
    for value in of_the_environment():
        text = text.replace(value, STARS)
    return text


def of_the_environment() -> Iterator[str]:
    """Values of variables whose names say that they are keys."""
    for name in os.environ:
        if is_of_a_key(name) and len(value := os.environ.get(name, "")) >= SHORTEST:
            yield value


# Asked for every line that is printed; names are few.
@cache
def is_of_a_key(name: str) -> bool:
    """Whether the name of a variable says that it holds a key."""
    return bool(re.search(SECRET, name, re.IGNORECASE)) and not PLACE.search(name)


def options_with_keys(options: Mapping[str, Any]) -> list[str]:
    """Names of the options among whose texts is a key."""
    return [name for name, value in options.items() if any(without_keys(text) != text for text in texts_in(value))]


def texts_in(value: Any) -> Iterator[str]:
    """Every text inside JSON-ready data, and the pairs of objects as `, name=value`, which is how options are written."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from (f",{key}={inner}",) if isinstance(inner, str) else texts_in(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from texts_in(inner)
