// The watchdogs of the machines that run an Arduino core: each runs on a clock of its own and ends a
// program that is not heard of.
#include "danas_platform.h"

#if defined(ARDUINO)

#include <Arduino.h>

#if defined(ARDUINO_ARCH_MBED)  // nRF52840 Product Specification, 6.36 WDT and 5.3.7 RESETREAS

namespace danas {

// It can be neither changed nor stopped before it has fired, and goes on through a software reset:
// a bootloader that the next program comes by has as long as is left.
void watchdog_begin(uint32_t seconds) {
  NRF_WDT->CONFIG = 1;  // goes on while the processor sleeps, and not while a debugger holds it
  NRF_WDT->CRV = seconds * 32768 - 1;
  NRF_WDT->RREN = 1;
  NRF_WDT->TASKS_START = 1;
  watchdog_feed();
}

void watchdog_feed() { NRF_WDT->RR[0] = 0x6E524635; }

bool reset_by_watchdog() {
  const bool fired = (NRF_POWER->RESETREAS & 2) != 0;  // DOG
  NRF_POWER->RESETREAS = 2;                            // a 1 clears
  return fired;
}

}  // namespace danas

#elif defined(ARDUINO_ARCH_STM32)  // RM0090, RM0385, RM0433, RM0351: IWDG, and RCC's reset flags

#if !defined(IWDG)
#define IWDG IWDG1
#endif
#if !defined(RCC_FLAG_IWDGRST)
#define RCC_FLAG_IWDGRST RCC_FLAG_IWDG1RST
#endif

// Its counter lasts for seconds only, an inference may last longer: the core's interrupt of each
// millisecond feeds it, for as long as the program has time left.
static volatile uint32_t milliseconds_left;
static uint32_t milliseconds;

extern "C" void osSystickHandler(void) {
  if (milliseconds_left == 0) return;
  milliseconds_left = milliseconds_left - 1;
  IWDG->KR = 0xAAAA;
}

namespace danas {

void watchdog_begin(uint32_t seconds) {
  milliseconds_left = 0;  // feeding in between would end the permission to write
  IWDG->KR = 0xCCCC;      // on, until the next reset
  IWDG->KR = 0x5555;      // PR and RLR may be written
  IWDG->PR = 4;           // of 32 kHz, more or less, one in 64
  IWDG->RLR = 0xFFF;      // 8 seconds; 5 to 16 with the tolerance of that clock
  milliseconds = seconds * 1000;
  watchdog_feed();
}

void watchdog_feed() { milliseconds_left = milliseconds; }

bool reset_by_watchdog() {
  const bool fired = __HAL_RCC_GET_FLAG(RCC_FLAG_IWDGRST) != 0;
  __HAL_RCC_CLEAR_RESET_FLAGS();
  return fired;
}

}  // namespace danas

#else  // Arm's CMSDK watchdog, of the emulated machines of platforms/ (DDI 0479, 4.5)

static volatile uint32_t& at(uint32_t offset) {
  return *reinterpret_cast<volatile uint32_t*>(0x40008000 + offset);
}

namespace danas {

void watchdog_begin(uint32_t seconds) {
  at(0x00) = seconds * F_CPU;  // WDOGLOAD
  at(0x08) = 3;  // WDOGCONTROL: first an interrupt, NMI; a reset when that is not answered either
}

void watchdog_feed() { at(0x0C) = 1; }  // WDOGINTCLR: begins anew

// The handler of the NMI writes the record.
bool reset_by_watchdog() { return false; }

}  // namespace danas

extern "C" __attribute__((naked)) void NMI_Handler() {
  __asm volatile(
      "mov r0, sp\n"
      "b danas_hung\n");
}

#endif

#endif  // ARDUINO
