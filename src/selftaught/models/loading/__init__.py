"""Folders, hub ids, GGUF files and adapters: found, checked and opened."""
