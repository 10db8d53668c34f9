"""Tasks over pictures with depth maps."""
