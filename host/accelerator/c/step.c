/* What the board does in every step, in one call each: an inference over the bridge's registers, and observation to
 * outputs around it. Equal, bit for bit, to host/accelerator/geometry.py. */
#include <stdint.h>

#include "codec.h"
#include "quarl_registers.h"

/* Registers are words: one access each, never memcpy, which may repeat or split them. */
#ifndef QUARL_READ
#define QUARL_READ(base, offset) (((const volatile uint32_t *)(base))[(offset) / 4])
#define QUARL_WRITE(base, offset, value) (((volatile uint32_t *)(base))[(offset) / 4] = (value))
#endif

/* quarl.host.accelerator.geometry.Stream */
struct stream {
    int32_t beats, lanes, bits, beat_bytes, is_signed;
};

/* quarl.host.accelerator.native._Call */
struct call {
    void *registers;
    const uint8_t *codes;
    uint32_t *words;            /* of the observation, zeros at first, then of the action */
    int32_t *accumulators;
    struct stream observation, action;
    uint32_t latency;
};

static int32_t words_of(const struct stream *s) { return (s->beats * s->beat_bytes + 3) / 4; }

static void pack(const struct stream *s, const uint8_t *codes, uint8_t *frame) {
    for (int32_t beat = 0; beat < s->beats; beat++) {
        uint8_t *out = frame + beat * s->beat_bytes;
        uint32_t held = 0;
        int32_t have = 0;
        for (int32_t lane = 0; lane < s->lanes; lane++) {
            held |= (*codes++ & ((1u << s->bits) - 1)) << have;
            for (have += s->bits; have >= 8; have -= 8, held >>= 8) *out++ = (uint8_t)held;
        }
        if (have) *out = (uint8_t)held;
    }
}

static void unpack(const struct stream *s, const uint8_t *frame, int32_t *values) {
    const uint64_t mask = ((uint64_t)1 << s->bits) - 1, sign = s->is_signed ? (uint64_t)1 << (s->bits - 1) : 0;
    for (int32_t beat = 0; beat < s->beats; beat++) {
        const uint8_t *in = frame + beat * s->beat_bytes;
        uint64_t held = 0;
        int32_t have = 0;
        for (int32_t lane = 0; lane < s->lanes; lane++) {
            for (; have < s->bits; have += 8) held |= (uint64_t)*in++ << have;
            *values++ = (int32_t)(uint32_t)(((held & mask) ^ sign) - sign);
            held >>= s->bits;
            have -= s->bits;
        }
    }
}

/* One inference; needs CTRL_AUTO_START. Returns the STATUS word: the accumulators are its own if it is done. */
uint32_t quarl_step(struct call *c) {
    const int32_t written = words_of(&c->observation), read = words_of(&c->action);
    pack(&c->observation, c->codes, (uint8_t *)c->words);
    for (int32_t i = 0; i < written; i++) QUARL_WRITE(c->registers, QUARL_OBSERVATION + 4 * i, c->words[i]);
    const uint32_t status = QUARL_READ(c->registers, QUARL_WAIT);
    uint32_t *action = c->words + written;
    for (int32_t i = 0; i < read; i++) action[i] = QUARL_READ(c->registers, QUARL_ACTION + 4 * i);
    c->latency = QUARL_READ(c->registers, QUARL_LATENCY_LAST);
    unpack(&c->action, (const uint8_t *)action, c->accumulators);
    return status;
}

/* quarl.host.accelerator.native._Act */
struct act {
    const struct encoder *encoder;      /* whose codes are the call's */
    struct call *call;
    const struct decoder *decoder;
    uint32_t status;
};

/* A whole step. Returns the first of the largest values, or -1 for an observation that is not finite. */
int32_t quarl_act(struct act *a) {
    if (quarl_encode(a->encoder) < a->encoder->features) return -1;
    a->status = quarl_step(a->call);
    return quarl_decode(a->decoder, a->call->accumulators);
}
