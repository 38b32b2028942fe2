// As the firmware once declared mbed's linker symbols: the core's headers have some of them with
// another linkage, so that it did not compile.
#include <Arduino.h>
#include <mbed.h>

extern "C" {
extern uint32_t __etext, __data_start__, __data_end__, __bss_end__, __isr_vector;
}
