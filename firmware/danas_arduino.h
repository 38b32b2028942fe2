// The serial port of an Arduino core as the wire's port.
#pragma once

#include "danas_platform.h"
#include "danas_wire.h"

namespace danas {

class ArduinoPort : public Port {
 public:
  void begin() { serial_begin(); }
  int read() override { return serial_read(); }
  void write(const char* bytes, size_t size) override { serial_write(bytes, size); }
};

}  // namespace danas
