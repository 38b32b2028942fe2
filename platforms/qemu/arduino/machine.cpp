// UART 0 and timer 0 of the Arm MPS2 (CMSDK UART and timer; QEMU hw/char/cmsdk-apb-uart.c and
// hw/timer/cmsdk-apb-timer.c). Every access is a volatile word.
#include "Arduino.h"

static volatile uint32_t& word(uint32_t address) {
  return *reinterpret_cast<volatile uint32_t*>(address);
}

static const uint32_t kUart = 0x40004000;
static const uint32_t kTimer = 0x40000000;
static const uint32_t kInterruptSetEnable = 0xE000E100;
static const uint32_t kTimerInterrupt = 8;

static volatile uint32_t wraps;

extern "C" {

void danas_timer_start(void) {
  word(kTimer + 0x08) = 0xffffffff;  // RELOAD
  word(kTimer + 0x04) = 0xffffffff;  // VALUE, counts down
  word(kInterruptSetEnable) = 1u << kTimerInterrupt;
  word(kTimer + 0x00) = 1 | 8;  // CTRL: enabled, with its interrupt
}

void danas_timer_wrapped(void) {
  word(kTimer + 0x0c) = 1;  // INTCLEAR
  wraps = wraps + 1;
}

uint64_t danas_platform_ticks(void) {
  for (;;) {
    const uint32_t before = wraps;
    const uint32_t low = ~word(kTimer + 0x04);
    if (before == wraps) return (uint64_t(before) << 32) | low;
  }
}

// An instruction takes 64 ns and a tick 40 ns, so the same work may show one tick more or less.
// Five instructions are eight ticks: the phase of the next instruction is that of all work that
// is begun after this.
void danas_platform_align(void) {
  static uint32_t phase = 8;
  for (uint32_t tries = 0; tries < 1000; ++tries) {
    const uint32_t now = uint32_t(danas_platform_ticks()) & 7;
    if (phase == 8) phase = now;
    if (now == phase) return;
    // Seven rounds of a length that is no multiple of five meet every phase; any other length
    // moves on by this one instruction.
    if ((tries & 7) == 7) __asm volatile("nop");
  }
}

unsigned long micros(void) { return (unsigned long)(danas_platform_ticks() / (F_CPU / 1000000)); }

unsigned long millis(void) { return (unsigned long)(danas_platform_ticks() / (F_CPU / 1000)); }

void delay(unsigned long milliseconds) {
  const uint64_t end = danas_platform_ticks() + uint64_t(milliseconds) * (F_CPU / 1000);
  while (danas_platform_ticks() < end) {
  }
}

void delayMicroseconds(unsigned int microseconds) {
  const uint64_t end = danas_platform_ticks() + uint64_t(microseconds) * (F_CPU / 1000000);
  while (danas_platform_ticks() < end) {
  }
}

}  // extern "C"

HardwareSerial Serial;

// Arm's semihosting; https://github.com/ARM-software/abi-aa/blob/main/semihosting/semihosting.rst
static const uint32_t kSysOpen = 0x01;
static const uint32_t kSysRead = 0x06;

static uint32_t semihosting(uint32_t operation, const void* block) {
  register uint32_t r0 __asm("r0") = operation;
  register const void* r1 __asm("r1") = block;
  __asm volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

void HardwareSerial::begin(unsigned long baud) {
  static const char kName[] = "/dev/stdin";
  const uint32_t open[3] = {uint32_t(kName), 0, sizeof kName - 1};
  host_ = int(semihosting(kSysOpen, open));
  const uint32_t divider = uint32_t(F_CPU / baud);
  word(kUart + 0x10) = divider < 16 ? 16 : divider;  // BAUDDIV
  word(kUart + 0x08) = host_ >= 0 ? 1 : 3;           // CTRL: transmitter and receiver
}

// Fills the empty buffer; waits for the first byte if the emulator's standard input is at hand.
bool HardwareSerial::receive() {
  at_ = size_ = 0;
  if (host_ >= 0) {
    const uint32_t read[3] = {uint32_t(host_), uint32_t(received_), sizeof received_};
    const uint32_t missing = semihosting(kSysRead, read);
    if (missing < sizeof received_) size_ = sizeof received_ - missing;
  } else if ((word(kUart + 0x04) & 2) != 0) {
    received_[size_++] = uint8_t(word(kUart));
  }
  return size_ > 0;
}

int HardwareSerial::available() { return at_ < size_ || receive() ? int(size_ - at_) : 0; }

int HardwareSerial::read() {
  if (at_ == size_) {
    // Says once that all is read, so that the program can do something else before it waits.
    const bool drained = size_ > 0;
    at_ = size_ = 0;
    if (drained || !receive()) return -1;
  }
  return received_[at_++];
}

int HardwareSerial::peek() { return available() > 0 ? received_[at_] : -1; }

size_t HardwareSerial::write(uint8_t byte) {
  while ((word(kUart + 0x04) & 1) != 0) {  // STATE: the transmitter is full
  }
  word(kUart) = byte;
  return 1;
}

size_t HardwareSerial::write(const uint8_t* bytes, size_t size) {
  for (size_t i = 0; i < size; ++i) write(bytes[i]);
  return size;
}

size_t HardwareSerial::write(const char* text) {
  return write(reinterpret_cast<const uint8_t*>(text), strlen(text));
}

size_t HardwareSerial::print(unsigned long value) {
  char digits[21];
  size_t at = sizeof digits;
  do {
    digits[--at] = char('0' + value % 10);
    value /= 10;
  } while (value != 0);
  return write(reinterpret_cast<const uint8_t*>(digits + at), sizeof digits - at);
}

size_t HardwareSerial::print(long value) {
  if (value >= 0) return print((unsigned long)value);
  return write(uint8_t('-')) + print(0ul - (unsigned long)value);
}
