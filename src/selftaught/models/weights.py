"""Named weights: one live module, and copies of its trainable parameters by name."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from selftaught.models.loading.fit import check_weights
from selftaught.models.loading.opening import quiet
from selftaught.parts import BadInput
from selftaught.shown import reason

State = dict[str, Tensor]


class Weights:
    """The live module ("policy"), what it began as ("start"), and copies under any other name.

    A copy holds the trainable parameters (all of them, or with LoRA the adapter's) and, with `buffers`, the buffers.
    "start" is the base with the adapter disabled, or a copy that is made just before the first change. A name nothing was
    written to yet reads as the policy: it can be copied from, and folding it into the policy changes nothing.

    Attributes:
        module: the live transformers model (or PEFT model).
        lora: only the adapter is trained.
        buffers: copies hold buffers too (running means, queues), which average as parameters do.
        copies: name -> what a copy holds, by name.
        prefixes: name -> a module of key-value pairs that stand before the policy's contexts; "a+b" is both.
    """

    def __init__(self, module: Any, lora: bool, buffers: bool = False) -> None:
        self.module, self.lora, self.buffers = module, lora, buffers
        self.copies: dict[str, State] = {}
        self.prefixes: dict[str, Any] = {}

    def before(self, name: str) -> list[Any]:
        """The prefixes that a name stands for, in order; none for a name of the model's own weights."""
        names = name.split("+")
        return [self.prefixes[one] for one in names] if all(one in self.prefixes for one in names) else []

    def parameters(self) -> dict[str, torch.nn.Parameter]:
        """Trainable parameters of the live module by name, tied ones once."""
        return {name: p for name, p in self.module.named_parameters() if p.requires_grad}

    def held(self) -> dict[str, Tensor]:
        """What a copy is of, in the live module."""
        return {**self.parameters(), **(dict(self.module.named_buffers()) if self.buffers else {})}

    @contextmanager
    def use(self, name: str) -> Iterator[None]:
        """Let the live module stand for named weights; in-place changes inside go to those weights."""
        if name == "start" and self.lora:
            with self.module.disable_adapter():
                yield
            return
        copy = self.copies.get(name) if name != "policy" else None
        if copy is None:
            yield
            return
        live = self.held()
        kept = {key: p.data for key, p in live.items()}
        try:
            for key, p in live.items():
                p.data = copy[key]
            yield
        finally:
            for key, p in live.items():
                p.data = kept[key]

    def state(self, name: str) -> Mapping[str, Tensor]:
        """The tensors of named weights themselves, not copies of them."""
        if name == "start" and self.lora:
            raise BadInput("weights 'start' of a LoRA model have no adapter to copy or average: take 'policy'")
        if name != "policy" and name in self.copies:
            return self.copies[name]
        return {key: p.data for key, p in self.held().items()}

    def before_change(self, name: str) -> None:
        """Make the copies a change of `name` would otherwise lose. Raises BadInput for "start", which is frozen."""
        if name == "start":
            raise BadInput("weights 'start' are frozen: name others in updates or into")
        if name in self.prefixes:
            return
        if "start" not in self.copies and not self.lora:
            self.copies["start"] = clone(self.state("policy"))
        if name != "policy" and name not in self.copies:
            self.copies[name] = clone(self.state("policy"))

    def average(self, source: str, into: str, decay: float) -> None:
        """Set into = decay * into + (1 - decay) * source; `into` starts as a copy of `source`.

        Weights that share their tensors are left as they are, bit for bit. Raises BadInput for weights that are frozen.
        """
        if prefix := next((name for name in (source, into) if self.before(name)), ""):
            raise BadInput(f"weights '{prefix}' are a prefix, which has no average: take it out of updates")
        alike, fresh = self.reads_as(source) == self.reads_as(into), into not in self.copies and into != "policy"
        # An unwritten `into` that stands for the same weights is its own from now on.
        self.before_change(into)
        if alike:
            return
        given, target = self.state(source), self.state(into)
        with torch.no_grad():
            for key, tensor in target.items():
                if fresh or decay == 0 or not tensor.is_floating_point():
                    tensor.copy_(given[key])
                elif decay < 1:
                    tensor.mul_(decay).add_(given[key], alpha=1 - decay)

    def drop(self, name: str) -> None:
        """Forget a copy; the name reads as the policy again. Raises BadInput for what every model has."""
        if name in ("policy", "start"):
            raise BadInput(f"weights '{name}' are never dropped: name a copy")
        self.copies.pop(name, None)

    def reads_as(self, name: str) -> str:
        """Whose tensors are read under a name: those of the copy, or the policy's for a name nothing was written to."""
        return name if name in self.copies or (name == "start" and self.lora) or self.before(name) else "policy"

    def save(self, folder: Path) -> None:
        """Write `policy/` (a transformers or PEFT folder) and `weights/NAME.safetensors`, bit for bit."""
        options = {"save_embedding_layers": False} if self.lora else {}
        self.module.save_pretrained(folder / "policy", **options)
        self.save_copies(folder)

    def save_copies(self, folder: Path) -> None:
        """Write `weights/NAME.safetensors` of every copy."""
        (folder / "weights").mkdir(parents=True, exist_ok=True)
        for name, state in self.copies.items():
            save_file({key: tensor.contiguous() for key, tensor in state.items()}, folder / "weights" / f"{name}.safetensors")
        for name, prefix in self.prefixes.items():
            (folder / "prefixes").mkdir(exist_ok=True)
            save_file(clone(prefix.state_dict()), folder / "prefixes" / f"{name}.safetensors")

    def load(self, folder: Path) -> None:
        """The inverse of `save`; forgets copies that were not saved.

        Raises:
            BadInput: when the adapters differ in kind, or a file is damaged or another model's.
        """
        if (folder / "policy" / "adapter_config.json").is_file() != self.lora:
            raise BadInput(f"'{folder}' was saved {'without' if self.lora else 'with'} an adapter: open the model the same way")
        live = self.parameters()
        try:
            with quiet():
                self._read(folder, live)
            self.load_copies(folder)
            device = next(iter(live.values())).device
            for name, prefix in self.prefixes.items():
                prefix.load_state_dict(load_file(folder / "prefixes" / f"{name}.safetensors", device=str(device)))
        except (OSError, SafetensorError, KeyError, RuntimeError, ValueError) as error:
            raise BadInput(f"'{folder}' does not hold this model's weights whole ({reason(error)}): take another generation") from None

    def load_copies(self, folder: Path) -> None:
        """The inverse of `save_copies`; forgets copies that were not saved."""
        device = next(self.module.parameters()).device
        files = sorted((folder / "weights").glob("*.safetensors"))
        self.copies = {file.stem: load_file(file, device=str(device)) for file in files}

    def _read(self, folder: Path, live: Mapping[str, Tensor]) -> None:
        """The saved policy, into the live module."""
        if self.lora:
            from peft import set_peft_model_state_dict

            found: Any = set_peft_model_state_dict(self.module, load_file(folder / "policy" / "adapter_model.safetensors"))
            if found.unexpected_keys or any("lora_" in key for key in found.missing_keys):
                raise ValueError("its adapter has other names")
            return
        dtype = next(iter(live.values())).dtype
        other, loaded = type(self.module).from_pretrained(folder / "policy", dtype=dtype, output_loading_info=True)
        check_weights(str(folder / "policy"), loaded)
        with torch.no_grad():
            for key, tensor in other.state_dict().items():
                self.module.state_dict()[key].copy_(tensor)


def clone(state: Mapping[str, Tensor]) -> State:
    """A copy that shares no memory."""
    return {key: tensor.detach().clone() for key, tensor in state.items()}
