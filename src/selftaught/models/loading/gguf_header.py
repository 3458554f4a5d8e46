"""What a GGUF file says about itself, read in a tenth of a second and without its weights.

Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (versions 2 and 3).
"""

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

from selftaught.parts import BadInput

MAGIC = b"GGUF"
# struct codes of the fixed-size value types; 8 is a text, 9 an array
FIXED = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
TEXT, ARRAY = 8, 9


@dataclass(frozen=True, kw_only=True)
class Stored:
    """One tensor of the file: elements, ggml type, and where its bytes begin after the table."""

    elements: int
    type: int
    offset: int


@dataclass(frozen=True, kw_only=True)
class Header:
    """Values by key (of an array of texts only how many there are), tensors by name, where their bytes begin."""

    values: dict[str, Any]
    tensors: dict[str, Stored]
    start: int

    @property
    def architecture(self) -> str:
        """As llama.cpp names it."""
        return str(self.values.get("general.architecture", ""))

    def own(self, key: str) -> Any:
        """A value under the architecture's own prefix, None when there is none."""
        return self.values.get(f"{self.architecture}.{key}")

    def end(self, path: Path) -> int:
        """Bytes the file must have at least; raises BadInput for a type of weights that is not known."""
        from gguf import GGML_QUANT_SIZES

        sizes = {int(kind): size for kind, size in GGML_QUANT_SIZES.items()}
        ends = [self.start]
        for name, t in self.tensors.items():
            if t.type not in sizes:
                raise BadInput(f"'{path}' stores {name} in a way gguf does not know (type {t.type}): pip install --upgrade gguf")
            block, size = sizes[t.type]
            ends.append(self.start + t.offset + t.elements // block * size)
        return max(ends)


def read_header(path: Path) -> Header:
    """The header of a file; raises BadInput when it has none, or only a part of one."""
    with path.open("rb") as file:
        if file.read(4) != MAGIC:
            raise BadInput(f"'{path}' is no GGUF file, whatever its name says: it does not begin with the four letters GGUF")
        with mmap(file.fileno(), 0, access=ACCESS_READ) as blob:
            try:
                return Reader(blob).header(path)
            except (struct.error, UnicodeDecodeError, KeyError, IndexError, MemoryError, OverflowError):
                raise BadInput(f"'{path}' is cut off or damaged within its header: copy or download it again") from None


class Reader:
    """Walks the bytes of a header once."""

    def __init__(self, blob: mmap) -> None:
        self.blob, self.at = blob, 4

    def header(self, path: Path) -> Header:
        """All of it; raises BadInput for a version that is not known."""
        version, tensors, values = self.take("IQQ")
        if version not in (2, 3):
            raise BadInput(f"'{path}' is GGUF of version {version}, and versions 2 and 3 are read: convert it anew with llama.cpp")
        held = {}
        for _ in range(values):
            key = self.text()
            held[key] = self.value(self.take("I")[0])
        table = dict(self.entries(tensors))
        every = int(held.get("general.alignment") or 32)
        return Header(values=held, tensors=table, start=-(-self.at // every) * every)

    def entries(self, count: int) -> Iterator[tuple[str, Stored]]:
        """The table of tensors."""
        for _ in range(count):
            name = self.text()
            (axes,) = self.take("I")
            shape = self.take(f"{axes}Q")
            kind, offset = self.take("IQ")
            yield name, Stored(elements=math.prod(shape), type=kind, offset=offset)

    def take(self, codes: str) -> tuple[Any, ...]:
        """The next numbers."""
        found = struct.unpack_from(f"<{codes}", self.blob, self.at)
        self.at += struct.calcsize(f"<{codes}")
        return found

    def text(self) -> str:
        """The next text."""
        (length,) = self.take("Q")
        self.at += length
        if self.at > len(self.blob):
            raise IndexError
        return self.blob[self.at - length : self.at].decode()

    def value(self, kind: int) -> Any:
        """The next value of a type."""
        if kind == TEXT:
            return self.text()
        if kind != ARRAY:
            return self.take(FIXED[kind])[0]
        inner, count = self.take("IQ")
        if inner in FIXED:
            return list(self.take(f"{count}{FIXED[inner]}"))
        for _ in range(count):
            self.value(inner)
        return count
