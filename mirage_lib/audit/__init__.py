"""Audit: the book's questions asked of anybody's evaluation, from its saved outputs to a report."""
