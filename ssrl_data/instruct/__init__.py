"""Constraints on a written answer: how a reply is counted, what a constraint is, and how one answer meets a set."""
