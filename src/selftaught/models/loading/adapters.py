"""PEFT adapters: found to fit their base, and merged into it."""

import warnings
from collections.abc import Iterable
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from selftaught.models.loading import fit as fits
from selftaught.models.loading.places import Place, read_json
from selftaught.parts import BadInput
from selftaught.shown import reason

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
WHERE = f"base_model_name_or_path in {CONFIG}"


def base_of(place: Place) -> str:
    """What an adapter names as its base.

    Raises:
        BadInput: in one line and before any weights are read, for an adapter without base or weights, of a kind that
            cannot be merged, or with weights that are damaged.
    """
    from peft import PEFT_TYPE_TO_CONFIG_MAPPING
    from peft.mapping import PEFT_TYPE_TO_TUNER_MAPPING

    config = read_json(place.name, place.folder / CONFIG)
    kind: Any = str(config.get("peft_type"))
    if kind not in [getattr(k, "value", k) for k in PEFT_TYPE_TO_CONFIG_MAPPING]:
        raise BadInput(f"'{place.name}' holds an adapter of the unknown kind {kind}: write peft_type in {CONFIG}, or upgrade peft")
    if not hasattr(PEFT_TYPE_TO_TUNER_MAPPING[kind], "merge_and_unload"):
        raise BadInput(f"'{place.name}' holds an adapter of kind {kind}, which cannot be merged into weights: give a LoRA or a whole model")
    keys_of(place)
    base = config.get("base_model_name_or_path")
    if not base or not isinstance(base, str):
        raise BadInput(f"'{place.name}' does not say which model it was trained on: write the folder or hub id as {WHERE}")
    return base


def keys_of(place: Place) -> list[str]:
    """Names of an adapter's tensors; raises BadInput when there are none or their file is damaged."""
    file = place.folder / WEIGHTS
    if not file.is_file():
        raise BadInput(f"'{place.name}' has {CONFIG} and no {WEIGHTS}: copy the adapter's weights beside it")
    try:
        with safe_open(file, "pt") as held:
            keys = list(held.keys())
    except (SafetensorError, OSError) as error:
        raise BadInput(f"'{place.name}': {file.name} is cut off or damaged ({reason(error)}): copy it again") from None
    if not keys:
        raise BadInput(f"'{place.name}': {file.name} holds no weights: save the adapter again")
    return keys


def no_base(place: Place, base: str, why: object) -> BadInput:
    """What to do about a base that does not open."""
    return BadInput(f"'{place.name}' is an adapter on '{base}', which does not open ({why}): write where it lies now as {WHERE}")


def check_names(place: Place, config: Any) -> None:
    """Raises BadInput when an adapter changes modules that its base has not got; the base is built without weights."""
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        module = AutoModelForCausalLM.from_config(config, trust_remote_code=False)  # type: ignore[no-untyped-call]
    known = {name for name, part in module.named_modules() if next(part.parameters(recurse=False), None) is not None}
    keys = [key.removeprefix("base_model.model.") for key in keys_of(place)]
    # some architectures rename weights as they are loaded, so a part that matches nothing is left to the loading
    if not any(prefix in known for key in keys for prefix in prefixes(key)):
        raise misfit(place, keys)


def prefixes(key: str) -> Iterable[str]:
    """`a.b`, `a` of `a.b.c`."""
    parts = key.split(".")
    return (".".join(parts[:n]) for n in range(len(parts) - 1, 0, -1))


def misfit(place: Place, keys: list[str]) -> BadInput:
    """The refusal of an adapter whose keys match nothing."""
    return BadInput(
        f"'{place.name}' does not fit its base: {len(keys)} of its weights match nothing there, {keys[0]} first: "
        f"write the model it was trained on as {WHERE}"
    )


def merged(place: Place, module: Any) -> Any:
    """The base with an adapter merged in.

    Raises:
        BadInput: in one line, when not all of the adapter finds its place, or the merged model says something else than
            the two of them, as with an adapter on one of two weights that the base ties.
    """
    from peft import PeftConfig, PeftModel

    tied = bool(module.config.get_text_config(decoder=True).tie_word_embeddings)
    room_for(place, module)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            config = PeftConfig.from_pretrained(str(place.folder))
            config.inference_mode = True
            model = PeftModel(module, config)
            found = model.load_adapter(str(place.folder), "default", torch_device=str(next(module.parameters()).device))
    except Exception as error:  # PEFT raises a dozen kinds here, all of them about the adapter
        line = " ".join(str(error).split())[:200]
        raise BadInput(f"'{place.name}' does not fit its base ({line}): write the model it was trained on as {WHERE}") from None
    if strange := [*found.unexpected_keys, *found.missing_keys]:
        raise misfit(place, strange)
    model.eval()
    apart = fits.probe_logits(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = model.merge_and_unload()
    together = fits.probe_logits(whole)
    ends = [part.weight for part in (whole.get_input_embeddings(), whole.get_output_embeddings())]
    untied = tied and ends[0] is not ends[1] and not torch.equal(*ends)
    near = bool((apart - together).abs().max() <= 10 * fits.rounding(whole) * apart.abs().max())
    if untied or (bool(apart.isfinite().all()) and not near):
        why = "it trains the embeddings or the head, which its base ties to each other" if tied else "merging loses a part of it"
        raise BadInput(f"'{place.name}' cannot be merged: {why}: untie them (tie_word_embeddings) and save the merged model with PEFT")
    whole.tie_weights()
    # PEFT freezes a base; what comes of merging is trained like any other model
    return whole.requires_grad_(True)


def room_for(place: Place, module: Any) -> None:
    """Give the base as many embeddings as an adapter that was trained with more, or fewer, of them."""
    rows = int(module.get_input_embeddings().weight.shape[0])
    file = place.folder / WEIGHTS
    for key in keys_of(place):
        if key.rpartition(".")[0].endswith(("embed_tokens", "lm_head", "wte", "embed_in", "embed_out")) and "lora_" not in key:
            with safe_open(file, "pt") as held:
                wanted = int(held.get_slice(key).get_shape()[0])
            if wanted != rows:
                module.resize_token_embeddings(wanted, mean_resizing=False)
            return
