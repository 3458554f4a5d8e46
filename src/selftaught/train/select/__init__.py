"""Which groups go on to credit. No score is altered."""
