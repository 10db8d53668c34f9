"""The built-in constraints, a family a module: `length` holds `length/words_at_most` and its like."""
