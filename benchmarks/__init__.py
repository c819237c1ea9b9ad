"""What the product promises, measured: ``make bench`` writes ``latest.json`` and ``docs/benchmarks.md``."""
