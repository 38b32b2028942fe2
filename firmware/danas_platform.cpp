#include "danas_platform.h"

#if defined(ARDUINO)

#include <Arduino.h>

#if defined(ARDUINO_ARCH_MBED)

#include <mbed.h>
#include <rtx_os.h>

extern "C" {
extern uint32_t __etext, __data_start__, __data_end__, __bss_end__, __isr_vector;
}

namespace danas {

// setup() and loop() run in mbed's main thread, whose stack the operating system knows.
static osRtxThread_t* thread() { return static_cast<osRtxThread_t*>(osThreadGetId()); }

Span free_stack() {
  uint8_t* here = static_cast<uint8_t*>(__builtin_frame_address(0));
  // The lowest word is the operating system's own mark against overflow.
  return {static_cast<uint8_t*>(thread()->stack_mem) + 16, here};
}

uint8_t* stack_top() {
  return static_cast<uint8_t*>(thread()->stack_mem) + thread()->stack_size;
}

uint32_t image_flash_bytes() {
  const uint32_t data = (uint32_t)&__data_end__ - (uint32_t)&__data_start__;
  return (uint32_t)&__etext - (uint32_t)&__isr_vector + data;
}

// The operating system's heap holds its threads' stacks too and keeps no count.
bool heap_bytes(uint32_t*) { return false; }

uint32_t static_ram_bytes() { return (uint32_t)&__bss_end__ - (uint32_t)&__data_start__; }

}  // namespace danas

#else  // STM32 cores, and the emulated machines of platforms/, which use the same symbols

extern "C" {
extern uint32_t g_pfnVectors, _sidata, _sdata, _edata, _ebss, _end, _estack;
void* _sbrk(ptrdiff_t bytes);
}

namespace danas {

Span free_stack() {
  uint8_t* here = static_cast<uint8_t*>(__builtin_frame_address(0));
  uint8_t* heap_end = static_cast<uint8_t*>(_sbrk(0));
  const ptrdiff_t most = 65536;  // enough to see a peak; a whole SRAM takes too long to paint
  return {here - heap_end > most ? here - most : heap_end, here};
}

uint8_t* stack_top() { return reinterpret_cast<uint8_t*>(&_estack); }

uint32_t image_flash_bytes() {
  return (uint32_t)&_sidata - (uint32_t)&g_pfnVectors + ((uint32_t)&_edata - (uint32_t)&_sdata);
}

bool heap_bytes(uint32_t* bytes) {
  *bytes = uint32_t(reinterpret_cast<uintptr_t>(_sbrk(0)) - reinterpret_cast<uintptr_t>(&_end));
  return true;
}

uint32_t static_ram_bytes() { return (uint32_t)&_ebss - (uint32_t)&_sdata; }

}  // namespace danas

#endif

extern "C" uint32_t SystemCoreClock;

namespace danas {

uint32_t microseconds() { return micros(); }

uint32_t core_clock_hz() { return SystemCoreClock; }

void reset() {
  __asm volatile("dsb" ::: "memory");
  *reinterpret_cast<volatile uint32_t*>(0xE000ED0C) = 0x05FA0004;  // SCB AIRCR: SYSRESETREQ
  for (;;) {
  }
}

}  // namespace danas

#endif  // ARDUINO
