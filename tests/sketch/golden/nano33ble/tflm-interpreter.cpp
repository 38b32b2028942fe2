// A model in TensorFlow Lite Micro: the plain interpreter in an arena of fixed size, with exactly
// the operators that the model uses.
#include "model_data.h"

#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"
#include "tensorflow/lite/schema/schema_utils.h"

namespace {

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
    static tflite::MicroInterpreter interpreter(model, resolver, danas_arena, danas_arena_bytes);
    if (interpreter.AllocateTensors() != kTfLiteOk) return "allocate";
    if (interpreter.inputs_size() != 1 || interpreter.outputs_size() != 1) return "tensors";
    interpreter_ = &interpreter;
    return nullptr;
  }
  uint8_t* input() override { return interpreter_->input(0)->data.uint8; }
  uint32_t input_bytes() override { return interpreter_->input(0)->bytes; }
  const uint8_t* output() override { return interpreter_->output(0)->data.uint8; }
  uint32_t output_bytes() override { return interpreter_->output(0)->bytes; }
  uint32_t arena_bytes() override { return danas_arena_bytes; }
  uint32_t arena_used() override { return interpreter_->arena_used_bytes(); }
  bool invoke() override { return interpreter_->Invoke() == kTfLiteOk; }

 private:
  tflite::MicroInterpreter* interpreter_ = nullptr;
};

TflmModel tflm_model;

}  // namespace

danas::Model& danas_model() { return tflm_model; }
