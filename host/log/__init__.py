"""What is kept of a run: its log, tables, meters, and how to go on with it."""
