"""Section 3: what longer targets do."""
