"""Hardware: our RTL, board descriptions, FINN's patched RTL library, stitching, emulation and synthesis."""
