// Generated from host/accelerator/registers.py by `python -m quarl.hw.shell.register_map`: the bridge's register map
package quarl_registers_pkg;
	localparam int unsigned  ID = 'h000;    // r: ID_VALUE: this is a bridge
	localparam int unsigned  VERSION = 'h004;    // r: VERSION_VALUE: major in the upper 16 bits, minor in the lower
	localparam int unsigned  CTRL = 'h008;    // w: commands, in the lowest byte; reads 0
	localparam logic [31:0]  CTRL_START = 32'h00000001;    // start an inference; ignored where SOFT_RESET is set too
	localparam logic [31:0]  CTRL_SOFT_RESET = 32'h00000002;    // clear flags and statistics and reset the accelerator, also in mid-frame
	localparam logic [31:0]  CTRL_AUTO_START = 32'h00000004;    // keep this bit: while it is 1, a write of the observation's last byte starts an inference
	localparam int unsigned  STATUS = 'h00C;    // r: state of the inference
	localparam logic [31:0]  STATUS_BUSY = 32'h00000001;    // an inference was started and is not finished
	localparam logic [31:0]  STATUS_DONE = 32'h00000002;    // the last inference that was started is finished: ACTION holds its result
	localparam logic [31:0]  STATUS_OVERRUN = 32'h00000004;    // a start came while busy and was refused; stays until a reset
	localparam logic [31:0]  STATUS_TIMEOUT = 32'h00000008;    // a read of WAIT gave up; stays until the next start or reset
	localparam logic [31:0]  STATUS_AUTO_START = 32'h00000010;    // CTRL_AUTO_START as written last
	localparam int unsigned  STATUS_SEQUENCE_SHIFT = 'h10;    // the lower half of COUNT, up to bit 31
	localparam int unsigned  GEOMETRY = 'h010;    // r: bytes that a packed observation and a packed action have
	localparam int unsigned  GEOMETRY_OBSERVATION_SHIFT = 'h00;    // bytes of an observation, up to bit 15
	localparam int unsigned  GEOMETRY_ACTION_SHIFT = 'h10;    // bytes of an action, up to bit 31
	localparam int unsigned  LATENCY_LAST = 'h014;    // r: latency of the last inference: clock cycles from the write that started it to its whole action
	localparam int unsigned  CYCLES_LO = 'h018;    // r: clock cycles since the hard reset; a read latches CYCLES_HI
	localparam int unsigned  CYCLES_HI = 'h01C;    // r: upper half, of the time of the last read of CYCLES_LO
	localparam int unsigned  LATENCY_MIN = 'h020;    // r: least latency since the last reset; 0xFFFFFFFF before an inference
	localparam int unsigned  LATENCY_MAX = 'h024;    // r: greatest latency since the last reset
	localparam int unsigned  LATENCY_SUM_LO = 'h028;    // r: sum of the latencies since the last reset; a read latches LATENCY_SUM_HI
	localparam int unsigned  LATENCY_SUM_HI = 'h02C;    // r: upper half, of the time of the last read of LATENCY_SUM_LO
	localparam int unsigned  COUNT = 'h030;    // r: finished inferences since the last reset
	localparam int unsigned  STALL = 'h034;    // r: cycles since the last reset in which the accelerator did not take a beat of an observation
	localparam int unsigned  WAIT = 'h038;    // r: STATUS, but the answer is held back until no inference runs, or TIMEOUT is over; then TIMEOUT is set in it
	localparam int unsigned  TIMEOUT = 'h03C;    // rw: cycles that a read of WAIT may take; DEFAULT_TIMEOUT after the hard reset
	localparam int unsigned  BUILD_ID = 'h040;    // r: first 32 bits of the hash of the policy package that is built in
	localparam int unsigned  ACTION = 'h100;    // r: packed action, little endian; whole while STATUS_DONE is set
	localparam int unsigned  OBSERVATION = 'h400;    // rw: packed observation, little endian; bytes beyond it read 0
	localparam logic [31:0]  ID_VALUE = 32'h51524C31;    // "QRL1"
	localparam logic [31:0]  VERSION_VALUE = 32'h00010000;    // version 1.0 of this map
	localparam logic [31:0]  DEFAULT_TIMEOUT = 32'h000186A0;    // cycles, 1 ms at 100 MHz
	localparam logic [31:0]  RESET_CYCLES = 32'h00000010;    // cycles that a reset of the accelerator lasts
	localparam logic [31:0]  RECOVERY_CYCLES = 32'h00000020;    // cycles from a soft reset until the accelerator runs for certain
endpackage : quarl_registers_pkg
