// As the firmware once found the beginning of its image on mbed: no start-up file of that core has
// this symbol, so that it did not link.
#include <stdint.h>

extern "C" {
extern uint32_t __etext, __isr_vector;
}

uint32_t code_bytes() { return uint32_t(&__etext) - uint32_t(&__isr_vector); }
