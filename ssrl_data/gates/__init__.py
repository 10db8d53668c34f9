"""Is it ambiguous, guessable, leaking? Measures that tasks share."""
