"""Register map of the accelerator's AXI4-Lite bridge: byte offsets of 32-bit words, and the bits in them.

The hardware side is hw/rtl/axil_bridge.sv; a test keeps the two equal.

======================  ======  ===============================================================================
register                access  meaning
======================  ======  ===============================================================================
ID                      r       0x51524C31
VERSION                 r       0x00010000: major, minor (16 bits each)
CTRL                    w       CTRL_* bits. AUTO_START takes the value written; the others act once
STATUS                  r       STATUS_* bits, and the number of finished inferences in bits 31:16
GEOMETRY                r       bytes of an action (31:16) and of an observation (15:0), packed
LATENCY_LAST            r       clock cycles from the last observation word (or the start) to the whole action
CYCLES_LO, CYCLES_HI    r       cycles since the hard reset; reading LO latches HI
LATENCY_MIN, _MAX       r       extremes since the last reset (MIN is 0xFFFFFFFF before the first inference)
LATENCY_SUM_LO, _HI     r       sum of the latencies since the last reset
COUNT                   r       inferences since the last reset
STALL                   r       cycles in which the accelerator did not take an observation beat that was offered
WAIT                    r       STATUS, but the answer is held back until no inference runs, or TIMEOUT is over
TIMEOUT                 rw      cycles that a read of WAIT may take; 100000 after the hard reset
BUILD_ID                r       first 32 bits of the policy's hash
ACTION                  r       packed action, little endian; whole while STATUS_DONE is set
OBSERVATION             rw      packed observation, little endian, byte strobes allowed
======================  ======  ===============================================================================

A soft reset clears flags and statistics and resets the accelerator; TIMEOUT and OBSERVATION stay.
"""

ID = 0x00
VERSION = 0x04
CTRL = 0x08
STATUS = 0x0C
GEOMETRY = 0x10
LATENCY_LAST = 0x14
CYCLES_LO = 0x18
CYCLES_HI = 0x1C
LATENCY_MIN = 0x20
LATENCY_MAX = 0x24
LATENCY_SUM_LO = 0x28
LATENCY_SUM_HI = 0x2C
COUNT = 0x30
STALL = 0x34
WAIT = 0x38
TIMEOUT = 0x3C
BUILD_ID = 0x40
ACTION = 0x100
OBSERVATION = 0x400

ID_VALUE = 0x51524C31
VERSION_VALUE = 0x00010000
DEFAULT_TIMEOUT = 100000        # cycles
RECOVERY_CYCLES = 32            # from a soft reset until the accelerator, whose reset lasts 16 cycles, runs for certain

CTRL_START = 1 << 0
CTRL_SOFT_RESET = 1 << 1
CTRL_AUTO_START = 1 << 2        # start when the last observation word is written

STATUS_BUSY = 1 << 0
STATUS_DONE = 1 << 1
STATUS_OVERRUN = 1 << 2         # a start came while busy and was refused; until a reset
STATUS_TIMEOUT = 1 << 3         # a read of WAIT gave up; until the next start or reset
STATUS_AUTO_START = 1 << 4
STATUS_SEQUENCE_SHIFT = 16
