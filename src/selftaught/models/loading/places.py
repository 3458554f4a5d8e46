"""Where a model lies: a folder here or on the hub, and what its files say before any weights are read."""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from selftaught.parts import BadInput
from selftaught.shown import reason

TIMEOUT = 3.0
CONFIGS = ("config.json", "adapter_config.json")
WEIGHTS = ("model*.safetensors", "model.safetensors.index.json", "pytorch_model*.bin", "pytorch_model.bin.index.json")
TOKENIZERS = ("tokenizer.json", "tokenizer_config.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model")


@dataclass(frozen=True, kw_only=True)
class Place:
    """A model that was found.

    Attributes:
        target: what transformers is asked for: a folder, or a hub id while the hub answers.
        name: what an adapter trained on it calls it, so that it is found from any folder.
        folder: where its small files lie.
        adapter: it is a PEFT adapter, to be put onto a base.
    """

    target: str
    name: str
    folder: Path
    adapter: bool


def find_place(where: str) -> Place:
    """Where a word leads.

    Raises:
        BadInput: in one line, for a folder or hub id that is not there, is no model, or would run code of its own.
    """
    path = Path(where).expanduser()
    if path.is_dir():
        target, name, folder = str(path), str(path.resolve()), path
    elif path.is_absolute() or where.startswith((".", "~")) or where.count("/") > 1 or path.exists():
        raise BadInput(f"there is no model folder or run '{where}'")
    else:
        folder, answers = on_hub(where)
        if answers and not (folder / "config.json").is_file():
            from huggingface_hub import snapshot_download

            folder = Path(snapshot_download(where, allow_patterns=["adapter_*", "*token*", "vocab*", "merges.txt", "*.jinja"]))
        target, name = where if answers else str(folder), where
    if not any((folder / name).is_file() for name in CONFIGS):
        other = next((file.name for file in sorted(folder.glob("*.gguf"))), "")
        mend = f"give the file in it, {path / other}" if other else "give a transformers model folder or a hub id"
        raise BadInput(f"'{where}' has no config.json: {mend}")
    adapter = (folder / "adapter_config.json").is_file()
    held = [file.name for pattern in WEIGHTS for file in sorted(folder.glob(pattern))]
    if adapter and held and path.is_dir():
        raise BadInput(f"'{where}' holds an adapter (adapter_config.json) and a whole model ({held[0]}): keep one of them in the folder")
    if held and path.is_dir() and not any("safetensors" in name for name in held):
        raise BadInput(
            f"'{where}' holds pickled weights alone ({held[0]}), which are never read, as they can run code: save it again with safetensors"
        )
    check_files(where, folder, adapter)
    return Place(target=target, name=name, folder=folder, adapter=adapter)


@lru_cache
def on_hub(name: str) -> tuple[Path, bool]:
    """(folder of a hub model's small files, whether the hub answers); what was kept before serves when it does not.

    Raises:
        BadInput: within a few seconds, for a name the hub does not know, or when it cannot be reached and nothing was kept.
    """
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_download, hf_hub_url, try_to_load_from_cache
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, HFValidationError
    from huggingface_hub.utils._validators import validate_repo_id

    try:
        validate_repo_id(name)
    except HFValidationError as error:
        raise BadInput(f"'{name}' is no folder here and no hub id ({reason(error)}): give owner/name, or a folder") from None
    problem = "HF_HUB_OFFLINE is set"
    if not constants.HF_HUB_OFFLINE:
        try:
            for file in CONFIGS:
                try:
                    # asked once and briefly: a download would ask for a minute, in 25 lines
                    get_hf_file_metadata(hf_hub_url(name, file), timeout=TIMEOUT)
                    return Path(hf_hub_download(name, file)).parent, True
                except EntryNotFoundError:
                    continue
            raise BadInput(f"'{name}' on the hub has no config.json: give a causal language model in transformers format")
        except HfHubHTTPError as error:
            raise BadInput(f"'{name}' is no folder here and no model on the hub ({reason(error)}): check the name") from None
        except BadInput:
            raise
        except Exception as error:  # whatever the network raises
            problem = reason(error)
    for file in CONFIGS:
        if isinstance(kept := try_to_load_from_cache(name, file), str):
            return Path(kept).parent, False
    raise BadInput(f"'{name}' is no folder here and the hub cannot be reached ({problem}): give a folder, or connect once to keep it")


def read_json(where: str, file: Path) -> dict[str, Any]:
    """A file's object, empty when there is no file; raises BadInput when it is none."""
    try:
        found = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    except (ValueError, OSError, RecursionError) as error:
        raise BadInput(f"'{where}': {file.name} is no JSON ({reason(error)}): copy it again") from None
    if not isinstance(found, dict):
        raise BadInput(f"'{where}': {file.name} holds no JSON object: copy it again")
    return found


def check_files(where: str, folder: Path, adapter: bool) -> None:
    """Raises BadInput for code that comes with a model, and for an end of text that is no token id."""
    for name in ("config.json", "tokenizer_config.json"):
        if read_json(where, folder / name).get("auto_map"):
            raise BadInput(
                f"'{where}' comes with code of its own (auto_map in {name}), which is never run: "
                "take auto_map out if transformers has the architecture itself, else convert the model"
            )
    for name in () if adapter else ("config.json", "generation_config.json"):
        given = read_json(where, folder / name).get("eos_token_id")
        for end in given if isinstance(given, list) else [given]:
            if end is not None and (isinstance(end, bool) or not isinstance(end, int) or end < 0):
                raise BadInput(f"'{where}': eos_token_id in {name} is {end!r}, and a token's number is needed{number_of(folder, end)}")


def number_of(folder: Path, token: Any) -> str:
    """What to write in a token's place."""
    try:
        core = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
        ids = {t["content"]: t["id"] for t in core.get("added_tokens", [])} | dict(core["model"]["vocab"])
        return f": write {ids[token]}"
    except (OSError, ValueError, KeyError, TypeError):
        return ": write its id, or null if nothing ends a text"
