"""Hub: tasks out of a `datasets` id or folder."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from selftaught.parts import BadInput, nearest, part
from selftaught.shown import reason
from selftaught.tasks.data.columns import Columns, Table, read_table

TIMEOUT = 3.0


@part
@dataclass(frozen=True, kw_only=True)
class Hub(Columns):
    """Tasks of a data set: `openai/gsm8k,config=main,prompt=question`, or a folder made by `save_to_disk`.

    Attributes:
        config: which configuration of the data set.
        split: which of its splits; every split of ours is taken out of that one.
    """

    config: str = ""
    split: str = "train"

    def options(self) -> dict[str, Any]:
        mine = {"config": self.config} if self.config else {}
        return mine | ({"split": self.split} if self.split != "train" else {}) | super().options()

    def table(self) -> Table:
        return load(self.data, self.config, self.split, self.prompt, self.answer)


@contextlib.contextmanager
def asked_once(data: str) -> Iterator[None]:
    """Inside, the hub counts as offline where it did not answer one question soon: what was kept serves, and nothing is asked again."""
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import HfHubHTTPError

    before = constants.HF_HUB_OFFLINE
    try:
        if not before:
            HfApi().dataset_info(data, timeout=TIMEOUT)
    except HfHubHTTPError:
        # it has answered; the loader says what
        pass
    # whatever the network raises
    except Exception:
        constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


@lru_cache(maxsize=16)
def load(data: str, config: str, split: str, prompt: str, answer: str) -> Table:
    """What a data set holds; raises BadInput when it, its split or its columns cannot be had."""
    if not data:
        raise BadInput("no data set given: name one by its id (owner/name) or folder")
    try:
        import datasets
    except ImportError:
        raise BadInput(f"'{data}' is a data-set id, which needs an extra: pip install 'selftaught[datasets]'") from None
    # an error is one line, and what is loaded is told in another
    datasets.disable_progress_bars()
    try:
        # A folder of save_to_disk is not what load_dataset reads.
        saved = any((Path(data) / mark).exists() for mark in ("dataset_info.json", "dataset_dict.json"))
        with contextlib.nullcontext() if Path(data).exists() else asked_once(data):
            found = datasets.load_from_disk(data) if saved else datasets.load_dataset(data, config or None)
    # Loaders raise whatever their format, host and script raise.
    except Exception as error:
        raise BadInput(f"data set '{data}' cannot be loaded ({reason(error)}): check its id, config=NAME, or the network") from None
    if isinstance(found, datasets.DatasetDict):
        if split not in found:
            raise BadInput(f"data set '{data}' has no split '{split}' ({nearest(split, map(str, found))}): write {data},split=NAME")
        found = found[split]
    return read_table(((f"{data}, row {i}", row) for i, row in enumerate(found, 1)), prompt, answer, data)
