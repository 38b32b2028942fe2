// A model in TensorFlow Lite Micro, profiled: with an interpreter that records head and tail and a
// clock around each operator, which take RAM of their own.
#include "model_data.h"

#include "danas_timer.h"
#include "tensorflow/lite/micro/micro_profiler_interface.h"
#include "tensorflow/lite/micro/recording_micro_interpreter.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"
#include "tensorflow/lite/schema/schema_utils.h"

namespace {

class Profiler : public tflite::MicroProfilerInterface {
 public:
  uint32_t BeginEvent(const char* tag) override {
    const uint32_t place = count < kRoom ? count++ : kRoom;
    operators[place].name = tag;
    danas::timer::align();
    started_ = danas::timer::ticks();
    return place;
  }
  void EndEvent(uint32_t place) override {
    operators[place].ticks = danas::timer::ticks() - started_;
  }

  static constexpr uint32_t kRoom = 3;
  danas::Profile::Operator operators[kRoom + 1];  // one for what there is no room for
  uint32_t count = 0;

 private:
  uint64_t started_ = 0;
};

class TflmModel : public danas::Model {
 public:
  const char* prepare() override {
    const tflite::Model* model = tflite::GetModel(danas_model_words);
    if (model->version() != TFLITE_SCHEMA_VERSION) return "schema";
    static tflite::MicroMutableOpResolver<3> resolver;
    if (resolver.AddConv2D() != kTfLiteOk) return "operator";
    if (resolver.AddFullyConnected() != kTfLiteOk) return "operator";
    if (resolver.AddSoftmax() != kTfLiteOk) return "operator";
    for (const tflite::Operator* one : *model->subgraphs()->Get(0)->operators()) {
      const tflite::OperatorCode* code = model->operator_codes()->Get(one->opcode_index());
      if (resolver.FindOp(tflite::GetBuiltinCode(code)) == nullptr) return "operator";
    }
    static tflite::RecordingMicroInterpreter interpreter(
        model, resolver, danas_arena, danas_arena_bytes, nullptr, &profiler_);
    if (interpreter.AllocateTensors() != kTfLiteOk) return "allocate";
    if (interpreter.inputs_size() != 1 || interpreter.outputs_size() != 1) return "tensors";
    interpreter_ = &interpreter;
    const auto* allocator = interpreter.GetMicroAllocator().GetSimpleMemoryAllocator();
    profile_.head_bytes = allocator->GetNonPersistentUsedBytes();
    profile_.tail_bytes = allocator->GetPersistentUsedBytes();
    return nullptr;
  }
  uint8_t* input() override { return interpreter_->input(0)->data.uint8; }
  uint32_t input_bytes() override { return interpreter_->input(0)->bytes; }
  const uint8_t* output() override { return interpreter_->output(0)->data.uint8; }
  uint32_t output_bytes() override { return interpreter_->output(0)->bytes; }
  uint32_t arena_bytes() override { return danas_arena_bytes; }
  uint32_t arena_used() override { return interpreter_->arena_used_bytes(); }
  bool invoke() override {
    profiler_.count = 0;
    const bool good = interpreter_->Invoke() == kTfLiteOk;
    profile_.count = profiler_.count;
    return good;
  }
  const danas::Profile* profile() override {
    profile_.operators = profiler_.operators;
    return &profile_;
  }

 private:
  tflite::MicroInterpreter* interpreter_ = nullptr;
  Profiler profiler_;
  danas::Profile profile_ = {0, 0, 0, nullptr};
};

TflmModel tflm_model;

}  // namespace

danas::Model& danas_model() { return tflm_model; }
