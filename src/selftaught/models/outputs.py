"""Names of what a model can be asked to compute over tokens, some with an argument.

logprobs, entropy     f32[T]    of the distribution that predicted each token, 0 at the first
top:K, top:K/ids      f32[T,K]  the K largest log-probabilities of that distribution, largest first, and i32[T,K] their ids
logprobs@STREAM       f32[T,K]  log-probabilities of the ids in a stream; for losses
hidden                f32[T,H]  last hidden states after each token
hidden:mean           f32[H]    their mean over the items asked for, and hidden:last, the last of them
NAME                  f32[T]    a head on them, f32[T,D] for one of width D
"""

from collections.abc import Iterable
from typing import NamedTuple

from selftaught.parts import BadInput, nearest

PREDICTED = ("logprobs", "entropy", "top", "logprobs@")
POOLED = ("mean", "last")
MOST = 1024


class Output(NamedTuple):
    """A name taken apart.

    Attributes:
        name: as it was asked for.
        base: "logprobs", "entropy", "top", "logprobs@", "hidden" or a head.
        argument: what stands behind it, "" for nothing.
    """

    name: str
    base: str
    argument: str

    @property
    def predicted(self) -> bool:
        """Whether it is of the distribution that predicted a token, and not of what comes after it."""
        return self.base in PREDICTED

    @property
    def keys(self) -> tuple[str, ...]:
        """The names under which a reply has it."""
        return (self.name, f"{self.name}/ids") if self.base == "top" else (self.name,)

    @property
    def largest(self) -> int:
        """K of `top:K`."""
        return int(self.argument)


def parse_output(name: str) -> Output:
    """A name taken apart; raises BadInput for an argument that is none."""
    if "@" in name:
        base, _, argument = name.partition("@")
        if base != "logprobs" or not argument:
            raise BadInput(f"output '{name}': write logprobs@STREAM")
        return Output(name, "logprobs@", argument)
    base, colon, argument = name.partition(":")
    if base == "top" and not (argument.isdecimal() and 1 <= int(argument) <= MOST):
        raise BadInput(f"output '{name}': write top:K, with K from 1 to {MOST}")
    if base == "hidden" and colon and argument not in POOLED:
        raise BadInput(f"output '{name}': {nearest(argument, POOLED)}")
    if colon and base not in ("top", "hidden"):
        raise BadInput(f"output '{name}' takes no argument: leave out ':{argument}'")
    return Output(name, base, argument)


def capability(name: str) -> str:
    """What a model must be able to do for an output: its base, logits for those that need all of them."""
    base = parse_output(name).base
    return "logits" if base in ("top", "logprobs@") else base


def heads_among(names: Iterable[str]) -> list[str]:
    """Those that are heads."""
    return [name for name in names if (output := parse_output(name)).base not in (*PREDICTED, "hidden") and not output.argument]


def refuse_unknown(names: Iterable[str], heads: Iterable[str]) -> None:
    """Raises BadInput for an output that a language model with these heads does not give."""
    for name in heads_among(names):
        if name not in heads:
            known = ("logprobs", "entropy", "hidden", "top:K", "logprobs@STREAM", *heads)
            raise BadInput(f"a language model gives no '{name}': known outputs: {', '.join(known)}")
