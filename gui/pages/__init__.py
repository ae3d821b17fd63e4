"""One module a stage: a page shows and asks; it computes nothing and holds no truth."""
