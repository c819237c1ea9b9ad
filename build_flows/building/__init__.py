"""The build: policy package to RTL, emulator, parity and resources."""
