// Stack painting: the free stack is filled with a pattern at start; what has lost the pattern
// since was used.
#pragma once

#include <stdint.h>

namespace danas {
namespace stack {

void paint();
uint32_t peak_bytes();     // most of the stack that was in use at any moment since `paint`
uint32_t painted_bytes();  // how much was painted; a peak that used all of it may be higher

}  // namespace stack
}  // namespace danas
