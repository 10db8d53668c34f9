"""Tasks over prose and over worked solutions."""
