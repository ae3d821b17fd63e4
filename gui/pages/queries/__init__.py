"""The Queries page and its parts."""
