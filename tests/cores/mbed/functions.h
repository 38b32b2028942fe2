// Functions, variables and linker symbols of ArduinoCore-mbed 4.5.0 that the firmware uses. Files
// are those below cores/arduino/. In both.cpp these follow the core's own.
extern "C" {

unsigned long micros(void);  // api/Common.h:123 (ArduinoCore-API 1.5.2)
void setup(void);            // api/Common.h:136
void loop(void);             // api/Common.h:137

// mbed/cmsis/CMSIS_5/CMSIS/RTOS2/Include/cmsis_os2.h
typedef void* osThreadId_t;                                                    // :211
osThreadId_t osThreadGetId(void);                                              // :380
uint32_t osThreadGetStackSize(osThreadId_t thread_id);                         // :390
uint32_t osThreadEnumerate(osThreadId_t* thread_array, uint32_t array_items);  // :448

void mbed_stats_heap_get(mbed_stats_heap_t* stats);  // mbed/platform/include/platform/mbed_stats.h:76

// mbed/platform/include/platform/mbed_error.h
void mbed_error_hook(const mbed_error_ctx* error_context);  // :961
bool mbed_get_error_in_progress(void);                      // :1060

}  // extern "C"

extern arduino::UART _UART1_;           // Serial.h:83
extern arduino::UART _UART_USB_;        // Serial.h:87
extern arduino::USBSerial _SerialUSB;   // USB/PluggableUSBSerial.h:336

// Without "C": whoever declares them so again does not compile.
extern uint32_t __etext;         // mbed/drivers/include/drivers/FlashIAP.h:37
extern uint32_t __data_start__;  // mbed/drivers/include/drivers/FlashIAP.h:38
extern uint32_t __data_end__;    // mbed/drivers/include/drivers/FlashIAP.h:39
