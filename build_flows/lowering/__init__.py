"""QONNX to FINN's hardware layers to RTL."""
