"""Tasks over clips."""
