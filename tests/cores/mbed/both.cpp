// The core's own headers and ours in one translation unit: it does not compile where ours differ.
#include <Arduino.h>
#include <USB/PluggableUSBSerial.h>
#include <mbed.h>
#include <mbed_error.h>
#include <mbed_stats.h>
#include <nrf.h>
#include <rtx_os.h>

#include <stddef.h>

namespace ours {
#include "types.h"
}
#include "functions.h"

#include "../same.h"

SAME_METHOD(arduino::UART, begin, void, unsigned long)
SAME_METHOD(arduino::UART, read, int)
SAME_METHOD(arduino::UART, write, size_t, const uint8_t*, size_t)
SAME_METHOD(arduino::USBSerial, send_nb, void, uint8_t*, uint32_t, uint32_t*, bool)
SAME_METHOD(arduino::USBSerial, connected, bool)
SAME_FIELD(osRtxThread_t, stack_mem)
SAME_FIELD(osRtxThread_t, stack_size)
SAME_FIELD(mbed_stats_heap_t, max_size)
SAME_FIELD(mbed_stats_heap_t, reserved_size)
SAME_FIELD(mbed_stats_heap_t, overhead_size)
static_assert(sizeof(ours::mbed_stats_heap_t) == sizeof(mbed_stats_heap_t), "filled by mbed");
SAME_FIELD(mbed_error_ctx, error_status)
SAME_FIELD(mbed_error_ctx, error_address)
SAME_FIELD(NRF_WDT_Type, TASKS_START)
SAME_FIELD(NRF_WDT_Type, CRV)
SAME_FIELD(NRF_WDT_Type, RREN)
SAME_FIELD(NRF_WDT_Type, CONFIG)
SAME_FIELD(NRF_WDT_Type, RR)
SAME_FIELD(NRF_POWER_Type, RESETREAS)
SAME_VALUE(MBED_ERROR_HARDFAULT_EXCEPTION)
SAME_VALUE(MBED_ERROR_MEMMANAGE_EXCEPTION)
SAME_VALUE(MBED_ERROR_BUSFAULT_EXCEPTION)
SAME_VALUE(MBED_ERROR_USAGEFAULT_EXCEPTION)
static_assert(NRF_WDT_BASE == 0x40010000UL, "");
static_assert(NRF_POWER_BASE == 0x40000000UL, "");
SAME_MACRO(Serial, "_UART_USB_")
SAME_MACRO(Serial1, "_UART1_")
