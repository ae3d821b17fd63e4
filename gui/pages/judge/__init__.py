"""The bench for judging by hand and its parts."""
