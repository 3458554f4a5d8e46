"""From two sides on the same held-out tasks to a verdict."""
