"""How tokens are chosen: decoders, one a file."""
