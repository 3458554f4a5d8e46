"""Games and worlds that answer to what a model does."""
