"""A saved generation as a folder: weights and states with a hash of every file, so that a damaged one is known by name."""

import hashlib
from pathlib import Path
from typing import Any

from selftaught.parts import BadInput
from selftaught.protocols import Model
from selftaught.run.files import read_json, sync, write_json
from selftaught.shown import reason

# The oldest version whose generations can be gone on from.
OLDEST = 3
HASHES = "hashes.json"
ANOTHER = "take another generation, or go on with `improve --resume --out RUN`, which makes it again"


def hash_of(file: Path) -> str:
    """Content hash of a file."""
    found = hashlib.blake2b(digest_size=16)
    with file.open("rb") as held:
        while piece := held.read(1 << 22):
            found.update(piece)
    return found.hexdigest()


def seal_off(folder: Path) -> None:
    """Write the hash of every file below a folder into it, and wait until all of them are on the disk."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in files:
        # what was written whole is there already
        if path.name != "state.json":
            sync(path)
    write_json(folder / HASHES, {str(path.relative_to(folder)): hash_of(path) for path in files})


def check_whole(folder: Path) -> None:
    """Refuse a generation that is not what was saved; one without hashes is known only when it is loaded.

    Raises:
        BadInput: names the folder or the file that is missing or damaged.
    """
    if not (folder / "state.json").exists():
        raise BadInput(f"{folder / 'state.json'} is missing: {ANOTHER}")
    if not (folder / HASHES).exists():
        return
    for name, written in read_json(folder / HASHES, ANOTHER, listed).items():
        path = folder / name
        if not path.is_file():
            raise BadInput(f"{path} is missing: {ANOTHER}")
        if hash_of(path) != written:
            raise BadInput(f"{path} is damaged: {ANOTHER}")


def listed(value: Any) -> dict[str, str]:
    """The value as hashes by file; raises ValueError where the one file that every generation has is not among them."""
    if "state.json" not in value:
        raise ValueError("it does not name the files of a generation")
    return dict(value)


async def load_whole(folder: Path, model: Model, checked: bool = False) -> dict[str, Any]:
    """Load a generation's weights into a model; returns its snapshot.

    Raises:
        BadInput: it is missing, damaged, another model's or another version's.
    """
    if not checked:
        check_whole(folder)
    saved: dict[str, Any] = read_json(folder / "state.json", ANOTHER, lambda value: {**value}, oldest=OLDEST)
    try:
        await model.load(folder)
    except (BadInput, MemoryError):
        raise
    except Exception as error:
        # What a library says of a file it cannot read depends on the file and the library.
        raise BadInput(f"{folder} cannot be loaded ({reason(error)}): {ANOTHER}") from error
    return saved
