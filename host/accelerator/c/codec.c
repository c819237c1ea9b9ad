/* Equal, bit for bit, to host/policy/codec.py: compile with -ffp-contract=off. */
#include "codec.h"

#include <math.h>

int32_t quarl_encode(const struct encoder *e) {
    for (int32_t i = 0; i < e->features; i++) {
        if (!isfinite(e->observation[i])) return i;
        const float product = e->observation[i] * e->scale[i];
        const float value = rintf(product + e->offset[i]);
        e->codes[i] = (int8_t)(value < e->low ? e->low : value > e->high ? e->high : (int32_t)value);
    }
    return e->features;
}

int32_t quarl_decode(const struct decoder *d, const int32_t *accumulators) {
    int32_t best = 0;
    for (int32_t i = 0; i < d->outputs; i++) {
        const float product = (float)accumulators[i] * d->scale[i];
        d->values[i] = product + d->bias[i];
        if (d->values[i] > d->values[best]) best = i;
    }
    return best;
}
