// What the rest of the firmware needs of the machine under it: microseconds, a reset, a watchdog,
// and the bounds of image and stack. An Arduino core is one such machine; tests bring another.
#pragma once

#include <stddef.h>
#include <stdint.h>

#if defined(__ARM_ARCH_7M__) || defined(__ARM_ARCH_7EM__) || defined(__ARM_ARCH_8M_MAIN__)
#define DANAS_CORTEX_M 1  // ARMv7-M and later: with DWT and configurable fault status
#endif

namespace danas {

struct Span {
  uint8_t* begin;
  uint8_t* end;
};

uint32_t microseconds();       // wraps at 2^32
uint32_t core_clock_hz();
[[noreturn]] void reset();
void watchdog_begin(uint32_t seconds);  // resets the machine when it is not fed for so long
void watchdog_feed();
bool reset_by_watchdog();  // whether the last reset was; to be asked once after each
Span free_stack();             // what the running stack has not touched yet, as it stands now
uint8_t* stack_top();          // where the stack began
uint32_t image_flash_bytes();  // by linker symbols: code, constants and initial data
bool heap_bytes(uint32_t* bytes);  // what the heap has taken so far; false where nobody knows
uint32_t static_ram_bytes();   // by linker symbols: data and bss, no heap, no stack

}  // namespace danas

#if defined(DANAS_PLATFORM_TIMER_HZ)
// An emulated machine whose DWT does not count brings a timer of its own; `align` waits for the
// phase of it in which equal work takes equal ticks.
extern "C" uint64_t danas_platform_ticks(void);
extern "C" void danas_platform_align(void);
#endif
