"""Tables of many trainings: declared in YAML, trained where missing, reported from the logs."""
