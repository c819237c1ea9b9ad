"""Engine ``rom`` inside FINN: our fused matrix-vector-threshold unit as a node, and the transformation that uses it.

Importing a module of this package imports FINN and registers the node with it.
"""
