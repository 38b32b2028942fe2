// The sketch: a serial port, a model, and the loop that answers the host.
#include <Arduino.h>

#include "danas_arduino.h"
#include "danas_device.h"
#include "model.h"

static danas::ArduinoPort port;
static danas::Device device(port, danas_model(), danas_build);

// TensorFlow Lite Micro prints through this.
extern "C" void DebugLog(const char* text) { device.log(text); }

void setup() {
  port.begin();
  device.begin();
}

void loop() { device.poll(); }
