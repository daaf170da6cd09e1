"""BIG-Bench: what was scored there and elsewhere, and by which metrics."""
