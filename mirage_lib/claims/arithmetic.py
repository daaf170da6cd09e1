"""Section 3 and Fig. 3: the same answers to arithmetic under two metrics."""
