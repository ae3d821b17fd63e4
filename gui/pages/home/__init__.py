"""The Home page and its parts."""
