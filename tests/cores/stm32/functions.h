// Functions and variables of Arduino_Core_STM32 2.12.0 that the firmware uses. In both.cpp these
// follow the core's own.
extern "C" {

uint32_t micros(void);  // cores/arduino/wiring_time.h:49
void setup(void);       // cores/arduino/Arduino.h:47
void loop(void);        // cores/arduino/Arduino.h:48
// system/Drivers/CMSIS/Device/ST/STM32F7xx/Include/system_stm32f7xx.h:57
extern uint32_t SystemCoreClock;

}  // extern "C"

extern HardwareSerial Serial3;  // cores/arduino/WSerial.h
