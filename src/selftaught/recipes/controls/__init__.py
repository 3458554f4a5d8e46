"""Controls: what gains nothing if the test is honest, or the start itself in another form."""
