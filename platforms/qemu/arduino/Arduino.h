// As much of Arduino as a sketch needs that talks over a serial port and takes the time.
#pragma once

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef uint8_t byte;
typedef bool boolean;

extern uint32_t SystemCoreClock;

unsigned long millis(void);
unsigned long micros(void);
void delay(unsigned long milliseconds);
void delayMicroseconds(unsigned int microseconds);
uint64_t danas_platform_ticks(void);  // of the core clock, since the start; never wraps
void danas_platform_align(void);      // waits for the phase of it in which equal work takes equal ticks

#ifdef __cplusplus
}

void setup();
void loop();

// The first UART of the board. Its receiver takes a byte at a time from the emulator, which takes
// tens of microseconds each, so input comes from the emulator's standard input, through
// semihosting, where that can be opened: many bytes at a time, and the emulated clock stands still
// while there are none.
class HardwareSerial {
 public:
  void begin(unsigned long baud);
  void end() {}
  explicit operator bool() const { return true; }
  int available();
  int read();
  int peek();
  void flush() {}
  size_t write(uint8_t byte);
  size_t write(const uint8_t* bytes, size_t size);
  size_t write(const char* text);
  size_t print(const char* text) { return write(text); }
  size_t print(char c) { return write(uint8_t(c)); }
  size_t print(long value);
  size_t print(unsigned long value);
  size_t print(int value) { return print(long(value)); }
  size_t print(unsigned int value) { return print((unsigned long)value); }
  size_t println() { return write("\r\n"); }
  template <typename T>
  size_t println(T value) {
    const size_t count = print(value);
    return count + println();
  }

 private:
  bool receive();

  int host_ = -1;  // handle of the emulator's standard input
  uint8_t received_[256];
  size_t at_ = 0;
  size_t size_ = 0;
};

extern HardwareSerial Serial;

#endif
