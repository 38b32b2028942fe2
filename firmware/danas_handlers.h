// Handlers of the processor's exceptions, for a core that leaves them to the sketch: its port, and
// no other file, includes this.
#pragma once

#include "danas_cortex_m.h"
#include "danas_fault.h"

// The frame of eight registers of what was interrupted: r0 to r3, r12, lr, pc, xpsr.
extern "C" __attribute__((used)) inline void danas_faulted(const uint32_t* frame) {
  danas::fault::record("hardfault", frame[6], frame[5], danas::cortex_m::fault_status());
}

extern "C" __attribute__((used)) inline void danas_hung(const uint32_t* frame) {
  danas::fault::record(danas::fault::kWatchdog, frame[6], frame[5], 0);
}

// Bit 2 of EXC_RETURN tells which stack holds the frame. Nothing may touch the stack before.
#define DANAS_HANDLER(name, body)                           \
  extern "C" __attribute__((naked, used)) void name(void) { \
    __asm volatile(                                         \
        "tst lr, #4\n"                                      \
        "ite eq\n"                                          \
        "mrseq r0, msp\n"                                   \
        "mrsne r0, psp\n"                                   \
        "b " #body "\n");                                   \
  }

// The last three escalate to the first where they are not enabled, which hardware does and not
// every emulator; the fault status tells them apart.
DANAS_HANDLER(HardFault_Handler, danas_faulted)
DANAS_HANDLER(MemManage_Handler, danas_faulted)
DANAS_HANDLER(BusFault_Handler, danas_faulted)
DANAS_HANDLER(UsageFault_Handler, danas_faulted)

// Whoever finds that the program's time is over, in an interrupt, sets this one pending
// (cortex_m::pend_sv): it follows right after, and its frame is that of the code that hangs.
DANAS_HANDLER(PendSV_Handler, danas_hung)

#undef DANAS_HANDLER
