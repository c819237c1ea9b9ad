"""The sections of the report: one a file, each a function from a run to markup."""
