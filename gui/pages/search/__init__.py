"""The Search page and its parts."""
