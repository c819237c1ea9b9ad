"""What the whole session of tests must keep to, checked by hooks of pytest. One rule a file."""
