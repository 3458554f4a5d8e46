"""How much is computed at a time: a processor's caches are small, an accelerator wants to be filled and has no more to give."""

from typing import Any

import torch

ROWS, CUDA_ROWS, LEAST_ROWS = 256, 1024, 64
TOKENS, CUDA_TOKENS, LEAST_TOKENS = 1024, 32768, 256
LOGITS, LOGIT_BYTES = 2**28, 32
LEAST_PRODUCT, SIZES_AN_OCTAVE, LARGE_PRODUCT = 16, 4, 256
PREFIX_BYTES, CUDA_PREFIX_BYTES = 2**27, 2**31


def rows(device: torch.device) -> int:
    """Attempts decoded together."""
    return CUDA_ROWS if device.type == "cuda" else ROWS


def prefix_bytes(device: torch.device) -> int:
    """Bytes of keys and values that are remembered."""
    return CUDA_PREFIX_BYTES if device.type == "cuda" else PREFIX_BYTES


def tokens(device: torch.device, vocabulary: int) -> int:
    """Tokens of a scoring or learning micro-batch; where logits are kept, they are the largest tensors there are."""
    cuda = device.type == "cuda"
    logits = torch.cuda.mem_get_info(device)[0] // LOGIT_BYTES if cuda else LOGITS
    return max(LEAST_TOKENS, min(CUDA_TOKENS if cuda else TOKENS, logits // vocabulary))


def rows_that_fit(device: torch.device, module: Any, dtype: torch.dtype, longest: int, most: int) -> int:
    """How many rows of `longest` tokens have room for keys and values in a third of what an accelerator has free."""
    if device.type != "cuda":
        return most
    text = module.config.get_text_config(decoder=True)
    heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
    size = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    token = 2 * text.num_hidden_layers * heads * size * dtype.itemsize
    free = torch.cuda.mem_get_info(device)[0] + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return max(1, min(most, int(free // (3 * token * longest))))


def product_rows(n: int, dtype: torch.dtype, device: torch.device) -> int:
    """Rows of a matrix product that n rows are computed in: on a processor a bfloat16 one comes in few sizes."""
    return few_sizes(n) if dtype == torch.bfloat16 and device.type == "cpu" else n


def few_sizes(n: int) -> int:
    """The least of few sizes that holds n rows, for products that are compiled for each number of rows, and kept.

    They are fewer where gradients take two more products each.
    """
    fine = n <= LARGE_PRODUCT and not torch.is_grad_enabled()
    step = max(LEAST_PRODUCT, (1 << n.bit_length() - 1) // SIZES_AN_OCTAVE) if fine else LARGE_PRODUCT
    return (n + step - 1) // step * step
