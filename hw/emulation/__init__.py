"""The RTL as a shared library, by Verilator."""
