"""What the program can do: import, curate, mine, train, evaluate, search and export. Knows no window."""

__version__ = "0.1.0"
