"""The cache of dequantized GGUF files: one transformers folder each, whole or not there.

An entry is written aside and renamed when it is whole, and its files are summed up at every opening, so a damaged one
is made again. Where the cache folder cannot be written, the folder is temporary and nothing else changes.
"""

import hashlib
import json
import os
import shutil
import tempfile
import zlib
from importlib.metadata import version
from pathlib import Path
from typing import Any

from selftaught.parts import BadInput

FORMAT = 2
EDGE = 64 << 20


def key(file: Path) -> str:
    """Name of a file's entry: from its size, time and edges (all of it up to 128 MiB), and from what converts it."""
    about = file.stat()
    digest = hashlib.blake2b(digest_size=16)
    with file.open("rb") as held:
        digest.update(held.read(EDGE))
        held.seek(max(held.tell(), about.st_size - EDGE))
        digest.update(held.read(EDGE))
    later = about.st_mtime_ns if about.st_size > 2 * EDGE else 0
    try:
        made = [version("transformers"), version("gguf")]
    except ImportError:
        made = []
    digest.update(json.dumps([FORMAT, about.st_size, later, made]).encode())
    return digest.hexdigest()


def whole(entry: Path) -> bool:
    """Whether an entry is there and its files are what was written."""
    try:
        written = json.loads((entry / "sums.json").read_text())
        return bool(written) and all(sum_of(entry / name) == sums for name, sums in written.items())
    except (OSError, ValueError, AttributeError):
        return False


def sum_of(file: Path) -> list[int]:
    """[bytes, CRC-32]: enough against damage, and quicker than a hash."""
    total = size = 0
    with file.open("rb") as held:
        while part := held.read(1 << 22):
            total, size = zlib.crc32(part, total), size + len(part)
    return [size, total]


def saved(module: Any, tokenizer: Any, tokens: int, entry: Path) -> tuple[Path, Path]:
    """(folder to open, folder to delete afterwards): the entry, or a temporary folder where the cache cannot take it."""
    from safetensors import SafetensorError

    problem: Exception | None = None
    for parent in (entry.parent, Path(tempfile.gettempdir())):
        aside = parent
        try:
            parent.mkdir(parents=True, exist_ok=True)
            aside = Path(tempfile.mkdtemp(prefix=f"{entry.name}.", dir=parent))
            module.save_pretrained(aside)
            tokenizer.save_pretrained(aside)
            keep_tokens(aside / "tokenizer.json", tokens)
            return keep(aside, entry), aside
        except (OSError, SafetensorError) as error:
            problem = error
            if aside != parent:
                shutil.rmtree(aside, ignore_errors=True)
    raise BadInput(f"there is no room for the dequantized weights ({problem}): set SELFTAUGHT_CACHE to a folder on a larger disk")


def keep(aside: Path, entry: Path) -> Path:
    """Give a folder its name in the cache, in the place of a damaged one; the folder itself where that cannot be."""
    (aside / "sums.json").write_text(json.dumps({file.name: sum_of(file) for file in sorted(aside.iterdir())}))
    if aside.parent != entry.parent:
        return aside
    if entry.exists() and not whole(entry):
        shutil.rmtree(entry, ignore_errors=True)
    try:
        os.rename(aside, entry)
    except OSError:
        # another process was quicker
        return entry if whole(entry) else aside
    return entry


def keep_tokens(file: Path, tokens: int) -> None:
    """Take out of a tokenizer what transformers added to the file's own tokens, as GPT-2's <|endoftext|>."""
    core = json.loads(file.read_text(encoding="utf-8"))
    core["added_tokens"] = [token for token in core["added_tokens"] if not tokens or token["id"] < tokens]
    file.write_text(json.dumps(core, ensure_ascii=False), encoding="utf-8")
