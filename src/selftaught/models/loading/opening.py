"""Opening a transformers folder or hub id: module, tokenizer and where they live, or one clear line."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from logging import CRITICAL
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
from transformers.pytorch_utils import Conv1D
from transformers.utils import logging

from selftaught.models.language.fusing import LARGE_MODEL
from selftaught.models.loading import adapters, gguf
from selftaught.models.loading import fit as fits
from selftaught.models.loading.places import TOKENIZERS, Place, find_place
from selftaught.parts import BadInput
from selftaught.shown import reason


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
    if known[dtype] is torch.bfloat16 and device.type == "cpu" and slow_bfloat16():
        warnings.warn("bfloat16 is slow here: this processor has no instructions for it; float32 is several times as fast", stacklevel=2)
    return known[dtype]


def slow_bfloat16() -> bool:
    """Whether this processor surely lacks products in bfloat16."""
    return torch.backends.cpu.get_cpu_capability() in ("DEFAULT", "AVX2")


def load(where: str, device: str, adapter: str) -> tuple[Any, Any]:
    """(module, tokenizer) of a causal language model, in evaluation mode, on its device.

    Weights are float32, except for LoRA on an accelerator, where the frozen base keeps its own precision. A PEFT
    adapter is merged into its base and takes the base's tokenizer unless it has its own.

    Raises:
        BadInput: in one line, when anything is missing, does not fit the rest or cannot be loaded.
    """
    place = pick_device(device)
    dtype = "auto" if adapter and place.type != "cpu" else torch.float32
    with quiet():
        module, tokenizer = opened(where, dtype)
        fits.check_tokenizer(where, tokenizer, int(module.get_input_embeddings().weight.shape[0]), end_ids(module))
        module = module.to(place).eval()
        fits.check_sense(where, module)
    return module, tokenizer


def opened(where: str, dtype: Any, depth: int = 0) -> tuple[Any, Any]:
    """(module, tokenizer) of a GGUF file, a folder, a hub id or an adapter on any of these."""
    if file := gguf.gguf_file(where):
        with gguf.as_folder(file) as folder:
            module, tokenizer = opened(str(folder), dtype)
        # what an adapter names as its base must be found again when the cache is gone
        module.name_or_path = module.config.name_or_path = where if where in gguf.PACKAGED else str(file)
        return module, tokenizer
    place = find_place(where)
    if place.adapter:
        module, tokenizer = on_base(place, dtype, depth)
    else:
        tokenizer = tokenizer_of(place.target, where)
        try:
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                place.target, dtype=dtype, output_loading_info=True, ignore_mismatched_sizes=True,
                trust_remote_code=False, use_safetensors=True,
            )  # fmt: skip
        except Exception as error:  # transformers raises a dozen kinds here, all of them about the folder
            raise BadInput(f"'{where}' cannot be loaded as a causal language model: {reason(error)}: save it there again") from None
        module, found = loaded
        fits.check_weights(where, found)
    module.name_or_path = module.config.name_or_path = place.name
    return module, tokenizer


def on_base(place: Place, dtype: Any, depth: int) -> tuple[Any, Any]:
    """(module, tokenizer) of an adapter merged into the base it names."""
    base = check_adapter(place, depth)
    try:
        module, tokenizer = opened(base, dtype, depth + 1)
    except BadInput as error:
        raise adapters.no_base(place, base, error) from None
    module = adapters.merged(place, module)
    own = any((place.folder / name).is_file() for name in TOKENIZERS)
    return module, tokenizer_of(str(place.folder), place.name) if own else tokenizer


def check_adapter(place: Place, depth: int = 0) -> str:
    """The base an adapter names; raises BadInput, before any weights are read, when it is missing or has other modules."""
    if depth > 8:
        raise BadInput(f"'{place.name}' is an adapter whose base leads back to itself: mend {adapters.WHERE}")
    base = adapters.base_of(place)
    if gguf.gguf_file(base):
        return base
    try:
        under = find_place(base)
        config = None if under.adapter else AutoConfig.from_pretrained(under.target, trust_remote_code=False)
    except (BadInput, OSError, ValueError, KeyError) as error:
        raise adapters.no_base(place, base, reason(error)) from None
    if under.adapter:
        check_adapter(under, depth + 1)
        return base
    adapters.check_names(place, config)
    return base


def check(where: str) -> None:
    """Raises BadInput for a model that cannot be opened, as far as this shows without reading weights."""
    if not gguf.gguf_file(where) and (place := find_place(where)).adapter:
        with quiet():
            check_adapter(place)


def tokenizer_of(target: str, where: str) -> Any:
    """The tokenizer of a folder or hub id; raises BadInput when it has none."""
    try:
        return AutoTokenizer.from_pretrained(target, trust_remote_code=False)
    except Exception as error:  # likewise
        raise BadInput(f"'{where}' has no tokenizer that loads: {reason(error)}: save it there with tokenizer.save_pretrained") from None


@contextmanager
def quiet() -> Iterator[None]:
    """Say nothing of what transformers reports in tables and bars: what matters is refused, in one line."""
    # a bar for every folder read or written would bury the run's own progress
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    before = logging.get_verbosity()
    logging.set_verbosity(CRITICAL)
    try:
        yield
    finally:
        logging.set_verbosity(before)


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
