"""Recipes whose memory is what changes."""
