"""Payloads: what attempts and examples are made of, one class a modality."""
