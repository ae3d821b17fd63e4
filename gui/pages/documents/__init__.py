"""The Documents page and its parts."""
