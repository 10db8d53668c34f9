"""The pretext tasks: one module each, named by its path below this package."""
