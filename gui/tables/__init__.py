"""Item models that page through SQL, so that a table of a million rows stays smooth."""
