"""What the learner asks of a language model: log-probabilities, entropies and hidden states of sequences."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from selftaught.models.language.forward import Forward, runs_of
from selftaught.models.language.key_values import standing
from selftaught.models.language.packed import Packed
from selftaught.models.microbatch import sampled_of, sequences_of
from selftaught.models.outputs import parse_output, refuse_unknown
from selftaught.models.weights import Weights
from selftaught.types import Example


class TokenOutputs:
    """Outputs over tokens, unpadded; see `learner.Outputs`. Heads lie over the last hidden states."""

    below = "hidden"

    def __init__(self, forward: Forward, weights: Weights, dtype: torch.dtype) -> None:
        """`dtype` is that of the fast forward's matrix products."""
        self.forward, self.weights, self.dtype = forward, weights, dtype

    def refuse_unknown(self, names: Sequence[str], heads: Collection[str]) -> None:
        """See `outputs.refuse_unknown`."""
        refuse_unknown(names, heads)

    def micro_batches(self, examples: Sequence[Example], limit: int) -> Iterator[list[int]]:
        """Runs of at most `limit` distinct tokens. Raises BadInput for what is not tokens."""
        sequences, parts = sequences_of(examples)
        return runs_of(sequences, limit, parts)

    def fused(self) -> Packed | None:
        """The fast forward's weights; None where there is none, or where it does not know the adapters that are trained."""
        family, adapted = self.forward.family, self.weights.lora and torch.is_grad_enabled()
        if family is None:
            return None
        return family.pack_adapted(self.dtype) if adapted else family.pack(self.dtype)

    def compute(
        self, examples: Sequence[Example], names: Sequence[str], batch: Mapping[str, Any], reads: Sequence[str], fused: Any,
        key: Sequence[int], weights: str,
    ) -> dict[str, Tensor]:  # fmt: skip
        """Outputs f[N] ("hidden" f[N,H]); log-probabilities where a token was sampled or a stream is not 0."""
        wanted_N = sampled_of(examples, next(self.weights.module.parameters()).device)
        for name in reads:
            wanted_N |= batch[name].flatten(1).ne(0).any(-1) if batch[name].ndim > 1 else batch[name].ne(0)
        sequences, _ = sequences_of(examples)
        asked = [parse_output(name) for name in names]
        # log-probabilities of the ids in a stream, by the stream they are in
        ids_at = {output.name: batch[output.argument].long() for output in asked if output.base == "logprobs@"}
        scored = any(output.predicted for output in asked)
        wanted_N = wanted_N if scored else torch.zeros_like(wanted_N)
        return self.forward.outputs(sequences, wanted_N, names, fused, ids_at, standing(self.weights, weights))
