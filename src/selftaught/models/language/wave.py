"""A wave of sample requests: contexts rendered, draws made of them, attempts made of what came."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from selftaught.decoding import second_question
from selftaught.models.language.draws import Draw, Drawn
from selftaught.models.language.render import Renderer
from selftaught.parts import BadInput
from selftaught.types import Attempt, SampleRequest, Tokens


@dataclass(frozen=True, slots=True)
class Wave:
    """What turns requests into draws, and what was drawn into attempts.

    Attributes:
        renderer: renders contexts and reads ids.
        draw: says what named weights say after contexts, in the order asked.
        limit, held: most tokens of a sequence; how many places of it named weights take.
        vocabulary, generation: width of the logits; version of the policy.
    """

    renderer: Renderer
    draw: Callable[[str, Sequence[Draw]], Sequence[Drawn]]
    limit: int
    held: Callable[[str], int]
    vocabulary: int
    generation: int

    def sample(self, requests: Sequence[SampleRequest]) -> list[list[Attempt]]:
        """`n` attempts a request, in the order asked; a context that cannot be rendered or does not fit gives stop "error".

        Raises:
            BadInput: for a context with a token the model has no embedding for.
        """
        found: list[dict[int, Attempt]] = [{} for _ in requests]
        waves: dict[str, list[tuple[int, int, Draw]]] = {}
        for r, request in enumerate(requests):
            context, error = self.context(request)
            if error:
                found[r] = {i: self.attempt(request, i, context, "", [], [], False, error) for i in range(request.n)}
                continue
            beside, error = self.beside(request)
            if error:
                found[r] = {i: self.attempt(request, i, context, "", [], [], False, error) for i in range(request.n)}
                continue
            over_V, noise = self.renderer.ending(request.settings.stop, self.vocabulary), request.noise or request.key
            limit = min(request.settings.max_tokens, self.room(request) - max(len(context), len(beside)))
            for i in range(request.n):
                draw = Draw(
                    context=context, settings=request.settings, limit=limit, noise=f"{noise}/{i}", over_V=over_V,
                    id=f"{request.key}/{i}", parent=request.after.id if request.after else "", remember=request.remember,
                    decoder=request.decoder, beside=beside,
                )  # fmt: skip
                waves.setdefault(request.weights, []).append((r, i, draw))
        for name, wave in waves.items():
            drawn = self.draw(name, [draw for _, _, draw in wave])
            texts = self.renderer.texts([ids[: len(ids) - (bool(ids) and ids[-1] in self.renderer.ends)] for ids, *_ in drawn])
            for (r, i, draw), came, text in zip(wave, drawn, texts, strict=True):
                found[r][i] = self.attempt(requests[r], i, draw.context, text, *came)
        return [[attempts[i] for i in sorted(attempts)] for attempts in found]

    def context(self, request: SampleRequest) -> tuple[tuple[int, ...], str]:
        """(the ids a request starts from, why nothing can follow them); "" where something can."""
        try:
            context = self.renderer.context(request.messages, request.after, request.cut)
        except BadInput as error:
            return (), str(error)
        if not context:
            return context, "the context is empty"
        if (largest := max(context)) >= self.vocabulary:
            token = self.renderer.tokenizer.convert_ids_to_tokens(largest)
            raise BadInput(f"a prompt has the token {token!r}, and the model no embedding for it: take it out of the prompt")
        full = f"a context of {len(context)} tokens leaves no room in the model's {self.room(request)}"
        return context, full if len(context) >= self.room(request) else ""

    def room(self, request: SampleRequest) -> int:
        """Most tokens of a sequence under a request's weights."""
        return self.limit - self.held(request.weights)

    def beside(self, request: SampleRequest) -> tuple[tuple[int, ...], str]:
        """(the ids of a second context that a decoder asks for, why nothing can follow them)."""
        messages = second_question(request.decoder, request.messages)
        if messages and request.after is not None:
            raise BadInput(f"decoder '{request.decoder.name}' compares two questions, and {request.key} continues an attempt: leave it out")
        return self.context(replace(request, messages=messages)) if messages else ((), "")

    def attempt(
        self, request: SampleRequest, index: int, context: tuple[int, ...], text: str, ids: list[int],
        logprobs: list[float], ended: bool, error: str = "",
    ) -> Attempt:  # fmt: skip
        """The attempt that sampled `ids` after `context`; what a continued attempt knew of its tokens is kept."""
        after, start, size = request.after, len(context), len(context) + len(ids)
        ids_T, sampled_T, logprobs_T = np.zeros(size, np.int32), np.zeros(size, np.bool_), np.zeros(size, np.float32)
        ids_T[:start], ids_T[start:] = context, ids
        sampled_T[start:], logprobs_T[start:] = True, logprobs
        fork = None
        if after is not None:
            fork = len(after.payload.ids[: request.cut])
            # what the renderer put in place of a role was not sampled
            sampled_T[:fork] = after.payload.sampled[:fork] & (ids_T[:fork] == after.payload.ids[:fork])
            logprobs_T[:fork] = after.payload.logprobs[:fork] * sampled_T[:fork]
        return Attempt(
            id=f"{request.key}/{index}", task=request.task.id, payload=Tokens(ids=ids_T, sampled=sampled_T, logprobs=logprobs_T),
            text=text, messages=self.renderer.history(request.messages, after, request.cut), role=request.role,
            view=request.view, sampler=request.weights, settings=request.settings, generation=self.generation,
            stop="error" if error else "end" if ended else "length", parents=(after.id,) if after else (), fork=fork, error=error,
        )  # fmt: skip
