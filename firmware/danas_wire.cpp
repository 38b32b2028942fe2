#include "danas_wire.h"

#include <string.h>

namespace danas {

uint32_t crc32(const void* data, size_t size, uint32_t before) {
  // Four bits at a time: a table of 64 bytes rather than 1024.
  static const uint32_t table[16] = {
      0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
      0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
  const uint8_t* bytes = static_cast<const uint8_t*>(data);
  uint32_t crc = ~before;
  for (size_t i = 0; i < size; ++i) {
    crc ^= bytes[i];
    crc = (crc >> 4) ^ table[crc & 15];
    crc = (crc >> 4) ^ table[crc & 15];
  }
  return ~crc;
}

static const char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t base64_encode(const uint8_t* data, size_t size, char* text) {
  char* out = text;
  for (size_t i = 0; i < size; i += 3) {
    const size_t left = size - i;
    const uint32_t three = (uint32_t(data[i]) << 16) | (left > 1 ? uint32_t(data[i + 1]) << 8 : 0) |
                           (left > 2 ? data[i + 2] : 0);
    *out++ = kAlphabet[three >> 18];
    *out++ = kAlphabet[(three >> 12) & 63];
    *out++ = left > 1 ? kAlphabet[(three >> 6) & 63] : '=';
    *out++ = left > 2 ? kAlphabet[three & 63] : '=';
  }
  return out - text;
}

static int sextet(char c) {
  if (c == '\0') return -1;
  const char* place = strchr(kAlphabet, c);
  return place == nullptr ? -1 : int(place - kAlphabet);
}

int base64_decode(const char* text, uint8_t* data, size_t room) {
  const size_t length = strlen(text);
  if (length % 4 != 0) return -1;
  size_t padding = 0;
  if (length > 0) padding = (text[length - 1] == '=') + (text[length - 2] == '=');
  const size_t size = length / 4 * 3 - padding;
  if (size > room) return -1;
  size_t written = 0;
  for (size_t i = 0; i < length; i += 4) {
    uint32_t three = 0;
    for (size_t k = 0; k < 4; ++k) {
      const bool padded = i + k >= length - padding;
      const int value = padded ? 0 : sextet(text[i + k]);
      if (value < 0) return -1;
      three = (three << 6) | uint32_t(value);
    }
    for (int shift = 16; shift >= 0 && written < size; shift -= 8) {
      data[written++] = uint8_t(three >> shift);
    }
  }
  return int(written);
}

// --- Json ---

void Json::clear() {
  size_ = 0;
  overflowed_ = false;
  put('{');
}

void Json::put(char c) {
  if (size_ + 1 >= room_) {  // keeps room for the closing brace
    overflowed_ = true;
    return;
  }
  buffer_[size_++] = c;
}

void Json::raw(const char* text) {
  while (*text != '\0') put(*text++);
}

void Json::key(const char* name) {
  if (size_ > 1) put(',');
  put('"');
  raw(name);
  raw("\":");
}

void Json::text(const char* name, const char* value) {
  key(name);
  put('"');
  for (; *value != '\0'; ++value) {
    const unsigned char c = static_cast<unsigned char>(*value);
    // An at sign begins a frame, so none may stand in a body.
    if (c < 0x20 || c > 0x7e || c == '@') {
      static const char digits[] = "0123456789abcdef";
      raw("\\u00");
      put(digits[c >> 4]);
      put(digits[c & 15]);
    } else {
      if (c == '"' || c == '\\') put('\\');
      put(char(c));
    }
  }
  put('"');
}

void Json::number(const char* name, uint64_t value) {
  key(name);
  char digits[21];
  char* at = digits + sizeof digits - 1;
  *at = '\0';
  do {
    *--at = char('0' + value % 10);
    value /= 10;
  } while (value != 0);
  raw(at);
}

// Returns the number of characters; no end.
static size_t write_decimal(uint32_t value, char* text) {
  char digits[10];
  size_t count = 0;
  do {
    digits[count++] = char('0' + value % 10);
    value /= 10;
  } while (value != 0);
  for (size_t i = 0; i < count; ++i) text[i] = digits[count - 1 - i];
  return count;
}

static void write_hex(uint32_t value, char* digits) {
  for (int i = 0; i < 8; ++i) digits[i] = "0123456789abcdef"[(value >> (28 - 4 * i)) & 15];
  digits[8] = '\0';
}

void Json::hex(const char* name, uint32_t value) {
  char digits[9];
  write_hex(value, digits);
  text(name, digits);
}

void Json::null(const char* name) {
  key(name);
  raw("null");
}

const char* Json::close() {
  buffer_[size_++] = '}';
  buffer_[size_] = '\0';
  return buffer_;
}

// --- Request ---

const char* Request::field(const char* key) const {
  for (const char* at = body; at < body + body_size;) {
    const char* value = at + strlen(at) + 1;
    if (strcmp(at, key) == 0) return value;
    at = value + strlen(value) + 1;
  }
  return nullptr;
}

static bool parse_number(const char* text, uint32_t base, uint32_t* value) {
  if (text == nullptr || *text == '\0') return false;
  uint64_t sum = 0;
  for (; *text != '\0'; ++text) {
    uint32_t digit = 99;
    if (*text >= '0' && *text <= '9') digit = uint32_t(*text - '0');
    if (*text >= 'a' && *text <= 'f') digit = uint32_t(*text - 'a') + 10;
    if (digit >= base) return false;
    sum = sum * base + digit;
    if (sum > UINT32_MAX) return false;
  }
  *value = uint32_t(sum);
  return true;
}

bool Request::number(const char* key, uint32_t* value) const {
  return parse_number(field(key), 10, value);
}

bool Request::hex(const char* key, uint32_t* value) const {
  return parse_number(field(key), 16, value);
}

// --- Wire ---

void Wire::start() {
  line_size_ = kept_size_ = log_size_ = 0;
  framed_ = too_long_ = false;
}

// `line` stands without its at sign and line end: SEQ TYPE BODY *CRC32.
bool Wire::parse(char* line, size_t size, Request* request) {
  if (size < 14) return false;
  char* mark = line + size - 10;
  line[size] = '\0';
  uint32_t told;
  if (mark[0] != ' ' || mark[1] != '*' || !parse_number(mark + 2, 16, &told)) return false;
  *mark = '\0';
  request->crc = crc32(line, size_t(mark - line));
  if (request->crc != told || memchr(line, '\0', size_t(mark - line)) != nullptr) return false;

  char* type = strchr(line, ' ');
  if (type == nullptr) return false;
  *type++ = '\0';
  char* body = strchr(type, ' ');
  if (body == nullptr || body == type) return false;
  *body++ = '\0';
  if (!parse_number(line, 10, &request->seq)) return false;
  if (request->seq < 1 || request->seq > kLastSeq) return false;

  // key=value key=value becomes key\0value\0key\0value\0
  size_t fill = 0;
  bool value = false;
  for (; *body != '\0'; ++body) {
    char c = *body;
    if (!value && c == '=') {
      c = '\0';
      value = true;
    } else if (value && c == ' ') {
      c = '\0';
      value = false;
    }
    request->body[fill++] = c;
  }
  if (fill > 0 && !value) return false;
  request->body[fill++] = '\0';
  request->body_size = value ? fill : 0;
  request->type = type;  // lives in the line buffer until the next poll
  return true;
}

Line Wire::take(char c, Request* request) {
  if (c != '@' && c != '\n') {
    if (framed_ && line_size_ + 2 < kLineBytes) {
      line_[line_size_++] = c;
    } else {
      too_long_ = true;
    }
    return Line::kNone;
  }
  Line result = Line::kNone;
  if (framed_) {
    result = !too_long_ && parse(line_, line_size_, request) ? Line::kRequest : Line::kDamaged;
  }
  framed_ = c == '@';
  too_long_ = false;
  line_size_ = 0;
  return result;
}

bool Wire::poll(Request* request) {
  for (int c = port_.read(); c >= 0; c = port_.read()) {
    switch (take(char(c), request)) {
      case Line::kNone:
        break;
      case Line::kDamaged:
        send(0, "NAK", "", false);
        break;
      case Line::kRequest:
        if (kept_size_ > 0 && request->seq == kept_seq_ && request->crc == kept_crc_) {
          port_.write(kept_, kept_size_);
          break;
        }
        return true;
    }
  }
  return false;
}

void Wire::send(uint32_t seq, const char* type, const char* body, bool keep) {
  char line[kLineBytes + 1];
  size_t size = 1;
  line[0] = '@';
  size += write_decimal(seq, line + size);
  line[size++] = ' ';
  while (*type != '\0') line[size++] = *type++;
  line[size++] = ' ';
  while (*body != '\0' && size < kLineBytes - 11) line[size++] = *body++;
  const uint32_t crc = crc32(line + 1, size - 1);
  line[size++] = ' ';
  line[size++] = '*';
  write_hex(crc, line + size);
  size += 8;
  line[size++] = '\n';
  if (log_size_ > 0) log("\n");  // a frame does not stand in the middle of a log line
  port_.write(line, size);
  if (keep) {
    memcpy(kept_, line, size);
    kept_size_ = size;
  }
}

void Wire::reply(const Request& request, const char* type, const char* body) {
  kept_seq_ = request.seq;
  kept_crc_ = request.crc;
  send(request.seq, type, body, true);
}

void Wire::data(const Request& request, uint32_t at, const uint8_t* bytes, size_t size) {
  char body[kBodyBytes];
  char* out = body + write_decimal(at, body);
  *out++ = ' ';
  out += base64_encode(bytes, size < kChunkBytes ? size : kChunkBytes, out);
  *out = '\0';
  reply(request, "DATA", body);
}

void Wire::announce(const Request& request, uint32_t bytes, uint32_t crc) {
  char body[kBodyBytes];
  size_t size = write_decimal(bytes, body);
  body[size++] = ' ';
  write_hex(crc, body + size);
  reply(request, "LONG", body);
}

void Wire::wait(const Request& request) { send(request.seq, "WAIT", "{}", false); }

void Wire::log(const char* text) {
  for (; *text != '\0'; ++text) {
    if (*text == '\r') continue;
    if (*text == '\n' || log_size_ + 1 == sizeof log_) {
      log_[log_size_++] = '\n';
      port_.write(log_, log_size_);
      log_size_ = 0;
      if (*text == '\n') continue;
    }
    log_[log_size_++] = *text == '@' ? '#' : *text;  // an at sign would begin a frame
  }
}

}  // namespace danas
