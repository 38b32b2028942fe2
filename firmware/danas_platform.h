// What the rest of the firmware needs of the machine under it: microseconds, a serial port, a
// reset, a watchdog, and the bounds of image, stack and heap. For each Arduino core, one file
// danas_port_*.cpp holds all that names something of that core; tests bring another machine.
#pragma once

#include <stddef.h>
#include <stdint.h>

#if defined(__ARM_ARCH_7M__) || defined(__ARM_ARCH_7EM__) || defined(__ARM_ARCH_8M_MAIN__)
#define DANAS_CORTEX_M 1  // ARMv7-M and later: with DWT and configurable fault status
#endif

// The Arduino object of the serial port, and its bits a second: the board's settings say them.
#if !defined(DANAS_SERIAL)
#define DANAS_SERIAL Serial
#endif
#if !defined(DANAS_BAUD)
#define DANAS_BAUD 115200
#endif

namespace danas {

struct Span {
  uint8_t* begin;
  uint8_t* end;
};

constexpr uint32_t kUnknown = UINT32_MAX;

// What is taken besides what the linker has laid out, in bytes; kUnknown where nobody knows.
struct RunTimeRam {
  uint32_t heap;       // of the RAM, so far; a heap gives none of it back
  uint32_t heap_peak;  // of that, the most that was allocated at once
  uint32_t stacks;     // of all threads of an operating system, wherever they lie
};

uint32_t microseconds();       // wraps at 2^32
uint32_t core_clock_hz();
[[noreturn]] void reset();

void serial_begin();
int serial_read();  // a byte, or -1 when none has arrived
// Ends within seconds, whatever becomes of the bytes: nobody may be there to take them.
void serial_write(const char* bytes, size_t size);

void watchdog_begin(uint32_t seconds);  // resets the machine when it is not fed for so long
void watchdog_feed();
bool reset_by_watchdog();  // whether the last reset was; to be asked once after each

Span free_stack();             // what the running stack has not touched yet, as it stands now
uint8_t* stack_top();          // where the stack began
uint32_t image_flash_bytes();  // by linker symbols: code, constants and initial data
uint32_t static_ram_bytes();   // by linker symbols: data and bss, no heap, no stack
RunTimeRam run_time_ram();

}  // namespace danas

#if defined(DANAS_PLATFORM_TIMER_HZ)
// An emulated machine whose DWT does not count brings a timer of its own; `align` waits for the
// phase of it in which equal work takes equal ticks.
extern "C" uint64_t danas_platform_ticks(void);
extern "C" void danas_platform_align(void);
#endif
