// Registers of ARMv7-M processors that every core has at the same place (ARM DDI 0403E, B3.2), and
// what is done with them. Names nothing of any Arduino core.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace danas {
namespace cortex_m {

constexpr uintptr_t kCacheLineBytes = 32;  // of a Cortex-M7 (ARM DDI 0489F, 5.5)

// The cache lines that `size` bytes at `address` lie in: the first one's address, and how many.
constexpr uintptr_t first_line(uintptr_t address) { return address & ~(kCacheLineBytes - 1); }
constexpr uintptr_t lines(uintptr_t address, size_t size) {
  return size == 0 ? 0
                   : (first_line(address + size - 1) - first_line(address)) / kCacheLineBytes + 1;
}

#if defined(__arm__)

inline volatile uint32_t& at(uintptr_t address) {
  return *reinterpret_cast<volatile uint32_t*>(address);
}

inline void barrier() { __asm volatile("dsb" ::: "memory"); }

[[noreturn]] inline void system_reset() {
  barrier();
  at(0xE000ED0C) = 0x05FA0004;  // AIRCR: VECTKEY, SYSRESETREQ
  for (;;) {
  }
}

inline uint32_t fault_status() { return at(0xE000ED28); }  // CFSR

inline void pend_sv() { at(0xE000ED04) = 1u << 28; }  // ICSR: PENDSVSET

// A reset forgets what stands in a data cache: brings what was written there into the RAM. Where
// there is no cache, or it is off, its bit in CCR reads as zero.
inline void clean_data_cache(const void* begin, size_t size) {
  barrier();
  if ((at(0xE000ED14) & (1u << 16)) == 0) return;  // CCR: DC
  const uintptr_t address = reinterpret_cast<uintptr_t>(begin);
  for (uintptr_t i = 0; i < lines(address, size); ++i) {
    at(0xE000EF68) = uint32_t(first_line(address) + i * kCacheLineBytes);  // DCCMVAC
  }
  barrier();
}

#else

inline void clean_data_cache(const void*, size_t) {}

#endif

}  // namespace cortex_m
}  // namespace danas
