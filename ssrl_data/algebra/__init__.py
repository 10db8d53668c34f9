"""Expressions of school and college mathematics: reading them, and deciding whether two are equal."""
