"""Corpus readers: one module each, found through the entry point `ssrl.sources`."""
