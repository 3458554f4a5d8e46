"""Forward passes over a causal language model: unpadded, with logits only where they are read."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

ROW_TOKENS = 128


def picked_logits(module: Any, pick: Callable[[Tensor], Tensor], **inputs: Any) -> tuple[Tensor, Tensor]:
    """The module's own forward, but with its output layer applied to `pick(hidden_B_T_H)` alone.

    Hooking the output layer leaves whatever an architecture does to its logits (soft caps, scales) in place.

    Returns:
        logits of the picked positions, and the last hidden states hidden_B_T_H.
    """
    caught: list[Tensor] = []

    def before_head(_: Any, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        caught.append(args[0])
        return (pick(args[0]), *args[1:])

    handle = module.get_output_embeddings().register_forward_pre_hook(before_head)
    try:
        logits = module(**inputs).logits
    finally:
        handle.remove()
    return logits, caught[0]


def flat_positions(at_K: Tensor, hidden_B_T_H: Tensor) -> Tensor:
    """Hidden states f[K,H] at positions of the flattened batch."""
    return hidden_B_T_H.flatten(0, 1)[at_K]


def rows_of(lengths: Sequence[int], packed: bool) -> list[list[list[int]]]:
    """Batches of rows of sequence indices: one batch of rows of even length, or a batch per length if not packed.

    Rows are no longer than they must be, as attention's cost grows with the square of a row.
    """
    if not packed:
        return [[[i] for i, n in enumerate(lengths) if n == length] for length in sorted(set(lengths))]
    rows: list[list[int]] = [[] for _ in range(-(-sum(lengths) // max(ROW_TOKENS, *lengths)))]
    filled = [0] * len(rows)
    for i in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        row = filled.index(min(filled))
        rows[row].append(i)
        filled[row] += lengths[i]
    return [[row for row in rows if row]]


def token_outputs(module: Any, sequences: Sequence[Tensor], wanted_N: Tensor, names: Sequence[str], packed: bool) -> dict[str, Tensor]:
    """Outputs over the N items of all sequences, end to end, in order.

    Args:
        module: a transformers causal language model.
        sequences: i64[T] each, on the module's device; all non-empty.
        wanted_N: where log-probabilities (and entropies) are computed; elsewhere, and at first items, they are 0.
        names: of "logprobs", "entropy"; "hidden" f32[N,H] is always there.
        packed: whether several sequences may share a row.
    """
    lengths, device = [len(s) for s in sequences], sequences[0].device
    starts = [0]
    for length in lengths:
        starts.append(starts[-1] + length)
    total = starts.pop()
    ids_N = torch.cat(list(sequences))
    wanted_N = wanted_N.clone()
    wanted_N[starts] = False
    origin, hidden, targets = [], [], []
    scores: dict[str, list[Tensor]] = {name: [] for name in names if name in ("logprobs", "entropy")}
    for rows in rows_of(lengths, packed):
        width = max(sum(lengths[i] for i in row) for row in rows)
        ids_B_T = torch.zeros(len(rows), width, dtype=torch.long, device=device)
        positions_B_T = torch.arange(width, device=device).repeat(len(rows), 1)
        spots = []
        for r, row in enumerate(rows):
            at = 0
            for i in row:
                ids_B_T[r, at : at + lengths[i]] = sequences[i]
                positions_B_T[r, at : at + lengths[i]] = torch.arange(lengths[i], device=device)
                spots.append(torch.arange(lengths[i], device=device) + r * width + at)
                origin.append(torch.arange(starts[i], starts[i] + lengths[i], device=device))
                at += lengths[i]
            positions_B_T[r, at:] = torch.arange(width - at, device=device)
        spots_M, origin_M = torch.cat(spots), torch.cat(origin[-len(spots) :])
        wanted_M = wanted_N[origin_M]
        predictor_K, target_K = spots_M[wanted_M] - 1, origin_M[wanted_M]
        pick = partial(flat_positions, predictor_K)
        logits_K_V, hidden_B_T_H = picked_logits(module, pick, input_ids=ids_B_T, position_ids=positions_B_T, use_cache=False)
        hidden.append(hidden_B_T_H.flatten(0, 1)[spots_M])
        targets.append(target_K)
        if "logprobs" in scores:
            scores["logprobs"].append(-cross_entropy(logits_K_V.float(), ids_N[target_K], reduction="none"))
        if "entropy" in scores:
            logp_K_V = logits_K_V.float().log_softmax(-1)
            scores["entropy"].append(-(logp_K_V.exp() * logp_K_V).sum(-1))
    order_N = torch.cat(origin).argsort()
    found = {"hidden": torch.cat(hidden)[order_N].float()}
    for name, values in scores.items():
        found[name] = torch.zeros(total, device=device).index_put((torch.cat(targets),), torch.cat(values))
    return found


def can_pack(module: Any) -> bool:
    """Whether sequences that share a row, told apart by their positions, leave each other alone in this architecture."""
    device = next(module.parameters()).device
    sequences = [torch.arange(1, n + 1, device=device) for n in (5, 3, 7)]
    wanted_N = torch.ones(15, dtype=torch.bool, device=device)
    with torch.inference_mode():
        try:
            together, apart = (token_outputs(module, sequences, wanted_N, (), packed)["hidden"] for packed in (True, False))
        except (RuntimeError, ValueError, TypeError, IndexError):
            return False
    tolerance = 1e-4 if next(module.parameters()).dtype == torch.float32 else 3e-2
    return bool((together - apart).abs().max() <= tolerance * apart.abs().max().clamp(min=1.0))


def by_tokens(lengths: Sequence[int], limit: int) -> Iterator[list[int]]:
    """Consecutive indices in runs of at most `limit` tokens (a longer item makes a run of its own)."""
    run: list[int] = []
    held = 0
    for i, length in enumerate(lengths):
        if run and held + length > limit:
            yield run
            run, held = [], 0
        run.append(i)
        held += length
    if run:
        yield run
