// The serial port of an Arduino core as the wire's port.
#pragma once

#include <Arduino.h>

#include "danas_wire.h"

#if !defined(DANAS_SERIAL)
#define DANAS_SERIAL Serial
#endif
#if !defined(DANAS_BAUD)
#define DANAS_BAUD 115200
#endif

namespace danas {

class ArduinoPort : public Port {
 public:
  void begin() { DANAS_SERIAL.begin(DANAS_BAUD); }
  int read() override { return DANAS_SERIAL.read(); }
  void write(const char* bytes, size_t size) override {
    DANAS_SERIAL.write(reinterpret_cast<const uint8_t*>(bytes), size);
  }
};

}  // namespace danas
