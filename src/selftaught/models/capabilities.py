"""What each kind of model can be asked for, known before one is loaded; the models themselves say no other.

"text" and "rows" name what a model is asked in, "learn" and "weights" that it learns and keeps named weights, "prefix" that
these may be a prefix, "decoder" that its sampler draws from the logits a decoder makes. The others are outputs (see
`models.outputs`), of which "logits" stands for those that need all of them: top:K and logprobs@STREAM. Heads that a recipe
declares come to these.
"""

LANGUAGE = frozenset({"text", "logprobs", "entropy", "hidden", "value", "logits", "learn", "weights", "prefix"})
# What samplers of a language model add.
SAMPLERS = {"local": frozenset({"decoder"}), "vllm": frozenset[str]()}
SCRIPTED = frozenset({"text", "logprobs", "entropy", "value", "logits", "learn", "weights", "prefix"})
TABLES = frozenset({"rows", "features", "prediction", "target", "learn", "weights"})
# Capabilities that are no outputs.
ABILITIES = frozenset({"text", "rows", "learn", "weights", "prefix", "decoder"})
