#include "danas_stack.h"

#include "danas_platform.h"

namespace danas {
namespace stack {

static Span painted = {nullptr, nullptr};
static const uint8_t kPattern = 0xa5;

__attribute__((noinline)) void paint() {
  painted = free_stack();
  // What lies right below may be this function's own.
  if (painted.end - painted.begin > 128) painted.end -= 128;
  for (volatile uint8_t* at = painted.begin; at < painted.end; ++at) *at = kPattern;
}

uint32_t peak_bytes() {
  const volatile uint8_t* at = painted.begin;
  while (at < painted.end && *at == kPattern) ++at;
  return uint32_t(stack_top() - at);
}

uint32_t painted_bytes() { return uint32_t(painted.end - painted.begin); }

}  // namespace stack
}  // namespace danas
