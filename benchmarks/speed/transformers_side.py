"""transformers: `generate` in its settings, and continuous batching; sampling at temperature 1 from the whole distribution."""

import time
import warnings
from typing import Any

import torch
import transformers
from benchmarks.speed.setting import FOLDER, GROUP, NEW_TOKENS, PROMPTS, draws
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

warnings.simplefilter("ignore")
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()


class Side:
    """Attributes: model and tokenizer; the cache's implementation; most rows generated together."""

    def __init__(self, channel: Any) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(FOLDER, padding_side="left")
        self.model: Any = None
        self.cache, self.rows = "", 0

    def load(self, dtype: str, cache: str = "", rows: int = PROMPTS * GROUP) -> dict[str, Any]:
        """Open the model; cache is "" (the default, which grows) or "static"."""
        self.model = AutoModelForCausalLM.from_pretrained(FOLDER, dtype=getattr(torch, dtype)).eval()
        self.cache, self.rows = cache, rows
        return {}

    def config(self, n: int, new: int, cache: str) -> Any:
        """How tokens are drawn."""
        own = self.model.generation_config
        kept = {"cache_implementation": cache} if cache else {}
        return GenerationConfig(
            max_new_tokens=new, do_sample=True, temperature=1.0, top_k=0, top_p=1.0, num_return_sequences=n, eos_token_id=own.eos_token_id,
            pad_token_id=own.pad_token_id, **kept,
        )  # fmt: skip

    def chats(self, sources: list[str], prompts: int) -> list[Any]:
        """Conversations of the first prompts."""
        return [[{"role": "user", "content": task.text}] for task in draws(tuple(sources), 0, 1)[0][:prompts]]

    def sample(
        self, sources: list[str], prompts: int = PROMPTS, n: int = GROUP, new: int = NEW_TOKENS, apart: bool = False
    ) -> dict[str, Any]:
        """All prompts, as many rows together as was said, or one prompt after the other; tokenizing them is on the clock."""
        config, tokens = self.config(n, new, self.cache), 0
        began = time.perf_counter()
        chats = self.chats(sources, prompts)
        together = 1 if apart else max(1, self.rows // n)
        for at in range(0, prompts, together):
            batch = self.tokenizer.apply_chat_template(
                chats[at : at + together], tokenize=True, add_generation_prompt=True, return_dict=True, padding=True, return_tensors="pt"
            )
            with torch.inference_mode():
                ids = self.model.generate(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], generation_config=config)
            tokens += int((ids[:, batch["input_ids"].shape[1] :] != config.pad_token_id).sum())
        return {"seconds": time.perf_counter() - began, "tokens": tokens}

    def continuous(self, sources: list[str], prompts: int = PROMPTS, n: int = GROUP, new: int = NEW_TOKENS) -> dict[str, Any]:
        """All prompts by continuous batching."""
        began = time.perf_counter()
        ids = [self.tokenizer.apply_chat_template(c, add_generation_prompt=True, return_dict=False) for c in self.chats(sources, prompts)]
        made = self.model.generate_batch(ids, generation_config=self.config(n, new, ""), warmup=False)
        return {"seconds": time.perf_counter() - began, "tokens": sum(len(one.generated_tokens) for one in made.values())}
