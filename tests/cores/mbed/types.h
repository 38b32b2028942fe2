// Types of ArduinoCore-mbed 4.5.0, as much of them as the firmware uses. Files are those below
// cores/arduino/. In both.cpp this stands inside a namespace, beside the core's own.
namespace arduino {

class UART {  // Serial.h:39
 public:
  void begin(unsigned long);              // Serial.h:46
  int read(void);                         // Serial.h:52
  size_t write(const uint8_t*, size_t);   // Serial.h:55
};

class USBSerial {  // USB/PluggableUSBSerial.h:53
 public:
  void send_nb(uint8_t* buffer, uint32_t size, uint32_t* actual, bool now = true);  // USB/USBCDC.h:113
  bool connected();  // USB/PluggableUSBSerial.h:125
};

}  // namespace arduino

struct osRtxThread_t {  // mbed/cmsis/CMSIS_5/CMSIS/RTOS2/RTX/Include/rtx_os.h:103
  uint8_t id_to_attr[4];
  const void* name_and_links[6];
  uint32_t delay;
  uint8_t priority_to_options[4];
  uint32_t flags[2];
  void* mutex_list;
  void* stack_mem;      // :122
  uint32_t stack_size;  // :123
};

struct mbed_stats_heap_t {  // mbed/platform/include/platform/mbed_stats.h:61
  uint32_t current_size;
  uint32_t max_size;
  uint32_t total_size;
  uint32_t reserved_size;
  uint32_t alloc_cnt;
  uint32_t alloc_fail_cnt;
  uint32_t overhead_size;
};

typedef int mbed_error_status_t;  // mbed/platform/include/platform/mbed_error.h:110

enum {  // MBED_DEFINE_SYSTEM_ERROR(HARDFAULT_EXCEPTION, 61) and the three after it, at line 791 of
        // mbed/platform/include/platform/mbed_error.h
  MBED_ERROR_HARDFAULT_EXCEPTION = -2130771651,
  MBED_ERROR_MEMMANAGE_EXCEPTION = -2130771650,
  MBED_ERROR_BUSFAULT_EXCEPTION = -2130771649,
  MBED_ERROR_USAGEFAULT_EXCEPTION = -2130771648,
};

struct mbed_error_ctx {  // mbed/platform/include/platform/mbed_error.h:834
  mbed_error_status_t error_status;
  uint32_t error_address;
};

// mbed/targets/TARGET_NORDIC/TARGET_NRF5x/TARGET_SDK_15_0/modules/nrfx/mdk/nrf52840.h
struct NRF_WDT_Type {  // :1647
  volatile uint32_t TASKS_START;
  uint32_t to_counter[320];
  volatile uint32_t CRV;     // :1658
  volatile uint32_t RREN;    // :1659
  volatile uint32_t CONFIG;  // :1660
  uint32_t to_requests[60];
  volatile uint32_t RR[8];  // :1662
};

struct NRF_POWER_Type {  // :709
  uint32_t to_reasons[256];
  volatile uint32_t RESETREAS;  // :725
};
