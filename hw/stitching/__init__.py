"""FINN's nodes into one structural netlist."""
