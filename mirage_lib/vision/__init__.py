"""Vision: families of small networks whose skills are smooth under one metric and sudden under another."""
