/* The integer program on the processor. Equal, bit for bit, to host/policy/integer.py. */
#include <stdint.h>
#include <string.h>

#include "codec.h"

/* quarl.host.accelerator.native_integer._Layer. Codes are [height][width][channels]; a dense layer is a convolution over one place. */
struct layer {
    const int16_t *weights;             /* [outputs, up to a multiple of 4][row]: zeros behind the channel's own */
    const int32_t *thresholds;          /* [outputs][2**bits - 1], ascending; null of the last layer */
    int32_t outputs, row, bits;
    int32_t channels, height, width, kernel_height, kernel_width, stride;
};

/* quarl.host.accelerator.native_integer._Program */
struct program {
    const struct layer *layers;
    int32_t depth, features, outputs, is_signed;
    int16_t *codes, *next, *window;     /* as many as the largest layer has */
};

/* Four accumulators: 16-bit products with 32-bit sums are what SIMD units are made for. */
static void dot4(const int16_t *restrict weights, const int16_t *restrict window, int32_t row, int32_t *restrict sums) {
    const int16_t *w0 = weights, *w1 = w0 + row, *w2 = w1 + row, *w3 = w2 + row;
    int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (int32_t i = 0; i < row; i++) {
        s0 += w0[i] * window[i];
        s1 += w1[i] * window[i];
        s2 += w2[i] * window[i];
        s3 += w3[i] * window[i];
    }
    sums[0] = s0, sums[1] = s1, sums[2] = s2, sums[3] = s3;
}

/* How many of 2**bits - 1 ascending thresholds are <= sum: a bit a comparison, without a branch. */
static int16_t count(const int32_t *thresholds, int32_t bits, int32_t sum) {
    int32_t found = 0;
    for (int32_t half = 1 << (bits - 1); half; half >>= 1) found += -(thresholds[found + half - 1] <= sum) & half;
    return (int16_t)found;
}

/* What the kernel sees from ``codes`` on, row by row. */
static void gather(const struct layer *l, const int16_t *codes, int16_t *window) {
    const int32_t run = l->kernel_width * l->channels, pitch = l->width * l->channels;
    for (int32_t y = 0; y < l->kernel_height; y++)
        memcpy(window + y * run, codes + y * pitch, (size_t)run * sizeof *window);
}

/* One layer: codes for the next, or accumulators of the last. */
static void infer_layer(const struct layer *l, const int16_t *codes, int16_t *window, int16_t *next,
                        int32_t *accumulators) {
    const int32_t high = (l->height - l->kernel_height) / l->stride + 1;
    const int32_t wide = (l->width - l->kernel_width) / l->stride + 1;
    for (int32_t place = 0; place < high * wide; place++) {
        gather(l, codes + (place / wide * l->width + place % wide) * l->stride * l->channels, window);
        for (int32_t first = 0; first < l->outputs; first += 4) {
            int32_t sums[4];
            dot4(l->weights + (size_t)first * l->row, window, l->row, sums);
            for (int32_t i = 0, o = first; i < 4 && o < l->outputs; i++, o++) {
                if (l->thresholds)
                    next[place * l->outputs + o] = count(l->thresholds + o * ((1 << l->bits) - 1), l->bits, sums[i]);
                else
                    accumulators[o] = sums[i];
            }
        }
    }
}

/* The input codes, [channels][places], as the first layer wants them. */
static void widen(const struct program *p, const void *codes, size_t first) {
    const int32_t channels = p->layers->channels, places = p->features / channels;
    for (int32_t channel = 0; channel < channels; channel++)
        for (int32_t place = 0; place < places; place++, first++)
            p->codes[place * channels + channel] =
                p->is_signed ? ((const int8_t *)codes)[first] : ((const uint8_t *)codes)[first];
}

/* From codes [rows][features], int8 or uint8, the last layer's accumulators [rows][outputs]. */
void quarl_infer(const struct program *p, const void *codes, int32_t rows, int32_t *accumulators) {
    for (int32_t row = 0; row < rows; row++, accumulators += p->outputs) {
        int16_t *from = p->codes, *to = p->next;
        widen(p, codes, (size_t)row * p->features);
        for (const struct layer *l = p->layers; l < p->layers + p->depth; l++) {
            int16_t *const spare = from;
            infer_layer(l, from, p->window, to, accumulators);
            from = to;
            to = spare;
        }
    }
}

/* quarl.host.accelerator.native_integer._Play */
struct play {
    const struct encoder *encoder;
    const struct program *program;
    const struct decoder *decoder;
    int32_t *accumulators;
};

/* A whole step. Returns the first of the largest values, or -1 for an observation that is not finite. */
int32_t quarl_play(const struct play *p) {
    if (quarl_encode(p->encoder) < p->encoder->features) return -1;
    quarl_infer(p->program, p->encoder->codes, 1, p->accumulators);
    return quarl_decode(p->decoder, p->accumulators);
}
