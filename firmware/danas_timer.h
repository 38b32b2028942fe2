// The one clock that figures are taken with: DWT's cycle counter where it counts, else the
// emulated machine's timer, else microseconds. hello tells which, and its rate.
#pragma once

#include <stdint.h>

namespace danas {
namespace timer {

void begin();
void align();      // to be called right before what is timed: equal work then takes equal ticks
uint64_t ticks();  // never wraps, if called at least once in 71 minutes
uint32_t rate_hz();
const char* source();  // "dwt", "platform" or "micros"

// The number nearest to `coarse` whose lower 32 bits are `low`: a counter of 32 bits wraps within
// a minute at 64 MHz, and a slower clock says how often it did.
inline uint64_t nearest(uint64_t coarse, uint32_t low) {
  return coarse + uint64_t(int64_t(int32_t(low - uint32_t(coarse))));
}

}  // namespace timer
}  // namespace danas
