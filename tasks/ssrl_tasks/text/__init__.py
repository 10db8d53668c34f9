"""Tasks over prose and worked solutions."""
