"""What weights are, as a hash: equal for models that compute the same, whatever file or adapter they came from."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor


def tensors_hash(named: Iterable[tuple[str, Tensor]], *about: Any) -> str:
    """32 hexadecimal digits of names, dtypes, shapes and bytes of tensors, and of JSON-ready facts beside them."""
    digest = hashlib.blake2b(json.dumps(about, sort_keys=True, default=str).encode(), digest_size=16)
    for name, tensor in sorted(named, key=lambda item: item[0]):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def module_tensors(module: Any, lora: bool, adapted: bool) -> list[tuple[str, Tensor]]:
    """Parameters and buffers by the names they have without an adapter; the adapter's own only where `adapted`."""
    found = []
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        own = "lora_" in name
        if not lora or not own:
            found.append((name.removeprefix("base_model.model.").replace(".base_layer.", ".") if lora else name, tensor))
        elif adapted:
            found.append((name, tensor))
    return found


def language_facts(module: Any, tokenizer: Any, ends: Iterable[int]) -> dict[str, Any]:
    """What else decides a language model's text: its configuration and how it reads and writes tokens."""
    config = {
        k: v for k, v in module.config.to_dict().items() if k not in ("_name_or_path", "transformers_version", "dtype", "torch_dtype")
    }
    facts = {"vocabulary": tokenizer.get_vocab(), "template": getattr(tokenizer, "chat_template", None)}
    return {"config": config, "special": tokenizer.special_tokens_map, "ends": sorted(ends), **facts}
