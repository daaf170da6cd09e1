"""Showing: curves become figures and explorers. Nothing is scored or fitted here."""
