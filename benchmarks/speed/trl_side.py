"""TRL's GRPOTrainer, one whole step at a time: the trainer waits for its next command when a step has ended."""

import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import torch
import transformers
from benchmarks.speed import memory
from benchmarks.speed.setting import ADAPTER, BETAS, CLIP, FOLDER, GROUP, MAX_NORM, NEW_TOKENS, PROMPTS, TEMPERATURE, draws, reward

warnings.simplefilter("ignore")
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()


class Side:
    """Attributes: what the step under way has cost so far."""

    def __init__(self, channel: Any) -> None:
        self.channel, self.tokens, self.sampled, self.flat, self.began, self.base = channel, 0, 0, [0, 0], 0.0, 0

    def start(self, dtype: str, rows: int, lr: float, seed: int, sources: list[str], steps: int = 200) -> dict[str, Any]:
        """Load everything and wait; replies when ready, and with {} once told to stop.

        Args:
            dtype: "bfloat16" computes in it by autocast over float32 weights, as TRL's users do.
            rows: attempts of a micro-batch; so many are accumulated that an optimizer step sees all of them.
            lr: learning rate, constant.
            seed: of tasks and noise.
            sources: where tasks come from.
            steps: most steps.
        """
        from datasets import Dataset
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from trl import GRPOConfig, GRPOTrainer

        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_pretrained(FOLDER, dtype=torch.bfloat16 if dtype == "bfloat16 weights" else torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(FOLDER, padding_side="left")
        tasks = [task for step in draws(tuple(sources), seed, steps) for task in step]
        chats = [[{"role": "user", "content": task.text}] for task in tasks]
        lengths = [len(tokenizer.apply_chat_template(c, tokenize=True, add_generation_prompt=True, return_dict=False)) for c in chats]
        rows_of_data = Dataset.from_list([{"prompt": chat, "at": i} for i, chat in enumerate(chats)])

        def paid(completions: list[Any], at: list[int], completion_ids: list[list[int]], **_: Any) -> list[float]:
            rewards = [reward(tasks[i], turns[0]["content"]) for i, turns in zip(at, completions, strict=True)]
            self.sampled += sum(map(len, completion_ids))
            self.tokens += sum(map(len, completion_ids)) + sum(lengths[i] for i in at)
            groups = [rewards[g : g + GROUP] for g in range(0, len(rewards), GROUP)]
            self.flat = [self.flat[0] + sum(len(set(group)) == 1 for group in groups), self.flat[1] + len(groups)]
            return rewards

        with tempfile.TemporaryDirectory() as folder:
            config = GRPOConfig(
                folder, use_cpu=True, bf16=dtype.startswith("bfloat16"), gradient_checkpointing=False, report_to="none", save_strategy="no",
                logging_steps=10**6, disable_tqdm=True, seed=seed, per_device_train_batch_size=rows, dataloader_pin_memory=False,
                gradient_accumulation_steps=PROMPTS * GROUP // rows, num_generations=GROUP, max_completion_length=NEW_TOKENS,
                max_steps=steps, learning_rate=lr, lr_scheduler_type="constant", adam_beta1=BETAS[0], adam_beta2=BETAS[1],
                weight_decay=0.0, max_grad_norm=MAX_NORM, temperature=TEMPERATURE, top_p=1.0, top_k=0, beta=0.0, epsilon=CLIP,
                loss_type="dapo", scale_rewards="group", shuffle_dataset=False,
            )  # fmt: skip
            callback = waiting(self)
            self.trainer = GRPOTrainer(
                model, paid, config, train_dataset=rows_of_data, processing_class=tokenizer, callbacks=[callback], peft_config=adapter()
            )
            self.trainer.train()
        return {}

    def save(self, folder: str) -> dict[str, Any]:
        """Write the weights as they are."""
        self.trainer.model.save_pretrained(Path(folder))
        self.trainer.processing_class.save_pretrained(Path(folder))
        return {}

    def next(self) -> bool:
        """Answer commands until the next step is asked for; False when told to stop."""
        for command in self.channel.commands():
            if command["do"] == "step":
                memory.reset_peak()
                self.tokens, self.sampled, self.flat, self.began = 0, 0, [0, 0], time.perf_counter()
                return True
            if command["do"] == "stop":
                return False
            self.channel.reply(getattr(self, command.pop("do"))(**command))
        return False

    def ended(self) -> dict[str, Any]:
        """What the step was."""
        seconds, extra = time.perf_counter() - self.began, memory.peak() - self.base
        return {
            "seconds": seconds, "tokens": self.tokens, "sampled": self.sampled, "extra_bytes": extra, "flat": self.flat[0] / self.flat[1],
        }  # fmt: skip


def adapter() -> Any:
    """The adapter `models.opening.with_lora` gives, where one is trained."""
    from peft import LoraConfig

    return LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM") if ADAPTER else None


def waiting(side: Side) -> Any:
    """A callback that stops the trainer's clock between steps."""
    from transformers import TrainerCallback

    class Waiting(TrainerCallback):
        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            side.base = memory.rss()
            side.channel.reply({"rss": side.base})
            control.should_training_stop = not side.next()

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            side.channel.reply(side.ended())
            control.should_training_stop = not side.next()

    return Waiting()
