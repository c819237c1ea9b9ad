"""What computes a policy: emulator, board, FINN's DMA shell, the integer reference."""
