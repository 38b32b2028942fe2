// The STM32 core (stm32duino): linker symbols, serial port, watchdog and handlers.
#include "danas_platform.h"

#if defined(ARDUINO_ARCH_STM32)

#include <Arduino.h>

#include "danas_handlers.h"
#include "danas_symbols.h"

#if !defined(IWDG)
#define IWDG IWDG1
#endif
#if !defined(RCC_FLAG_IWDGRST)
#define RCC_FLAG_IWDGRST RCC_FLAG_IWDG1RST
#endif

namespace danas {

uint32_t microseconds() { return micros(); }
uint32_t core_clock_hz() { return SystemCoreClock; }
void reset() { cortex_m::system_reset(); }

void serial_begin() { DANAS_SERIAL.begin(DANAS_BAUD); }
int serial_read() { return DANAS_SERIAL.read(); }

// A UART sends whether anybody listens or not.
void serial_write(const char* bytes, size_t size) {
  DANAS_SERIAL.write(reinterpret_cast<const uint8_t*>(bytes), size);
}

// IWDG (RM0090, RM0385, RM0433, RM0351). Its counter lasts for seconds only, an inference may last
// longer: the core's interrupt of each millisecond feeds it, for as long as the program has time
// left. After that it has the program's place written down; IWDG itself ends what no interrupt
// reaches any more.
static volatile uint32_t milliseconds_left;
static uint32_t milliseconds;

void watchdog_begin(uint32_t seconds) {
  milliseconds_left = 0;  // feeding in between would end the permission to write
  IWDG->KR = 0xCCCC;      // on, until the next reset
  IWDG->KR = 0x5555;      // PR and RLR may be written
  IWDG->PR = 4;           // of 32 kHz, more or less, one in 64
  IWDG->RLR = 0xFFF;      // 8 seconds; 5 to 16 with the tolerance of that clock
  milliseconds = seconds * 1000;
  IWDG->KR = 0xAAAA;
  watchdog_feed();
}

void watchdog_feed() { milliseconds_left = milliseconds; }

bool reset_by_watchdog() {
  const bool fired = __HAL_RCC_GET_FLAG(RCC_FLAG_IWDGRST) != 0;
  __HAL_RCC_CLEAR_RESET_FLAGS();
  return fired;
}

static void millisecond() {
  if (milliseconds_left == 0) return;
  milliseconds_left = milliseconds_left - 1;
  if (milliseconds_left == 0) return cortex_m::pend_sv();
  IWDG->KR = 0xAAAA;
}

}  // namespace danas

// The core calls this in its SysTick_Handler.
extern "C" void osSystickHandler(void) { danas::millisecond(); }

#endif  // ARDUINO_ARCH_STM32
