// The firmware on this computer: standard input and output are its serial port, and its model
// gives back each byte of the input plus how often it ran, mod 256. `native nearest A B` prints
// what the timer makes of a coarse clock and a counter of 32 bits, and `native lines ADDRESS BYTES`
// which lines of a data cache such an object lies in: the first, and how many.
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "danas_cortex_m.h"
#include "danas_device.h"
#include "danas_fault.h"
#include "danas_patience.h"
#include "danas_platform.h"
#include "danas_timer.h"

static sigjmp_buf start;
static bool hung = false;

namespace danas {

uint32_t microseconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return uint32_t(now.tv_sec * 1000000ull + now.tv_nsec / 1000);
}

uint32_t core_clock_hz() { return 1000000; }
void reset() { siglongjmp(start, 1); }

// A second of the watchdog is 5 ms of the processor's time: waiting for the host takes none.
static itimerval period;
static void bark(int) {
  hung = true;
  reset();
}
void watchdog_begin(uint32_t seconds) {
  signal(SIGVTALRM, bark);
  period.it_value.tv_sec = seconds * 5 / 1000;
  period.it_value.tv_usec = seconds * 5 % 1000 * 1000;
  watchdog_feed();
}
void watchdog_feed() { setitimer(ITIMER_VIRTUAL, &period, nullptr); }
bool reset_by_watchdog() {
  const bool fired = hung;
  hung = false;
  return fired;
}

Span free_stack() { return {nullptr, nullptr}; }
uint8_t* stack_top() { return nullptr; }
uint32_t image_flash_bytes() { return 4096; }
uint32_t static_ram_bytes() { return 1024; }
RunTimeRam run_time_ram() {
  if (getenv("NATIVE_HEAP") == nullptr) return {kUnknown, kUnknown, kUnknown};
  return {9000, 8000, 33000};  // as an operating system tells them
}

}  // namespace danas

class Pipe : public danas::Port {
 public:
  int read() override {
    if (at_ == size_) {
      if (answered_) {  // gives poll() its end once what came is read
        answered_ = false;
        return -1;
      }
      const ssize_t count = ::read(0, bytes_, sizeof bytes_);
      if (count <= 0) exit(0);
      at_ = 0;
      size_ = count;
      answered_ = true;
    }
    return bytes_[at_++];
  }
  void write(const char* bytes, size_t size) override {
    if (getenv("NATIVE_USB") != nullptr) return write_patiently(bytes, size);
    while (size > 0) {
      const ssize_t count = ::write(1, bytes, size);
      if (count <= 0) exit(0);
      bytes += count;
      size -= count;
    }
  }

 private:
  // As a port on USB, which takes nothing while its host does not read.
  void write_patiently(const char* bytes, size_t size) {
    fcntl(1, F_SETFL, fcntl(1, F_GETFL) | O_NONBLOCK);
    const auto send = [](const char* from, size_t left) {
      const ssize_t count = ::write(1, from, left < 63 ? left : 63);
      return count < 0 ? size_t(0) : size_t(count);
    };
    patience_.write(bytes, size, send, [] { return true; });
  }

  danas::Patience patience_;
  unsigned char bytes_[4096];
  ssize_t at_ = 0;
  ssize_t size_ = 0;
  bool answered_ = false;
};

class Counting : public danas::Model {
 public:
  const char* prepare() override { return getenv("NATIVE_PREPARE"); }
  uint8_t* input() override { return input_; }
  uint32_t input_bytes() override { return sizeof input_; }
  const uint8_t* output() override { return output_; }
  uint32_t output_bytes() override { return sizeof output_; }
  uint32_t arena_bytes() override { return sizeof input_ + sizeof output_; }
  uint32_t arena_used() override { return arena_bytes(); }
  bool invoke() override {
    for (volatile bool hangs = getenv("NATIVE_HANG") != nullptr; hangs;) {
    }
    ++runs_;
    for (size_t i = 0; i < sizeof input_; ++i) output_[i] = uint8_t(input_[i] + runs_);
    memset(input_, 0, sizeof input_);
    return getenv("NATIVE_INVOKE") == nullptr;
  }
  void forget() override {
    if (getenv("NATIVE_STATE") != nullptr) runs_ = 0;  // the count of runs is its state
  }
  bool is_self_test() override { return getenv("NATIVE_HANG") == nullptr; }
  const danas::Profile* profile() override {
    static const danas::Profile::Operator operators[] = {
        {"CONV_2D", 1234567890123}, {"AN_OPERATOR_WITH_A_NAME_THAT_FILLS_MORE_THAN_ONE_LINE_OF_IT", 5}};
    static const danas::Profile profile = {150, 50, 2, operators};
    return getenv("NATIVE_PROFILE") == nullptr ? nullptr : &profile;
  }

 private:
  uint8_t input_[100];
  uint8_t output_[100];
  uint32_t runs_ = 0;
};

static Pipe port;
static Counting model;
static const danas::Build build = {"0123456789abcdef", "native", "counting \"@\" \\", "none"};
static danas::Device device(port, model, build);

int main(int count, char** arguments) {
  if (count == 4 && strcmp(arguments[1], "nearest") == 0) {
    printf("%llu\n", (unsigned long long)danas::timer::nearest(
                         strtoull(arguments[2], nullptr, 10),
                         uint32_t(strtoull(arguments[3], nullptr, 10))));
    return 0;
  }
  if (count == 4 && strcmp(arguments[1], "lines") == 0) {
    const uintptr_t address = strtoull(arguments[2], nullptr, 10);
    const size_t size = strtoull(arguments[3], nullptr, 10);
    printf("%llu %llu\n", (unsigned long long)danas::cortex_m::first_line(address),
           (unsigned long long)danas::cortex_m::lines(address, size));
    return 0;
  }
  sigsetjmp(start, 1);
  device.begin();
  device.log("started\r\nuser@home\n");
  for (;;) device.poll();
}
