"""Our engine ``rom``: the matrix-vector-threshold unit with its weights as ROM."""
