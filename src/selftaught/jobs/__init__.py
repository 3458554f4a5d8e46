"""What a user asks for, carried out: a run, a gate, an evaluation, one answer."""
