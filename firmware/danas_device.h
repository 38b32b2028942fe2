// The measuring loop: answers the host's requests about one model.
#pragma once

#include <stdint.h>

#include "danas_wire.h"

namespace danas {

// What a profiling program tells besides, of the last invoke.
struct Profile {
  struct Operator {
    const char* name;
    uint64_t ticks;
  };
  uint32_t head_bytes;  // of the arena
  uint32_t tail_bytes;
  uint32_t count;  // of operators
  const Operator* operators;
};

// What a sketch measures. One input, one output.
class Model {
 public:
  // Makes it ready to run; nullptr when it is, otherwise a code such as "allocate" for the host.
  virtual const char* prepare() = 0;
  virtual uint8_t* input() = 0;
  virtual uint32_t input_bytes() = 0;
  virtual const uint8_t* output() = 0;
  virtual uint32_t output_bytes() = 0;
  virtual uint32_t arena_bytes() = 0;  // its size, known before `prepare`
  virtual uint32_t arena_used() = 0;
  virtual void forget() {}  // what it keeps from one inference to the next, as SVDF does
  virtual bool invoke() = 0;
  virtual const Profile* profile() { return nullptr; }  // of a profiling program, after `prepare`
  virtual bool is_self_test() { return false; }  // may be told to crash and to hang

 protected:
  ~Model() = default;
};

// What hello tells of the build.
struct Build {
  const char* identity;  // hash of model, templates, firmware and flags
  const char* board;
  const char* model;
  const char* tflm;  // its version, or "none"
};

// A request that takes longer is taken for a program that hangs; the host waits for longer.
constexpr uint32_t kWatchdogSeconds = 100;
constexpr uint32_t kSelfTestWatchdogSeconds = 2;

class Device {
 public:
  Device(Port& port, Model& model, const Build& build) : wire_(port), model_(model), build_(build) {}

  void begin();  // once after a reset: timer, fault record, stack paint
  void poll();   // forever after
  void log(const char* text) { wire_.log(text); }

 private:
  void answer(const Request& request);
  void hello(const Request& request);
  void more(const Request& request);
  void prepare(const Request& request);
  void put(const Request& request);
  void loaded(const Request& request);
  void invoke(const Request& request, bool timed_only);
  void profile(const Request& request);
  void profiled(const Request& request);
  void get(const Request& request);
  void memory(const Request& request);
  void ok(const Request& request);
  void refuse(const Request& request, const char* code);

  Wire wire_;
  Model& model_;
  const Build& build_;
  char text_[512];  // of a reply; what is longer than a line is fetched by `more`
  Json json_{text_, sizeof text_};
  uint32_t long_bytes_ = 0;
  bool greeted_ = false;   // a device that started anew refuses everything until hello
  bool prepared_ = false;
  bool loaded_ = false;    // an input stands and was checked; an invoke uses it up
  bool answered_ = false;  // an output stands and was not yet overwritten
};

}  // namespace danas
