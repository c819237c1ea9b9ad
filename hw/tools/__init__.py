"""Programs and packages of others: processes, the cache, Yosys, what a machine has."""
