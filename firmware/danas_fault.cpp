#include "danas_fault.h"

#include <string.h>

#include "danas_platform.h"

namespace danas {
namespace fault {

struct Record {
  uint32_t magic;
  uint32_t starts;  // since the power came
  char kind[16];    // "" is no fault
  uint32_t pc;
  uint32_t lr;
  uint32_t status;  // SCB CFSR
  uint32_t crc;     // of all before
};

static const uint32_t kMagic = 0xda4a5f17;
static const char kWatchdog[] = "watchdog";

// Neither loaded nor cleared at start. An older GCC knows no such section; the assembler's comment
// sign hides the type that the compiler would give it.
#if defined(DANAS_CORTEX_M)
__attribute__((section(".noinit,\"aw\",%nobits @")))
#endif
static Record kept;
static Record told;
static bool cold = true;

static uint32_t crc_of(const Record& record) { return crc32(&record, offsetof(Record, crc)); }

static void keep(const char* kind, uint32_t pc, uint32_t lr, uint32_t status) {
  kept.magic = kMagic;
  memset(kept.kind, 0, sizeof kept.kind);
  strncpy(kept.kind, kind, sizeof kept.kind - 1);
  kept.pc = pc;
  kept.lr = lr;
  kept.status = status;
  kept.crc = crc_of(kept);
}

void begin() {
  cold = kept.magic != kMagic || kept.crc != crc_of(kept);
  if (cold) memset(&kept, 0, sizeof kept);
  told = kept;
  const bool hung = reset_by_watchdog();
  if (hung && told.kind[0] == '\0') strcpy(told.kind, kWatchdog);
  ++kept.starts;
  keep("", 0, 0, 0);
  told.starts = kept.starts;
}

void add_to(Json* json) {
  const bool faulted = told.kind[0] != '\0';
  json->text("reset", faulted ? "fault" : cold ? "power" : "reset");
  json->number("starts", told.starts);
  if (!faulted) {
    json->null("fault");
    return;
  }
  json->text("fault", told.kind);
  if (told.pc == 0) return;  // nobody knows where
  json->hex("pc", told.pc);
  json->hex("lr", told.lr);
  json->hex("status", told.status);
}

void record(const char* kind, uint32_t pc, uint32_t lr, uint32_t status) {
  keep(kind, pc, lr, status);
  reset();
}

void provoke() {
#if defined(DANAS_CORTEX_M)
  __asm volatile("udf #0");
#else
  record("provoked", 0x1234, 0, 0);
#endif
}

void hang(uint32_t seconds) {
  watchdog_begin(seconds);
  for (volatile bool forever = true; forever;) {
  }
}

}  // namespace fault
}  // namespace danas

#if defined(ARDUINO_ARCH_MBED)

#include <mbed_error.h>

// mbed has fault handlers of its own and calls this when they are done.
extern "C" void mbed_error_hook(const mbed_error_ctx* context) {
  danas::fault::record("mbed", context->error_address, 0, uint32_t(context->error_status));
}

#elif defined(DANAS_CORTEX_M)

extern "C" __attribute__((used)) void danas_hard_fault(const uint32_t* frame) {
  const uint32_t status = *reinterpret_cast<volatile uint32_t*>(0xE000ED28);  // SCB CFSR
  danas::fault::record("hardfault", frame[6], frame[5], status);
}

// Of a watchdog that interrupts before it resets.
extern "C" __attribute__((used)) void danas_hung(const uint32_t* frame) {
  danas::fault::record(danas::fault::kWatchdog, frame[6], frame[5], 0);
}

extern "C" __attribute__((naked)) void HardFault_Handler() {
  // EXC_RETURN bit 2 tells which stack holds the frame of eight registers.
  __asm volatile(
      "tst lr, #4\n"
      "ite eq\n"
      "mrseq r0, msp\n"
      "mrsne r0, psp\n"
      "b danas_hard_fault\n");
}

#endif
