// Bounds of image, heap and stack by the symbols of ST's linker scripts, which those of platforms/
// share: the port of such a core, and no other file, includes this.
#pragma once

#include "danas_platform.h"

namespace danas {

// By names of our own: a core's headers may declare the symbols otherwise.
extern uint8_t image_begin[] __asm__("g_pfnVectors");
extern uint8_t image_end[] __asm__("_sidata");  // the initial data begin here
extern uint8_t data_begin[] __asm__("_sdata");
extern uint8_t data_end[] __asm__("_edata");
extern uint8_t bss_begin[] __asm__("_sbss");
extern uint8_t bss_end[] __asm__("_ebss");
extern uint8_t heap_begin[] __asm__("_end");
extern uint8_t stack_begin[] __asm__("_estack");
void* grow_heap(ptrdiff_t bytes) __asm__("_sbrk");

Span free_stack() {
  uint8_t* here = static_cast<uint8_t*>(__builtin_frame_address(0));
  uint8_t* heap_end = static_cast<uint8_t*>(grow_heap(0));
  const ptrdiff_t most = 65536;  // enough to see a peak; a whole SRAM takes too long to paint
  return {here - heap_end > most ? here - most : heap_end, here};
}

uint8_t* stack_top() { return stack_begin; }

uint32_t image_flash_bytes() {
  return uint32_t(image_end - image_begin) + uint32_t(data_end - data_begin);
}

// What survives a reset, or a gap of alignment, may lie between the two.
uint32_t static_ram_bytes() {
  return uint32_t(data_end - data_begin) + uint32_t(bss_end - bss_begin);
}

RunTimeRam run_time_ram() {
  return {uint32_t(static_cast<uint8_t*>(grow_heap(0)) - heap_begin), kUnknown, kUnknown};
}

}  // namespace danas
