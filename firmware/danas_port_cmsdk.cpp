// The emulated machines of platforms/, which are made of Arm's CMSDK (DDI 0479): linker symbols,
// serial port, watchdog and handlers.
#include "danas_platform.h"

#if defined(ARDUINO_ARCH_QEMU)

#include <Arduino.h>

#include "danas_handlers.h"
#include "danas_symbols.h"

namespace danas {

uint32_t microseconds() { return micros(); }
uint32_t core_clock_hz() { return SystemCoreClock; }
void reset() { cortex_m::system_reset(); }

void serial_begin() { DANAS_SERIAL.begin(DANAS_BAUD); }
int serial_read() { return DANAS_SERIAL.read(); }
void serial_write(const char* bytes, size_t size) {
  DANAS_SERIAL.write(reinterpret_cast<const uint8_t*>(bytes), size);
}

// CMSDK watchdog (DDI 0479, 4.5).
static volatile uint32_t& watchdog(uint32_t offset) { return cortex_m::at(0x40008000 + offset); }

void watchdog_begin(uint32_t seconds) {
  watchdog(0x00) = seconds * F_CPU;  // WDOGLOAD
  watchdog(0x08) = 3;  // WDOGCONTROL: first an interrupt, NMI; a reset when it is not answered
}

void watchdog_feed() { watchdog(0x0C) = 1; }  // WDOGINTCLR: begins anew

// The handler that the NMI leads to writes the record.
bool reset_by_watchdog() { return false; }

}  // namespace danas

// As the core's tick does on an STM32: what hangs is told by the handler that follows. The reset
// still comes, from a counter that begins anew, where that can't run.
extern "C" void NMI_Handler(void) {
  danas::watchdog_feed();
  danas::cortex_m::pend_sv();
}

#endif  // ARDUINO_ARCH_QEMU
