"""The engine's processes as the window sees them: one process, the queue of jobs, the strip that shows them."""
