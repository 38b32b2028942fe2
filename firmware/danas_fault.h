// Faults are written to RAM that survives a reset; after it, hello tells them.
#pragma once

#include <stdint.h>

#include "danas_wire.h"

namespace danas {
namespace fault {

extern const char kWatchdog[];  // the kind of fault of a program that hung

void begin();  // to be called once after each reset, before anything that may fault
void add_to(Json* json);

// Writes the record and resets.
[[noreturn]] void record(const char* kind, uint32_t pc, uint32_t lr, uint32_t status);

void provoke();  // an undefined instruction, for the self-test
void hang(uint32_t seconds);  // until the watchdog ends it, for the self-test

}  // namespace fault
}  // namespace danas

// Where `hang` loops: the self-test looks for the address that is told in this function.
extern "C" __attribute__((noinline)) void danas_hang();
