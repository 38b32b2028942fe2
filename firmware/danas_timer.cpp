#include "danas_timer.h"

#include "danas_platform.h"

namespace danas {
namespace timer {

enum class Source { kDwt, kPlatform, kMicros };

static Source chosen = Source::kMicros;
static uint32_t cycles_at_start;
static uint32_t last_microseconds;
static uint64_t elapsed_microseconds;

#if defined(DANAS_CORTEX_M)

static volatile uint32_t& at(uint32_t address) {
  return *reinterpret_cast<volatile uint32_t*>(address);
}

static uint32_t cycles() { return at(0xE0001004); }  // DWT CYCCNT

static bool start_cycle_counter() {
  at(0xE000EDFC) |= 1u << 24;  // CoreDebug DEMCR: TRCENA
  at(0xE0001FB0) = 0xC5ACCE55;  // DWT LAR: a Cortex-M7 locks the unit, others ignore this
  at(0xE0001000) |= 1;          // DWT CTRL: CYCCNTENA
  const uint32_t before = cycles();
  for (volatile int i = 0; i < 100; i = i + 1) {
  }
  return cycles() != before;
}

#else

static uint32_t cycles() { return 0; }
static bool start_cycle_counter() { return false; }

#endif

static uint64_t microseconds_since_start() {
  const uint32_t now = microseconds();
  elapsed_microseconds += uint32_t(now - last_microseconds);
  last_microseconds = now;
  return elapsed_microseconds;
}

void begin() {
  if (start_cycle_counter()) {
    chosen = Source::kDwt;
  } else {
#if defined(DANAS_PLATFORM_TIMER_HZ)
    chosen = Source::kPlatform;
#else
    chosen = Source::kMicros;
#endif
  }
  last_microseconds = microseconds();
  elapsed_microseconds = 0;
  cycles_at_start = cycles();
}

void align() {
#if defined(DANAS_PLATFORM_TIMER_HZ)
  if (chosen == Source::kPlatform) danas_platform_align();
#endif
}

uint64_t ticks() {
#if defined(DANAS_PLATFORM_TIMER_HZ)
  if (chosen == Source::kPlatform) return danas_platform_ticks();
#endif
  if (chosen == Source::kMicros) return microseconds_since_start();
  const uint32_t low = cycles() - cycles_at_start;
  const uint64_t elapsed = microseconds_since_start();
  const uint32_t hz = core_clock_hz();
  // In two terms: the product of both would leave 64 bits within hours.
  return nearest(elapsed / 1000000 * hz + elapsed % 1000000 * hz / 1000000, low);
}

uint32_t rate_hz() {
#if defined(DANAS_PLATFORM_TIMER_HZ)
  if (chosen == Source::kPlatform) return DANAS_PLATFORM_TIMER_HZ;
#endif
  return chosen == Source::kDwt ? core_clock_hz() : 1000000;
}

const char* source() {
  switch (chosen) {
    case Source::kDwt:
      return "dwt";
    case Source::kPlatform:
      return "platform";
    case Source::kMicros:
      break;
  }
  return "micros";
}

}  // namespace timer
}  // namespace danas
