/* Generated from host/accelerator/registers.py by `python -m quarl.hw.shell.register_map`: the bridge's register map */
#ifndef QUARL_REGISTERS_H
#define QUARL_REGISTERS_H

#define QUARL_ID 0x000u    /* r: ID_VALUE: this is a bridge */
#define QUARL_VERSION 0x004u    /* r: VERSION_VALUE: major in the upper 16 bits, minor in the lower */
#define QUARL_CTRL 0x008u    /* w: commands, in the lowest byte; reads 0 */
#define QUARL_CTRL_START 0x00000001u    /* start an inference; ignored where SOFT_RESET is set too */
#define QUARL_CTRL_SOFT_RESET 0x00000002u    /* clear flags and statistics and reset the accelerator, also in mid-frame */
#define QUARL_CTRL_AUTO_START 0x00000004u    /* keep this bit: while it is 1, a write of the observation's last byte starts an inference */
#define QUARL_STATUS 0x00Cu    /* r: state of the inference */
#define QUARL_STATUS_BUSY 0x00000001u    /* an inference was started and is not finished */
#define QUARL_STATUS_DONE 0x00000002u    /* the last inference that was started is finished: ACTION holds its result */
#define QUARL_STATUS_OVERRUN 0x00000004u    /* a start came while busy and was refused; stays until a reset */
#define QUARL_STATUS_TIMEOUT 0x00000008u    /* a read of WAIT gave up; stays until the next start or reset */
#define QUARL_STATUS_AUTO_START 0x00000010u    /* CTRL_AUTO_START as written last */
#define QUARL_STATUS_SEQUENCE_SHIFT 0x10u    /* the lower half of COUNT, up to bit 31 */
#define QUARL_GEOMETRY 0x010u    /* r: bytes that a packed observation and a packed action have */
#define QUARL_GEOMETRY_OBSERVATION_SHIFT 0x00u    /* bytes of an observation, up to bit 15 */
#define QUARL_GEOMETRY_ACTION_SHIFT 0x10u    /* bytes of an action, up to bit 31 */
#define QUARL_LATENCY_LAST 0x014u    /* r: latency of the last inference: clock cycles from the write that started it to its whole action */
#define QUARL_CYCLES_LO 0x018u    /* r: clock cycles since the hard reset; a read latches CYCLES_HI */
#define QUARL_CYCLES_HI 0x01Cu    /* r: upper half, of the time of the last read of CYCLES_LO */
#define QUARL_LATENCY_MIN 0x020u    /* r: least latency since the last reset; 0xFFFFFFFF before an inference */
#define QUARL_LATENCY_MAX 0x024u    /* r: greatest latency since the last reset */
#define QUARL_LATENCY_SUM_LO 0x028u    /* r: sum of the latencies since the last reset; a read latches LATENCY_SUM_HI */
#define QUARL_LATENCY_SUM_HI 0x02Cu    /* r: upper half, of the time of the last read of LATENCY_SUM_LO */
#define QUARL_COUNT 0x030u    /* r: finished inferences since the last reset */
#define QUARL_STALL 0x034u    /* r: cycles since the last reset in which the accelerator did not take a beat of an observation */
#define QUARL_WAIT 0x038u    /* r: STATUS, but the answer is held back until no inference runs, or TIMEOUT is over; then TIMEOUT is set in it */
#define QUARL_TIMEOUT 0x03Cu    /* rw: cycles that a read of WAIT may take; DEFAULT_TIMEOUT after the hard reset */
#define QUARL_BUILD_ID 0x040u    /* r: first 32 bits of the hash of the policy package that is built in */
#define QUARL_ACTION 0x100u    /* r: packed action, little endian; whole while STATUS_DONE is set */
#define QUARL_OBSERVATION 0x400u    /* rw: packed observation, little endian; bytes beyond it read 0 */
#define QUARL_ID_VALUE 0x51524C31u    /* "QRL1" */
#define QUARL_VERSION_VALUE 0x00010000u    /* version 1.0 of this map */
#define QUARL_DEFAULT_TIMEOUT 0x000186A0u    /* cycles, 1 ms at 100 MHz */
#define QUARL_RESET_CYCLES 0x00000010u    /* cycles that a reset of the accelerator lasts */
#define QUARL_RECOVERY_CYCLES 0x00000020u    /* cycles from a soft reset until the accelerator runs for certain */

#endif
