"""CTranslate2 with the same weights: the fastest CPU decoder of them that installs here."""

import json
import tempfile
import time
from pathlib import Path
from typing import Any

import ctranslate2
import transformers
from benchmarks.speed.setting import FOLDER, GROUP, NEW_TOKENS, PROMPTS, draws
from ctranslate2.converters import TransformersConverter
from transformers import AutoTokenizer

transformers.logging.disable_progress_bar()


class Side:
    """Attributes: the converted model, its generator, and how many prompts are decoded together."""

    def __init__(self, channel: Any) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(FOLDER)
        self.folder = tempfile.TemporaryDirectory()
        self.generator: Any = None
        self.prompts = 0

    def load(self, compute: str, workers: int, threads: int, prompts: int) -> dict[str, Any]:
        """Convert and open; `workers` decode batches of so many prompts side by side, each with so many threads."""
        model = Path(self.folder.name) / "model"
        TransformersConverter(str(FOLDER)).convert(str(model), force=True)
        # The model has no token for a beginning, and the decoder insists on a name for one.
        config = json.loads((model / "config.json").read_text())
        config |= {key: config.get(key) or self.tokenizer.pad_token for key in ("bos_token", "unk_token")}
        (model / "config.json").write_text(json.dumps(config))
        self.generator = ctranslate2.Generator(str(model), compute_type=compute, inter_threads=workers, intra_threads=threads)
        self.prompts = prompts
        return {"compute_types": sorted(ctranslate2.get_supported_compute_types("cpu"))}

    def tokens(self, sources: list[str], prompts: int) -> list[list[str]]:
        """The prompts as the decoder takes them."""
        chats = [[{"role": "user", "content": task.text}] for task in draws(tuple(sources), 0, 1)[0][:prompts]]
        ids = [self.tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_dict=False) for chat in chats]
        return [self.tokenizer.convert_ids_to_tokens(one) for one in ids]

    def run(self, prompts: list[list[str]], n: int, new: int, top_k: int) -> list[list[list[str]]]:
        """New tokens, the ending one among them, of n attempts a prompt; top_k 1 is greedy, 0 the whole distribution."""
        made = self.generator.generate_batch(
            prompts, max_batch_size=self.prompts, max_length=new, num_hypotheses=n, sampling_topk=top_k, sampling_temperature=1.0,
            include_prompt_in_result=False, end_token=self.tokenizer.eos_token, return_end_token=True,
        )  # fmt: skip
        return [one.sequences for one in made]

    def sample(self, sources: list[str], prompts: int = PROMPTS, n: int = GROUP, new: int = NEW_TOKENS) -> dict[str, Any]:
        """All prompts; tokenizing them is on the clock."""
        began = time.perf_counter()
        made = self.run(self.tokens(sources, prompts), n, new, 0)
        return {"seconds": time.perf_counter() - began, "tokens": sum(len(s) for sequences in made for s in sequences)}

    def greedy(self, sources: list[str], prompts: int, new: int = NEW_TOKENS) -> dict[str, Any]:
        """New token ids of greedy decoding, one list a prompt; and the prompts' ids."""
        asked = self.tokens(sources, prompts)
        made = self.run(asked, 1, new, 1)
        return {
            "ids": [self.tokenizer.convert_tokens_to_ids(sequences[0]) for sequences in made],
            "prompts": [self.tokenizer.convert_tokens_to_ids(one) for one in asked],
        }
