"""Image files: which they are, what their first bytes say, and their pixels."""
