// The core's own headers and ours in one translation unit: it does not compile where ours differ.
#include <Arduino.h>

#include <stddef.h>

namespace ours {
#include "types.h"
}
#include "functions.h"

#include "../same.h"

SAME_METHOD(HardwareSerial, begin, void, unsigned long)
SAME_METHOD(HardwareSerial, read, int)
SAME_METHOD(HardwareSerial, write, size_t, const uint8_t*, size_t)
SAME_FIELD(IWDG_TypeDef, KR)
SAME_FIELD(IWDG_TypeDef, PR)
SAME_FIELD(IWDG_TypeDef, RLR)
#if defined(STM32H7xx)
static_assert(IWDG1_BASE == 0x58004800UL, "");
static_assert(RCC_FLAG_IWDG1RST == 0x9A, "");
#else
static_assert(IWDG_BASE == 0x40003000UL, "");
#endif
