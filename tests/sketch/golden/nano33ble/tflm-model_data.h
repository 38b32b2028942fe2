// What model.cpp brings to interpreter.cpp: a file of its own for what differs from model to model,
// because the library's headers take seconds to compile.
#pragma once

#include <stdint.h>

#include "model.h"

extern const uint32_t danas_arena_bytes;
extern uint8_t danas_arena[];
extern const uint64_t danas_model_words[];
