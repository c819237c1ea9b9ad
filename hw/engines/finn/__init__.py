"""FINN's streamed engines: its RTL library, patched, and our multiplier in LUTs."""
