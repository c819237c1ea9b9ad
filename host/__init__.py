"""What runs beside the accelerator: policy packages, the integer reference, devices and the closed loop.

Needs numpy alone and parses under Python 3.8, because it runs on the board.
"""
