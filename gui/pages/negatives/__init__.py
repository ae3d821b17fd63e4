"""The Negatives page and its parts."""
