"""Test 1, arithmetic: the problems, the models that are asked, and their answers."""
