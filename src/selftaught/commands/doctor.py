"""`selftaught doctor`: what this machine has, and whether everything works."""

import importlib.util
import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version

from selftaught.shown import tell

EXTRAS = {"gym": "reasoning_gym", "datasets": "datasets", "tables": "sklearn"}


@dataclass(kw_only=True)
class Options:
    """Check this machine."""


def run(options: Options) -> int:
    """Check this machine; exit code 1 when something needed is missing."""
    ok = True
    for name, good, note in examine():
        tell(f"{'ok ' if good else 'NO '} {name}: {note}")
        ok = ok and good
    return 0 if ok else 1


def examine() -> Iterator[tuple[str, bool, str]]:
    """(what, whether it is as it should be, a note) for everything a run leans on."""
    yield "python", True, f"{platform.python_version()} on {platform.machine()}, {os.cpu_count()} cores"
    import torch

    where = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "MPS" if torch.backends.mps.is_available() else "CPU"
    yield "torch", True, f"{torch.__version__}, {where}, {torch.get_num_threads()} threads"
    for name in ("transformers", "peft", "safetensors", "scipy"):
        yield (
            name,
            importlib.util.find_spec(name) is not None,
            version(name) if importlib.util.find_spec(name) else "missing: pip install selftaught",
        )
    for extra, module in EXTRAS.items():
        there = importlib.util.find_spec(module) is not None
        yield f"extra {extra}", True, "installed" if there else f"not installed: pip install 'selftaught[{extra}]'"
    from selftaught import api
    from selftaught.jobs.job import SPROUT
    from selftaught.recipes import ASKING
    from selftaught.sandbox import KINDS, found

    kind, why = found()
    without = "answers that run as code are refused unless --unsafe-checkers is given"
    yield "sandbox", True, KINDS[kind] + (f" ({why})" if why else "") + (f"; {without}" if kind == "none" else "")
    yield "sprout", (SPROUT / "model.safetensors").exists(), str(SPROUT)
    if (SPROUT / "model.safetensors").exists():
        reply = api.solve("Add 3+4.", recipe=ASKING)
        yield "a question", True, f"Add 3+4. -> {reply['answer']}"
