// Forced into every compilation unit of the emulator: the simulator's messages go to our function, not to stdout.
#pragma once
#ifdef __cplusplus
extern int emulator_print(const char* format, ...) __attribute__((format(printf, 1, 2)));
#define VL_PRINTF emulator_print
#endif
