"""Numbers about a model or a method, with the values they are the mean of."""
