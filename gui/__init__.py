"""What a person sees: the window, its pages and widgets. Knows Qt, never torch."""
