// The mbed core on an nRF52840 (ArduinoCore-mbed): linker symbols, serial ports, watchdog, and what
// its operating system tells.
#include "danas_platform.h"

#if defined(ARDUINO_ARCH_MBED)

#include <Arduino.h>
#include <USB/PluggableUSBSerial.h>
#include <mbed_error.h>
#include <mbed_stats.h>
#include <nrf.h>
#include <rtx_os.h>

#include "danas_cortex_m.h"
#include "danas_fault.h"
#include "danas_patience.h"

namespace danas {

// Linker symbols by names of our own: the core's headers declare some of them otherwise.
extern uint8_t image_begin[] __asm__("__Vectors");
extern uint8_t image_end[] __asm__("__etext");  // the initial data follow it
extern uint8_t data_begin[] __asm__("__data_start__");
extern uint8_t data_end[] __asm__("__data_end__");
extern uint8_t bss_begin[] __asm__("__bss_start__");
extern uint8_t bss_end[] __asm__("__bss_end__");
extern uint8_t heap_begin[] __asm__("__end__");
void* grow_heap(ptrdiff_t bytes) __asm__("_sbrk");
extern uint32_t core_clock __asm__("SystemCoreClock");

uint32_t microseconds() { return micros(); }
uint32_t core_clock_hz() { return core_clock; }
void reset() { cortex_m::system_reset(); }

void serial_begin() { DANAS_SERIAL.begin(DANAS_BAUD); }
int serial_read() { return DANAS_SERIAL.read(); }

// The core's own write waits for as long as a host holds the port open and does not read.
static void write_over_usb(const char* bytes, size_t size) {
  static Patience patience;
  const auto send = [](const char* from, size_t left) {
    const size_t most = 63;  // of a packet's 64: a host waits for what follows a full one
    uint32_t sent = 0;
    uint8_t* const packet = reinterpret_cast<uint8_t*>(const_cast<char*>(from));
    _SerialUSB.send_nb(packet, left < most ? left : most, &sent, true);
    return size_t(sent);
  };
  patience.write(bytes, size, send, [] { return _SerialUSB.connected(); });
}

static bool is_usb(const arduino::UART* port) { return port == &_UART_USB_; }

void serial_write(const char* bytes, size_t size) {
  if (is_usb(&DANAS_SERIAL)) return write_over_usb(bytes, size);
  DANAS_SERIAL.write(reinterpret_cast<const uint8_t*>(bytes), size);
}

// setup() and loop() run in mbed's main thread, whose stack the operating system knows.
static osRtxThread_t* thread() { return static_cast<osRtxThread_t*>(osThreadGetId()); }

Span free_stack() {
  uint8_t* here = static_cast<uint8_t*>(__builtin_frame_address(0));
  // The lowest word is the operating system's own mark against overflow.
  return {static_cast<uint8_t*>(thread()->stack_mem) + 16, here};
}

uint8_t* stack_top() {
  return static_cast<uint8_t*>(thread()->stack_mem) + thread()->stack_size;
}

uint32_t image_flash_bytes() {
  return uint32_t(image_end - image_begin) + uint32_t(data_end - data_begin);
}

// What survives a reset lies between the two.
uint32_t static_ram_bytes() {
  return uint32_t(data_end - data_begin) + uint32_t(bss_end - bss_begin);
}

// Of the threads, the stacks of main, idle and timer are static data, those of others lie in the
// heap.
RunTimeRam run_time_ram() {
  mbed_stats_heap_t heap;
  mbed_stats_heap_get(&heap);  // all zero where the core was built without
  osThreadId_t threads[16];
  const uint32_t count = osThreadEnumerate(threads, sizeof threads / sizeof threads[0]);
  uint32_t stacks = 0;
  for (uint32_t i = 0; i < count; ++i) stacks += osThreadGetStackSize(threads[i]);
  return {uint32_t(static_cast<uint8_t*>(grow_heap(0)) - heap_begin),
          heap.reserved_size == 0 ? kUnknown : heap.max_size + heap.overhead_size, stacks};
}

// nRF52840 Product Specification, 6.36 WDT and 5.3.7 RESETREAS. It can be neither changed nor
// stopped before it has fired, and goes on through a software reset: a bootloader that the next
// program comes by has as long as is left.
void watchdog_begin(uint32_t seconds) {
  NRF_WDT->CONFIG = 1;  // goes on while the processor sleeps, and not while a debugger holds it
  NRF_WDT->CRV = seconds * 32768 - 1;
  NRF_WDT->RREN = 1;
  NRF_WDT->TASKS_START = 1;
  watchdog_feed();
}

void watchdog_feed() { NRF_WDT->RR[0] = 0x6E524635; }

bool reset_by_watchdog() {
  const bool fired = (NRF_POWER->RESETREAS & 2) != 0;  // DOG
  NRF_POWER->RESETREAS = 2;                            // a 1 clears
  return fired;
}

}  // namespace danas

// mbed has fault handlers of its own and calls this when they are done, and for errors of its
// software; for warnings too, after which it goes on.
extern "C" void mbed_error_hook(const mbed_error_ctx* context) {
  if (!mbed_get_error_in_progress()) return;
  const mbed_error_status_t status = context->error_status;
  const bool faulted = status == MBED_ERROR_HARDFAULT_EXCEPTION ||
                       status == MBED_ERROR_MEMMANAGE_EXCEPTION ||
                       status == MBED_ERROR_BUSFAULT_EXCEPTION ||
                       status == MBED_ERROR_USAGEFAULT_EXCEPTION;
  danas::fault::record(faulted ? "hardfault" : "mbed", context->error_address, 0,
                       faulted ? danas::cortex_m::fault_status() : uint32_t(status));
}

#endif  // ARDUINO_ARCH_MBED
