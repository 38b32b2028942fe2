// Types of Arduino_Core_STM32 2.12.0, as much of them as the firmware uses. In both.cpp this stands
// inside a namespace, beside the core's own.
class HardwareSerial {  // cores/arduino/HardwareSerial.h:94
 public:
  void begin(unsigned long);             // cores/arduino/HardwareSerial.h:116
  virtual int read(void);                // cores/arduino/HardwareSerial.h:124
  size_t write(const uint8_t*, size_t);  // cores/arduino/HardwareSerial.h:145
};

// system/Drivers/CMSIS/Device/ST/STM32F7xx/Include/stm32f746xx.h:628
struct IWDG_TypeDef {
  volatile uint32_t KR;
  volatile uint32_t PR;
  volatile uint32_t RLR;
};
