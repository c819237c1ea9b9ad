"""Quantised networks: bits, quantisers, their training and their integer form."""
