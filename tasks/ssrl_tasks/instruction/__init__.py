"""Tasks over instructions that a written answer has to keep to."""
