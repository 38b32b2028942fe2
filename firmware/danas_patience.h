// Writes to a port whose host may have stopped to read: a program that was ended, a computer that
// sleeps. What can't go out for a second is left out, and so is all that follows, until something
// goes out again; the host asks again for what it misses.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "danas_platform.h"

namespace danas {

class Patience {
 public:
  // send(bytes, size) returns how many it took, perhaps none, and never waits; listening() tells
  // whether anybody has the port open at all.
  template <class Send, class Listening>
  void write(const char* bytes, size_t size, Send send, Listening listening) {
    uint32_t since = microseconds();
    while (size > 0) {
      const size_t sent = send(bytes, size);
      if (sent > 0) {
        exhausted_ = false;
        bytes += sent;
        size -= sent;
        since = microseconds();
        continue;
      }
      if (!listening()) return;
      if (microseconds() - since > kMicroseconds) exhausted_ = true;
      if (exhausted_) return;
    }
  }

 private:
  static constexpr uint32_t kMicroseconds = 1000000;
  bool exhausted_ = false;
};

}  // namespace danas
