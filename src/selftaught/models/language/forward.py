"""Forward passes over a causal language model: unpadded, shared beginnings once, logits only where they are read."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers.cache_utils import DynamicCache

from selftaught.models.language.fast import Family
from selftaught.models.language.key_values import Pairs, filled_cache
from selftaught.models.language.layout import Batch, costs, lay_out
from selftaught.models.language.log_probabilities import picked
from selftaught.models.language.packed import Packed
from selftaught.models.outputs import Output, parse_output
from selftaught.types import Ints


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


class Forward:
    """What computes outputs over sequences: a module's own forward, or the fast one of its family.

    Attributes:
        packed: sequences may share a row, told apart by their positions.
        sharing: sequences may share their beginning, told apart by a mask.
        family: the fast forward, or None.
    """

    def __init__(self, module: Any, family: Family | None = None) -> None:
        """Try what this architecture allows; a way that does not give the plain one's outputs is not taken."""
        self.module, self.family = module, family
        self.packed = self.sharing = False
        self.packed = self._same(packed=True, sharing=False)
        self.sharing = self.packed and plain_attention(module) and self._same(packed=True, sharing=True)

    def outputs(
        self, sequences: Sequence[Ints], wanted_N: Tensor, names: Collection[str], packed: Packed | None = None,
        ids_at: Mapping[str, Tensor] | None = None, pairs: Pairs = (),
    ) -> dict[str, Tensor]:  # fmt: skip
        """Outputs over the N items of all sequences, end to end, in order.

        Args:
            sequences: token ids i32[T], all non-empty.
            wanted_N: where log-probabilities (and entropies) are computed; elsewhere, and at first items, they are 0.
            names: of "logprobs" f32[N], "entropy" f32[N], "top:K" f32[N,K] with "top:K/ids" i64[N,K], and "hidden" f32[N,H];
                others are not its own.
            packed: the family's weights; None takes the module's own forward.
            pairs: what stands before every sequence.
            ids_at: further outputs by name, the log-probabilities f32[N,K] of these ids i64[N,K].
        """
        device = wanted_N.device
        ids_N = torch.from_numpy(np.concatenate(sequences).astype(np.int64)).to(device)
        wanted_N = wanted_N.clone()
        wanted_N[np.cumsum([0, *map(len, sequences)])[:-1]] = False
        at = ids_at or {}
        asked = [output for output in map(parse_output, dict.fromkeys((*names, *at))) if output.predicted]
        scores: dict[str, list[Tensor]] = {output.name: [] for output in asked}
        hidden, order, targets = [], [], []
        fast = packed is not None
        # the module's own forward tells sequences of a row apart only where nothing stands before them
        for rows in lay_out(sequences, fast or (self.packed and not pairs), fast or (self.sharing and not pairs)):
            items_M, spots_M = (torch.from_numpy(a).to(device) for a in (rows.items_M, rows.spots_M))
            wanted_M = wanted_N[items_M]
            target_K = items_M[wanted_M]
            # what predicts an item is the one before it in its sequence, which may stand elsewhere in the batch
            predictor_K = spots_M[(wanted_M.nonzero()[:, 0] - 1)]
            hidden_B_T_H, logits_of = self._hidden(rows, predictor_K, device, packed, pairs)
            if "hidden" in names:
                hidden.append(hidden_B_T_H.flatten(0, 1)[spots_M])
                order.append(items_M)
            targets.append(target_K)
            if packed is not None and scores.keys() == {"logprobs"}:
                scores["logprobs"].append(picked(hidden_B_T_H.flatten(0, 1)[predictor_K], packed.head, ids_N[target_K]))
            elif scores:
                logp_K_V = logits_of().float().log_softmax(-1)
                for output in asked:
                    for name, values in predicted(output, logp_K_V, ids_N[target_K], at.get(output.name, ids_N)[target_K]):
                        scores.setdefault(name, []).append(values)
        found = {"hidden": torch.cat(hidden)[torch.cat(order).argsort()].float()} if hidden else {}
        for name, chunks in scores.items():
            whole = torch.cat(chunks)
            found[name] = whole.new_zeros(len(ids_N), *whole.shape[1:]).index_put((torch.cat(targets),), whole)
        return found

    def _hidden(
        self, rows: Batch, predictor_K: Tensor, device: torch.device, packed: Packed | None, pairs: Pairs
    ) -> tuple[Tensor, Callable[[], Tensor]]:
        """Hidden states of a batch, and how to get the logits at flattened positions."""
        ids_B_T, at_B_T = (torch.from_numpy(a).to(device) for a in (rows.ids_B_T, rows.at_B_T))
        at_B_T = at_B_T + (pairs[0][0].shape[1] if pairs else 0)
        seen = torch.from_numpy(rows.seen_B_T_T)[:, None].to(device) if rows.seen_B_T_T is not None else None
        if packed is not None and self.family is not None:
            family, fast = self.family, self.family.hidden(packed, ids_B_T, at_B_T, self.family.masked(seen, pairs))
            return fast, lambda: family.logits(packed, fast.flatten(0, 1)[predictor_K])
        given = {"input_ids": ids_B_T, "position_ids": at_B_T, "use_cache": False}
        if pairs:
            given |= {
                "past_key_values": filled_cache(DynamicCache(config=self.module.config), self.module, pairs, len(ids_B_T)),
                "use_cache": True,
            }
        if seen is not None:
            dtype = next(self.module.parameters()).dtype
            given["attention_mask"] = torch.zeros(seen.shape, dtype=dtype, device=device).masked_fill(~seen, torch.finfo(dtype).min)
        logits, hidden = picked_logits(self.module, partial(flat_positions, predictor_K), **given)
        return hidden, lambda: logits

    def _same(self, packed: bool, sharing: bool) -> bool:
        """Whether a way of laying sequences out gives what each gives by itself, in the module's own forward."""
        p = next(self.module.parameters())
        sequences = [np.array(ids, np.int32) for ids in ((1, 2, 3, 4, 5), (1, 2, 3), (1, 2, 3, 7, 8, 9, 10), (4, 4))]
        wanted_N = torch.ones(17, dtype=torch.bool, device=p.device)
        with torch.inference_mode():
            apart = self.outputs(sequences, wanted_N, ("hidden",))["hidden"]
            kept = self.packed, self.sharing
            self.packed, self.sharing = packed, sharing
            try:
                together = self.outputs(sequences, wanted_N, ("hidden",))["hidden"]
            except (RuntimeError, ValueError, TypeError, IndexError):
                return False
            finally:
                self.packed, self.sharing = kept
        tolerance = 1e-4 if p.dtype == torch.float32 else 3e-2
        return bool((together - apart).abs().max() <= tolerance * apart.abs().max().clamp(min=1.0))


def predicted(output: Output, logp_K_V: Tensor, ids_K: Tensor, at_K: Tensor) -> Iterator[tuple[str, Tensor]]:
    """An output of the distributions f32[K,V] that predicted tokens i64[K]: names and values; at_K are the ids it asks about."""
    if output.base == "logprobs":
        yield output.name, logp_K_V.gather(-1, ids_K[:, None])[:, 0]
    elif output.base == "entropy":
        yield output.name, -(logp_K_V.exp() * logp_K_V).sum(-1)
    elif output.base == "top":
        largest = logp_K_V.topk(min(output.largest, logp_K_V.shape[-1]), -1)
        yield from ((output.name, largest.values), (f"{output.name}/ids", largest.indices))
    else:
        yield output.name, logp_K_V.gather(-1, at_K)


def plain_attention(module: Any) -> bool:
    """Whether every layer looks at all that came before, so that one mask serves all of them."""
    config = module.config.get_text_config(decoder=True)
    return set(getattr(config, "layer_types", None) or ["full_attention"]) == {"full_attention"} and not getattr(
        config, "sliding_window", None
    )


def runs_of(sequences: Sequence[Ints], limit: int, parts: Sequence[int] | None = None) -> Iterator[list[int]]:
    """Consecutive indices in runs of at most `limit` distinct tokens (a longer item makes a run of its own).

    Items are sequences, or with `parts` that many consecutive ones each. A beginning shared with the sequence before
    counts once.
    """
    cost, at = costs(sequences), 0
    run: list[int] = []
    held = 0
    for i, n in enumerate(parts if parts is not None else [1] * len(sequences)):
        added = sum(cost[at : at + n])
        if run and held + added > limit:
            yield run
            run, held = [], 0
            added = sum(map(len, sequences[at : at + 1])) + sum(cost[at + 1 : at + n])
        run.append(i)
        held += added
        at += n
    if run:
        yield run
