#include "danas_fault.h"

#include <string.h>

#include "danas_cortex_m.h"
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

// Whole lines of a data cache: nothing else stands in one with it.
struct alignas(cortex_m::kCacheLineBytes) Lines {
  Record record;
};

static const uint32_t kMagic = 0xda4a5f17;
const char kWatchdog[] = "watchdog";

// Neither loaded nor cleared at start. An older GCC knows no such section; the assembler's comment
// sign hides the type that the compiler would give it.
#if defined(DANAS_CORTEX_M)
__attribute__((section(".noinit,\"aw\",%nobits @")))
#endif
static Lines lines;
static Record& kept = lines.record;
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
  cortex_m::clean_data_cache(&lines, sizeof lines);
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
  danas_hang();
}

}  // namespace fault
}  // namespace danas

void danas_hang() {
  for (volatile bool forever = true; forever;) {
  }
}
