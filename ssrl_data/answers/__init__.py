"""The answer kinds: each asks for, reads and scores one form of answer. One module a kind, found by its name."""
