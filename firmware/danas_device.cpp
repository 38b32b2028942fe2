#include "danas_device.h"

#include <string.h>

#include "danas_fault.h"
#include "danas_platform.h"
#include "danas_stack.h"
#include "danas_timer.h"

namespace danas {

void Device::begin() {
  fault::begin();
  timer::begin();
  wire_.start();
  long_bytes_ = 0;
  greeted_ = prepared_ = loaded_ = answered_ = false;
  stack::paint();
  // Some can't be stopped any more: the self-test starts it when it is told to hang.
  if (!model_.is_self_test()) watchdog_begin(kWatchdogSeconds);
}

void Device::poll() {
  timer::ticks();  // often enough to see every wrap of microseconds
  watchdog_feed();
  Request request;
  if (wire_.poll(&request)) answer(request);
}

void Device::answer(const Request& request) {
  const char* type = request.type;
  if (strcmp(type, "hello") == 0) return hello(request);
  if (!greeted_) return refuse(request, "hello");
  if (strcmp(type, "more") == 0) return more(request);
  long_bytes_ = 0;
  if (strcmp(type, "clock") == 0) {
    json_.clear();
    json_.number("ticks", timer::ticks());
    return ok(request);
  }
  if (strcmp(type, "memory") == 0) return memory(request);
  if (strcmp(type, "crash") == 0 && model_.is_self_test()) fault::provoke();
  if (strcmp(type, "hang") == 0 && model_.is_self_test()) {
    wire_.wait(request);
    fault::hang(kSelfTestWatchdogSeconds);
  }
  if (strcmp(type, "prepare") == 0) return prepare(request);
  if (!prepared_) return refuse(request, "prepare");
  if (strcmp(type, "put") == 0) return put(request);
  if (strcmp(type, "loaded") == 0) return loaded(request);
  if (strcmp(type, "invoke") == 0) return invoke(request, false);
  if (strcmp(type, "time") == 0) return invoke(request, true);
  if (strcmp(type, "get") == 0) return get(request);
  if (model_.profile() != nullptr) {
    if (strcmp(type, "profile") == 0) return profile(request);
    if (strcmp(type, "operator") == 0) return profiled(request);
  }
  refuse(request, "request");
}

void Device::hello(const Request& request) {
  const char* nonce = request.field("nonce");
  if (nonce == nullptr) return refuse(request, "nonce");
  greeted_ = true;
  json_.clear();
  json_.number("protocol", kProtocolVersion);
  json_.text("nonce", nonce);
  json_.text("build", build_.identity);
  json_.text("board", build_.board);
  json_.text("model", build_.model);
  json_.text("tflm", build_.tflm);
  json_.number("clock_hz", core_clock_hz());
  json_.text("timer", timer::source());
  json_.number("timer_hz", timer::rate_hz());
  json_.number("arena_bytes", model_.arena_bytes());
  json_.number("flash_bytes", image_flash_bytes());
  json_.number("ram_bytes", static_ram_bytes());
  fault::add_to(&json_);
  ok(request);
}

void Device::more(const Request& request) {
  uint32_t at;
  if (!request.number("at", &at) || at >= long_bytes_) return refuse(request, "at");
  wire_.data(request, at, reinterpret_cast<const uint8_t*>(text_) + at, long_bytes_ - at);
}

void Device::prepare(const Request& request) {
  if (!prepared_) {
    wire_.wait(request);
    const char* code = model_.prepare();
    if (code != nullptr) return refuse(request, code);
    prepared_ = true;
  }
  json_.clear();
  json_.number("arena", model_.arena_used());
  json_.number("input", model_.input_bytes());
  json_.number("output", model_.output_bytes());
  ok(request);
}

void Device::put(const Request& request) {
  uint32_t at;
  const char* data = request.field("data");
  const uint32_t size = model_.input_bytes();
  loaded_ = answered_ = false;  // the arena may hold the output where the input goes
  if (!request.number("at", &at) || at >= size || data == nullptr) return refuse(request, "at");
  if (base64_decode(data, model_.input() + at, size - at) < 0) return refuse(request, "data");
  json_.clear();
  ok(request);
}

void Device::loaded(const Request& request) {
  uint32_t bytes;
  uint32_t crc;
  if (!request.number("bytes", &bytes) || bytes != model_.input_bytes() ||
      !request.hex("crc", &crc) || crc != crc32(model_.input(), bytes)) {
    return refuse(request, "crc");
  }
  loaded_ = true;
  json_.clear();
  ok(request);
}

// Operators may overwrite the input, so each output that counts needs its input anew, and it depends
// on no input before. A run that is only timed takes zeros, because the work of some kernels depends
// on the data.
void Device::invoke(const Request& request, bool timed_only) {
  if (!timed_only && !loaded_) return refuse(request, "input");
  loaded_ = answered_ = false;
  wire_.wait(request);
  if (timed_only) {
    memset(model_.input(), 0, model_.input_bytes());
  } else {
    model_.forget();
  }
  timer::align();
  const uint64_t before = timer::ticks();
  const bool good = model_.invoke();
  const uint64_t after = timer::ticks();
  if (!good) return refuse(request, "invoke");
  json_.clear();
  json_.number("ticks", after - before);
  if (!timed_only) {
    answered_ = true;
    json_.number("bytes", model_.output_bytes());
    json_.hex("crc", crc32(model_.output(), model_.output_bytes()));
  }
  ok(request);
}

void Device::profile(const Request& request) {
  loaded_ = answered_ = false;
  wire_.wait(request);
  memset(model_.input(), 0, model_.input_bytes());
  if (!model_.invoke()) return refuse(request, "invoke");
  json_.clear();
  json_.number("operators", model_.profile()->count);
  ok(request);
}

void Device::profiled(const Request& request) {
  uint32_t at;
  const Profile& profile = *model_.profile();
  if (!request.number("at", &at) || at >= profile.count) return refuse(request, "at");
  json_.clear();
  json_.text("name", profile.operators[at].name);
  json_.number("ticks", profile.operators[at].ticks);
  ok(request);
}

void Device::get(const Request& request) {
  uint32_t at;
  if (!answered_) return refuse(request, "output");
  if (!request.number("at", &at) || at >= model_.output_bytes()) return refuse(request, "at");
  wire_.data(request, at, model_.output() + at, model_.output_bytes() - at);
}

void Device::memory(const Request& request) {
  json_.clear();
  json_.number("stack_peak", stack::peak_bytes());
  json_.number("stack_painted", stack::painted_bytes());
  const RunTimeRam taken = run_time_ram();
  if (taken.heap != kUnknown) json_.number("heap", taken.heap);
  if (taken.heap_peak != kUnknown) json_.number("heap_peak", taken.heap_peak);
  if (taken.stacks != kUnknown) json_.number("stacks", taken.stacks);
  const Profile* profile = prepared_ ? model_.profile() : nullptr;
  if (profile != nullptr) {
    json_.number("head", profile->head_bytes);
    json_.number("tail", profile->tail_bytes);
  }
  ok(request);
}

void Device::ok(const Request& request) {
  const char* text = json_.close();
  if (json_.overflowed()) return refuse(request, "reply");
  if (json_.size() <= kBodyBytes) return wire_.reply(request, "OK", text);
  long_bytes_ = uint32_t(json_.size());
  wire_.announce(request, long_bytes_, crc32(text, long_bytes_));
}

void Device::refuse(const Request& request, const char* code) {
  char body[kBodyBytes];
  Json json(body, sizeof body);
  json.text("error", code);
  wire_.reply(request, "ERR", json.close());
}

}  // namespace danas
