"""What all tests must keep to: the guards."""
pytest_plugins = ["tests.guards.skips", "tests.guards.temporary"]
