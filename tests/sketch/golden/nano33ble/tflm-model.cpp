// The model, its arena and its operators, and what hello tells of the build.
#include "model_data.h"

extern const danas::Build danas_build;
const danas::Build danas_build = {
    "IDENTITY", "nano33ble", "\303\251\042; system(\042x\042); // \134 \077\077/ @1 {{ 7*7 }}\012#error %s", "Chirale_TensorFLowLite 2.0.0"};

const uint32_t danas_operators_count = 3;
const DanasOperatorOf danas_operators[3] = {
    danas_conv_2d,
    danas_fully_connected,
    danas_softmax,
};

const uint32_t danas_arena_bytes = 12352;
alignas(16) uint8_t danas_arena[12352];

// 70 bytes, in words of a little-endian processor.
alignas(16) const uint64_t danas_model_words[9] = {
    0x706050403020100, 0xf0e0d0c0b0a0908, 0x1716151413121110, 0x1f1e1d1c1b1a1918,
    0x2726252423222120, 0x2f2e2d2c2b2a2928, 0x3736353433323130, 0x3f3e3d3c3b3a3938,
    0x454443424140,
};
