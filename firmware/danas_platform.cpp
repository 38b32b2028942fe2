#include "danas_platform.h"

#if defined(ARDUINO)

#include <Arduino.h>

#if defined(ARDUINO_ARCH_MBED)

#include <mbed.h>
#include <rtx_os.h>

namespace danas {

// Linker symbols by names of our own: the core's headers declare some of them otherwise.
extern uint8_t image_begin[] __asm__("__Vectors");
extern uint8_t image_end[] __asm__("__etext");  // the initial data follow it
extern uint8_t data_begin[] __asm__("__data_start__");
extern uint8_t data_end[] __asm__("__data_end__");
extern uint8_t bss_begin[] __asm__("__bss_start__");
extern uint8_t bss_end[] __asm__("__bss_end__");

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
  return uint32_t(image_end - image_begin) + uint32_t(data_end - data_begin);
}

// The operating system's heap holds its threads' stacks too and keeps no count.
bool heap_bytes(uint32_t*) { return false; }

// What survives a reset lies between the two.
uint32_t static_ram_bytes() {
  return uint32_t(data_end - data_begin) + uint32_t(bss_end - bss_begin);
}

}  // namespace danas

#else  // STM32 cores, and the emulated machines of platforms/, which use the same symbols

extern "C" void* _sbrk(ptrdiff_t bytes);

namespace danas {

// Linker symbols by names of our own: a core's headers may declare them otherwise.
extern uint8_t image_begin[] __asm__("g_pfnVectors");
extern uint8_t image_end[] __asm__("_sidata");  // the initial data begin here
extern uint8_t data_begin[] __asm__("_sdata");
extern uint8_t data_end[] __asm__("_edata");
extern uint8_t bss_begin[] __asm__("_sbss");
extern uint8_t bss_end[] __asm__("_ebss");
extern uint8_t heap_begin[] __asm__("_end");
extern uint8_t stack_begin[] __asm__("_estack");

Span free_stack() {
  uint8_t* here = static_cast<uint8_t*>(__builtin_frame_address(0));
  uint8_t* heap_end = static_cast<uint8_t*>(_sbrk(0));
  const ptrdiff_t most = 65536;  // enough to see a peak; a whole SRAM takes too long to paint
  return {here - heap_end > most ? here - most : heap_end, here};
}

uint8_t* stack_top() { return stack_begin; }

uint32_t image_flash_bytes() {
  return uint32_t(image_end - image_begin) + uint32_t(data_end - data_begin);
}

bool heap_bytes(uint32_t* bytes) {
  *bytes = uint32_t(static_cast<uint8_t*>(_sbrk(0)) - heap_begin);
  return true;
}

// A gap of alignment may lie between the two.
uint32_t static_ram_bytes() {
  return uint32_t(data_end - data_begin) + uint32_t(bss_end - bss_begin);
}

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
