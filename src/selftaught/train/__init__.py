"""From scores to weights: `select` picks groups, `credit` writes streams, `losses` sum over them, `optim` takes the step."""
