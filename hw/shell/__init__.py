"""The AXI4-Lite bridge around the accelerator, and its register map."""
