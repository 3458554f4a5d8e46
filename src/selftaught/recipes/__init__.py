"""The published methods, one a file, and the few that the rest of the package knows by name."""

# What `improve` does when nothing is asked for.
DEFAULT = "selftaught"
# Asks a model and learns nothing: how a model is opened that is only to be looked at, and how a question is answered.
ASKING = "self-consistency"
# What stands beside whatever is compared.
CONTROLS = ("zero-lr", "random-reward", "sft-unfiltered", "shuffled-votes", "format-only", "cooler-start")
