"""Section 3 and Fig. 4: what more test data shows."""
