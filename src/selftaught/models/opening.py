"""Opening a transformers folder or hub id: module, tokenizer and where they live, or one clear line."""

import warnings
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.pytorch_utils import Conv1D
from transformers.utils import logging

from selftaught.models import gguf
from selftaught.models.fusing import LARGE_MODEL
from selftaught.parts import BadInput


def pick_device(device: str) -> torch.device:
    """The device a name means; "auto" takes CUDA, then MPS, then the CPU. Raises BadInput for one that is not there."""
    have = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if device == "auto":
        return torch.device(next(name for name in ("cuda", "mps", "cpu") if have[name]))
    if not have.get(device.split(":")[0], False):
        raise BadInput(f"device={device} is not available here: use auto or {', '.join(name for name, there in have.items() if there)}")
    return torch.device(device)


def pick_dtype(dtype: str, device: torch.device, parameters: int) -> torch.dtype:
    """The precision a name means; "auto" is bfloat16 for a large model on CUDA, else float32. Raises BadInput for an unknown name."""
    known = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    known["auto"] = known["bfloat16" if device.type == "cuda" and parameters >= LARGE_MODEL else "float32"]
    if dtype not in known:
        raise BadInput(f"unknown dtype '{dtype}': known: {', '.join(known)}")
    return known[dtype]


def first_line(error: BaseException) -> str:
    """The first line of an error that says something."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def check_folder(where: str) -> str:
    """What transformers should be asked for; raises BadInput for a folder that is missing or no model."""
    folder = Path(where).expanduser()
    if folder.is_dir():
        if not any((folder / name).is_file() for name in ("config.json", "adapter_config.json")):
            raise BadInput(f"'{where}' has no config.json: give a transformers model folder or a hub id")
        return str(folder)
    if folder.is_absolute() or where.startswith((".", "~")) or where.count("/") > 1 or folder.exists():
        raise BadInput(f"there is no model folder '{where}'")
    return where


def load(where: str, device: str, adapter: str) -> tuple[Any, Any]:
    """(module, tokenizer) of a causal language model, in evaluation mode, on its device.

    Weights are float32, except for LoRA on an accelerator, where the frozen base keeps its own precision. A PEFT
    adapter folder is merged into its base.

    Raises:
        BadInput: in one line, when anything is missing or cannot be loaded.
    """
    # a bar for every folder read or written would bury the run's own progress
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    place = pick_device(device)
    if file := gguf.gguf_file(where):
        with gguf.as_folder(file) as folder:
            module, tokenizer = load(str(folder), device, adapter)
        # what an adapter names as its base must be found again when the cache is gone
        module.name_or_path = module.config.name_or_path = where if where in gguf.PACKAGED else str(file)
        return module, tokenizer
    target = check_folder(where)
    dtype = "auto" if adapter and place.type != "cpu" else torch.float32
    try:
        tokenizer = AutoTokenizer.from_pretrained(target)
    except Exception as error:  # transformers raises a dozen kinds here, all of them about the folder
        raise BadInput(f"'{where}' has no tokenizer that loads: {first_line(error)}") from None
    try:
        if (Path(target) / "adapter_config.json").is_file() and not (Path(target) / "config.json").is_file():
            from peft import AutoPeftModelForCausalLM

            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)
                module = AutoPeftModelForCausalLM.from_pretrained(target, dtype=dtype).merge_and_unload()
        else:
            module = AutoModelForCausalLM.from_pretrained(target, dtype=dtype)
    except Exception as error:  # likewise
        raise BadInput(f"'{where}' cannot be loaded as a causal language model: {first_line(error)}") from None
    return module.to(place).eval(), tokenizer


def with_lora(module: Any, seed: int, rank: int = 16) -> Any:
    """The module with a LoRA adapter (arXiv:2106.09685) on every linear layer but the output, drawn from a seed."""
    from peft import LoraConfig, get_peft_model

    transposed = any(isinstance(m, Conv1D) for m in module.modules())
    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM", fan_in_fan_out=transposed)
    with torch.random.fork_rng(), warnings.catch_warnings():
        # PEFT asks transformers for names it will drop
        warnings.simplefilter("ignore", FutureWarning)
        torch.manual_seed(seed)
        return get_peft_model(module, config).eval()


def end_ids(module: Any) -> set[int]:
    """Ids the model's own configuration ends a text with."""
    found: set[int] = set()
    for config in (getattr(module, "generation_config", None), module.config):
        ids = getattr(config, "eos_token_id", None)
        found |= set(ids) if isinstance(ids, (list, tuple)) else {ids} if ids is not None else set()
        if found:
            break
    return found
