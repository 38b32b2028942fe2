// Lines on the wire: @SEQ TYPE BODY *CRC32, as host/danas_hil/wire/framing.py has them.
// Fixed buffers only; nothing here waits.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace danas {

constexpr int kProtocolVersion = 1;
constexpr size_t kLineBytes = 96;   // with the line end
constexpr size_t kChunkBytes = 45;  // of raw data in one line
constexpr size_t kBodyBytes = 76;   // of a reply, whatever its SEQ and TYPE
constexpr uint32_t kLastSeq = 9999;

// The serial port, or whatever stands for it.
class Port {
 public:
  virtual int read() = 0;  // a byte, or -1 when none has arrived
  virtual void write(const char* bytes, size_t size) = 0;

 protected:
  ~Port() = default;
};

// IEEE 802.3, as zlib's; `before` is the CRC of what came before, 0 at the start.
uint32_t crc32(const void* data, size_t size, uint32_t before = 0);

size_t base64_encode(const uint8_t* data, size_t size, char* text);  // returns characters; no end
// Returns the bytes, at most `room` of them, or -1 for what is no base64.
int base64_decode(const char* text, uint8_t* data, size_t room);

// An object of JSON in a fixed buffer; what does not fit is cut and `overflowed` says so.
class Json {
 public:
  Json(char* buffer, size_t size) : buffer_(buffer), room_(size - 1) { clear(); }
  void clear();
  void text(const char* key, const char* value);
  void number(const char* key, uint64_t value);
  void hex(const char* key, uint32_t value);  // eight digits, as a string
  void null(const char* key);
  const char* close();
  size_t size() const { return size_; }
  bool overflowed() const { return overflowed_; }

 private:
  void key(const char* name);
  void raw(const char* text);
  void put(char c);

  char* buffer_;
  size_t room_;
  size_t size_ = 0;
  bool overflowed_ = false;
};

struct Request {
  uint32_t seq;
  uint32_t crc;
  const char* type;

  const char* field(const char* key) const;                 // nullptr when it is not there
  bool number(const char* key, uint32_t* value) const;      // decimal
  bool hex(const char* key, uint32_t* value) const;

  char body[kLineBytes];  // key\0value\0 … after parsing
  size_t body_size;
};

enum class Line { kNone, kRequest, kDamaged };

class Wire {
 public:
  explicit Wire(Port& port) : port_(port) {}

  void start();  // forgets everything, as after a reset
  // Reads what has arrived until one line is whole. A request that was answered already gets
  // its kept reply here; a damaged one gets NAK; neither is returned as a request.
  bool poll(Request* request);

  void reply(const Request& request, const char* type, const char* body);  // kept for repetition
  void data(const Request& request, uint32_t at, const uint8_t* bytes, size_t size);
  void announce(const Request& request, uint32_t bytes, uint32_t crc);  // a reply got by `more`
  void wait(const Request& request);  // "understood, this takes a while"

  void log(const char* text);  // any pieces; goes out in whole lines that are no frames

 private:
  Line take(char c, Request* request);
  static bool parse(char* line, size_t size, Request* request);
  void send(uint32_t seq, const char* type, const char* body, bool keep);

  Port& port_;
  char line_[kLineBytes];
  size_t line_size_ = 0;
  bool framed_ = false;
  bool too_long_ = false;
  char kept_[kLineBytes];
  size_t kept_size_ = 0;
  uint32_t kept_seq_ = 0;
  uint32_t kept_crc_ = 0;
  char log_[128];
  size_t log_size_ = 0;
};

}  // namespace danas
