"""The seven verbs over a causal language model in this process."""
