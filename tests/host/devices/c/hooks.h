/* Compiled into host/accelerator/c/step.c by the tests: registers are functions, so that the emulator may stand behind them. */
#include <stdint.h>

struct hooks {
    uint32_t (*read)(uint32_t offset);
    void (*write)(uint32_t offset, uint32_t value);
};

#define QUARL_READ(base, offset) (((struct hooks *)(base))->read(offset))
#define QUARL_WRITE(base, offset, value) (((struct hooks *)(base))->write(offset, value))
