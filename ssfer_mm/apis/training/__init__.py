"""Train, go on, compare and test: from a config to a recogniser and its figures."""
