"""From two sides to a verdict: in a run, for checkpoints from anywhere, by labels; and the forecast before it."""
