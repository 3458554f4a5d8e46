"""A fast forward for architectures we know: fused projections, any attention, the module's own parameters.

Llama, Mistral, Qwen2 and Qwen3 are one decoder with small differences. `Family.of` reads a module's structure, and
gives nothing unless the result equals the module's own forward, so a wrong guess costs speed and never correctness.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import embedding, linear, rms_norm, scaled_dot_product_attention

from selftaught.models.language import room
from selftaught.models.language.fusing import LARGE_MODEL, fused_gated, fused_turned, gated, turned
from selftaught.models.language.key_values import Pairs, behind
from selftaught.models.language.log_probabilities import wide
from selftaught.models.language.lora import PROJECTIONS, adapters_of, product, weight_of
from selftaught.models.language.packed import Layer, Packed, by_ready, lengthened, made_ready

KNOWN = ("llama", "mistral", "qwen2", "qwen3")
ROTARY = ("default", "linear", "llama3", "yarn")
# attend(layer, q[..., heads, D], k[..., kv_heads, D], v) -> f[..., heads * D]
Attend = Callable[[int, Tensor, Tensor, Tensor], Tensor]


class Family:
    """A known decoder as pure functions.

    Attributes:
        heads, kv_heads, size: attention heads, key-value heads, width of a head (D).
        scale: of attention scores.
    """

    def __init__(self, causal: Any) -> None:
        """Read the structure of a causal language model; raises AttributeError and its like where it has another."""
        self.causal, self.body, self.config = causal, causal.model, causal.config
        attention = self.body.layers[0].self_attn
        self.heads, self.kv_heads = int(self.config.num_attention_heads), int(self.config.num_key_value_heads)
        self.size, self.scale = int(attention.head_dim), float(attention.scaling)
        self.eps = float(self.config.rms_norm_eps)
        large = causal.num_parameters() >= LARGE_MODEL and next(causal.parameters()).device.type == "cuda"
        self.gated, self.turned = (fused_gated, fused_turned) if large else (gated, turned)
        self._turns = torch.empty(0)

    @classmethod
    def of(cls, module: Any) -> "Family | None":
        """The family of a module, or None when it is not known or does not compute the same."""
        causal = module.get_base_model() if hasattr(module, "get_base_model") else module
        config = causal.config
        rotary = (getattr(config, "rope_parameters", None) or {}).get("rope_type", "default")
        windows = {"full_attention"} != set(getattr(config, "layer_types", None) or ["full_attention"])
        if config.model_type not in KNOWN or rotary not in ROTARY or windows or getattr(config, "sliding_window", None):
            return None
        if config.hidden_act != "silu" or getattr(config, "mlp_bias", False) or hasattr(config, "quantization_config"):
            return None
        try:
            family = cls(causal)
            return family if family.equals_module() else None
        except (AttributeError, RuntimeError, TypeError, ValueError):
            return None

    @torch.inference_mode()
    def equals_module(self) -> bool:
        """Whether logits agree with the module's own forward, up to rounding in the module's precision."""
        p = next(self.causal.parameters())
        vocabulary = int(self.causal.get_output_embeddings().weight.shape[0])
        ids_B_T = (torch.arange(22, device=p.device).reshape(2, 11) * 7919 + 3) % vocabulary
        own = self.causal(input_ids=ids_B_T, use_cache=False).logits.float()
        packed = self.pack(p.dtype)
        mask = torch.ones(11, 11, dtype=torch.bool, device=p.device).tril()
        fast = self.logits(packed, self.hidden(packed, ids_B_T, torch.arange(11, device=p.device).expand(2, 11), self.masked(mask)))
        tolerance = 1e-4 if p.dtype == torch.float32 else 3e-2
        return bool((own - fast).abs().max() <= tolerance * own.abs().max().clamp(min=1.0))

    def pack(self, dtype: torch.dtype) -> Packed:
        """Fuse and cast the parameters as they are now, to be made anew after every change; gradients flow through to them."""
        stream, attended = torch.float32, torch.float32 if next(self.causal.parameters()).device.type == "cpu" else dtype

        def cast(tensor: Tensor, to: torch.dtype) -> Tensor:
            # a module's parameter may come to stand for other weights, the tensor it now holds may not
            return (tensor.view_as(tensor) if torch.is_grad_enabled() else tensor.detach()).to(to)

        def fused(three: Sequence[Tensor], scale: float) -> Tensor:
            q, k, v = three
            return torch.cat([self._paired(q) * scale, self._paired(k), v]).to(dtype)

        layers = []
        for block in self.body.layers:
            a, m = block.self_attn, block.mlp
            normed = hasattr(a, "q_norm")
            scale, three = 1.0 if normed else self.scale, (a.q_proj, a.k_proj, a.v_proj)
            layers.append(
                Layer(
                    before=cast(block.input_layernorm.weight, stream),
                    qkv=fused([weight_of(p) for p in three], scale),
                    qkv_bias=fused([p.bias for p in three], scale) if a.q_proj.bias is not None else None,
                    q_norm=cast(self._paired(a.q_norm.weight) * self.scale, attended) if normed else None,
                    k_norm=cast(self._paired(a.k_norm.weight), attended) if normed else None,
                    out=cast(weight_of(a.o_proj), dtype),
                    out_bias=cast(a.o_proj.bias, dtype) if a.o_proj.bias is not None else None,
                    after=cast(block.post_attention_layernorm.weight, stream),
                    gate_up=torch.cat([weight_of(m.gate_proj), weight_of(m.up_proj)]).to(dtype),
                    down=cast(weight_of(m.down_proj), dtype),
                )
            )
        head = weight_of(self.causal.get_output_embeddings())
        table = cast(self.causal.get_input_embeddings().weight, self.causal.get_input_embeddings().weight.dtype)
        last = cast(head, attended)
        return Packed(dtype, attended, table, tuple(layers), cast(self.body.norm.weight, stream), last, made_ready(last, room.LEAST_ROWS))

    def pack_adapted(self, dtype: torch.dtype) -> Packed | None:
        """The same with merged adapters, through which alone gradients flow; None where more or less is trained than those."""
        if sum(p.requires_grad for p in self.causal.parameters()) != 2 * PROJECTIONS * len(self.body.layers):
            return None
        try:
            adapters = [adapters_of(block, self._paired, self.scale) for block in self.body.layers]
        except (AttributeError, ValueError):
            return None
        with torch.no_grad():
            packed = self.pack(dtype)
        layers = tuple(replace(layer, adapters=of) for layer, of in zip(packed.layers, adapters, strict=True))
        return replace(packed, layers=layers, ready=None)

    def hidden(self, packed: Packed, ids: Tensor, at: Tensor, attend: Attend) -> Tensor:
        """Normed last hidden states [..., H] of tokens ids i64[...] at positions at i64[...]."""
        dtype, shape, n = packed.dtype, ids.shape, ids.numel()
        turns = self._turns_to(int(self.config.max_position_embeddings), ids.device)[at].unsqueeze(-2)
        turns = turns if self.turned is turned else torch.view_as_real(turns)
        rows = room.product_rows(n, dtype, ids.device)
        x = embedding(lengthened(ids.flatten(), rows), packed.table).float()
        for i, w in enumerate(packed.layers):
            of_qkv, of_out, of_gate, of_up, of_down = w.adapters
            h = rms_norm(x, x.shape[-1:], w.before, self.eps).to(dtype)
            qkv = product(h, w.qkv, w.qkv_bias, of_qkv)[:n].to(packed.attended).view(*shape, -1, self.size)
            qk, v = qkv[..., : -self.kv_heads, :], qkv[..., -self.kv_heads :, :]
            if w.q_norm is not None and w.k_norm is not None:
                q, k = qk[..., : self.heads, :], qk[..., self.heads :, :]
                qk = torch.cat([rms_norm(q, (self.size,), w.q_norm, self.eps), rms_norm(k, (self.size,), w.k_norm, self.eps)], -2)
            qk = self.turned(qk, turns)
            o = attend(i, qk[..., : self.heads, :], qk[..., self.heads :, :], v).reshape(n, -1)
            x = x + product(lengthened(o.to(dtype), rows), w.out, w.out_bias, of_out)
            h = rms_norm(x, x.shape[-1:], w.after, self.eps).to(dtype)
            if torch.is_grad_enabled():
                # apart, so that their gradients need not be joined
                gate, up = (product(h, part, None, one) for part, one in zip(w.gate_up.chunk(2), (of_gate, of_up), strict=True))
            else:
                gate, up = linear(h, w.gate_up).chunk(2, -1)
            x = x + product(self.gated(gate, up), w.down, None, of_down)
        return rms_norm(x[:n], x.shape[-1:], packed.norm, self.eps).view(*shape, -1)

    def logits(self, packed: Packed, hidden: Tensor) -> Tensor:
        """f32[..., V]."""
        n = hidden.numel() // hidden.shape[-1]
        if packed.ready is None or not 0 < n <= room.LARGE_PRODUCT:
            return wide(hidden, packed.head)
        # a product is compiled for each number of rows, and kept
        rows = lengthened(hidden.reshape(n, -1).float(), room.few_sizes(n))
        return by_ready(rows, packed.ready)[:n].view(*hidden.shape[:-1], -1)

    def masked(self, mask: Tensor | None, pairs: Pairs = ()) -> Attend:
        """Attention of rows [B, T] over `pairs` and themselves under a mask bool[(B, 1,) T, T]; without one, over what came before."""

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            return self.attention(q.transpose(1, 2), *behind(pairs, layer, k.transpose(1, 2), v.transpose(1, 2), mask))

        return attend

    def attention(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
        """f[B, T, heads * D] of q [B, heads, T, D], k and v [B, kv_heads, C, D], under a mask bool[(B, 1,) T, C] (None: causal)."""
        several = self.heads // self.kv_heads
        given: dict[str, Any] = {"attn_mask": mask, "is_causal": mask is None, "scale": 1.0}
        if q.device.type != "cuda":
            return scaled_dot_product_attention(q, k, v, enable_gqa=several > 1, **given).transpose(1, 2).flatten(-2)
        # cuDNN's kernel makes a plan for every new shape, which takes longer than the attention of a whole step
        with sdpa_kernel([SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]):
            if mask is not None:
                # the kernel that takes a mask knows no groups of heads
                k, v = (x.repeat_interleave(several, 1) if several > 1 else x for x in (k, v))
            return scaled_dot_product_attention(q, k, v, enable_gqa=mask is None and several > 1, **given).transpose(1, 2).flatten(-2)

    def _paired(self, rows: Tensor) -> Tensor:
        """Rows of a projection with the two halves of each head interleaved, so that rotating is one complex product.

        Scores do not notice: queries and keys are reordered alike.
        """
        halves = rows.view(-1, 2, self.size // 2, *rows.shape[1:]).transpose(1, 2)
        return halves.reshape(rows.shape)

    def _turns_to(self, length: int, device: torch.device) -> Tensor:
        """complex64[length, D / 2]: e^(i angle) of each position, with the architecture's own frequencies and scale."""
        if len(self._turns) < length or self._turns.device != device:
            at = torch.arange(length, device=device)[None]
            with torch.no_grad():
                cos, sin = self.body.rotary_emb(torch.zeros(1, device=device, dtype=torch.float32), at)
            half = self.size // 2
            self._turns = torch.complex(cos[0, :, :half].float(), sin[0, :, :half].float())
        return self._turns
