/* The two float steps around the integer program: host/policy/codec.py in C. */
#ifndef QUARL_CODEC_H
#define QUARL_CODEC_H

#include <stdint.h>

/* quarl.host.accelerator.native._Encoder */
struct encoder {
    const float *observation, *scale, *offset;
    int8_t *codes;
    int32_t features, low, high;
};

/* quarl.host.accelerator.native._Decoder */
struct decoder {
    const float *scale, *bias;
    float *values;
    int32_t outputs;
};

/* Returns the number of features, or the first that is not finite. */
int32_t quarl_encode(const struct encoder *e);

/* Fills the values; returns the first of the largest. */
int32_t quarl_decode(const struct decoder *d, const int32_t *accumulators);

#endif
