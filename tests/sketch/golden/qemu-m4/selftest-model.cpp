// The self-test's model: a 3x3 convolution of int8, valid padding, stride 1, with ReLU, computed
// as TensorFlow Lite defines it (a multiplier of 31 bits and a right shift), and a block of
// memory whose every word must hold what was written to it.
#include "model.h"

#include <stddef.h>

extern const danas::Build danas_build;
const danas::Build danas_build = {
    "IDENTITY", "qemu-m4", "selftest", "none"};

namespace {

constexpr int kSide = 10;
constexpr int kInputs = 3;
constexpr int kOutputs = 4;
constexpr int kOutputSide = kSide - 2;
constexpr int32_t kMultiplier = 1518500250;
constexpr int kShift = 8;
constexpr int32_t kInputZero = -3;
constexpr int32_t kOutputZero = -17;

const int8_t kWeights[kOutputs * 9 * kInputs] = {
    89, 35, 3, -59, -49, -117, -108, -123, -83, 80, 38, 105, 1, 27, 120, 59, 34, 11, 15, 111, -57, 81, 44, -127,
    -27, 91, 14, -119, 68, 59, 88, -83, -105, 93, -122, 11, -107, -51, -5, -20, -25, -120, -126, -96, -125, 44, 7, 38,
    -62, 29, 67, -30, -10, 127, 78, 123, -31, 47, 115, 38, 87, 48, 52, -28, 96, -93, 20, 56, 88, 6, -32, -48,
    -20, -4, 56, 99, -109, 111, 8, -36, 44, 18, -63, -45, 56, 24, 1, -41, 66, -28, -44, 100, -60, -70, 55, 31,
    -115, -106, -31, 85, -25, 73, -47, -66, 74, 96, -107, -113,
};
const int32_t kBias[kOutputs] = {6850, -6556, 2945, -13989};

int8_t input_[kSide * kSide * kInputs];
int8_t output_[kOutputSide * kOutputSide * kOutputs];
uint32_t block[589824];

// round(value * multiplier / 2^31), then a rounding shift to the right, ties away from zero.
int32_t requantized(int32_t value) {
  const int64_t product = int64_t(value) * kMultiplier;
  const int64_t nudge = product >= 0 ? (int64_t(1) << 30) : 1 - (int64_t(1) << 30);
  const int32_t high = int32_t((product + nudge) / (int64_t(1) << 31));
  const int32_t mask = (int32_t(1) << kShift) - 1;
  const int32_t rest = high & mask;
  const int32_t threshold = (mask >> 1) + (high < 0 ? 1 : 0);
  return (high >> kShift) + (rest > threshold ? 1 : 0);
}

bool memory_holds() {
  constexpr size_t kWords = sizeof block / sizeof block[0];
  volatile uint32_t* words = block;
  for (uint32_t pass = 0; pass < 2; ++pass) {
    const uint32_t flip = pass == 0 ? 0 : 0xffffffff;
    for (size_t i = 0; i < kWords; ++i) words[i] = (uint32_t(i) * 2654435761u) ^ flip;
    for (size_t i = 0; i < kWords; ++i) {
      if (words[i] != ((uint32_t(i) * 2654435761u) ^ flip)) return false;
    }
  }
  return true;
}

class SelfTest : public danas::Model {
 public:
  const char* prepare() override { return memory_holds() ? nullptr : "memory"; }
  uint8_t* input() override { return reinterpret_cast<uint8_t*>(input_); }
  uint32_t input_bytes() override { return sizeof input_; }
  const uint8_t* output() override { return reinterpret_cast<const uint8_t*>(output_); }
  uint32_t output_bytes() override { return sizeof output_; }
  uint32_t arena_bytes() override { return sizeof block; }
  uint32_t arena_used() override { return sizeof block; }
  bool is_self_test() override { return true; }

  bool invoke() override {
    int8_t* out = output_;
    for (int y = 0; y < kOutputSide; ++y) {
      for (int x = 0; x < kOutputSide; ++x) {
        for (int o = 0; o < kOutputs; ++o) {
          const int8_t* weight = kWeights + o * 9 * kInputs;
          int32_t sum = kBias[o];
          for (int row = 0; row < 3; ++row) {
            const int8_t* in = input_ + ((y + row) * kSide + x) * kInputs;
            for (int i = 0; i < 3 * kInputs; ++i) sum += *weight++ * (in[i] - kInputZero);
          }
          int32_t value = requantized(sum) + kOutputZero;
          if (value < kOutputZero) value = kOutputZero;  // ReLU
          *out++ = int8_t(value > 127 ? 127 : value);
        }
      }
    }
    return true;
  }
};

SelfTest selftest;

}  // namespace

danas::Model& danas_model() { return selftest; }
