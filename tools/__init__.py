"""What `make` calls: set-up, build, serving, locks. Standard library only, apart from the tests."""
