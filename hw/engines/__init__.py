"""The compute engines of the matrix-vector unit, a folder each."""
