"""AutoIF: a model writes instructions, checkers and cases; running them against each other tells which are true."""
