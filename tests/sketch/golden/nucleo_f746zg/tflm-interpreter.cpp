// A model in TensorFlow Lite Micro: the plain interpreter in an arena of fixed size, with exactly
// the operators that the model uses.
#include "model_data.h"

#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"
#include "tensorflow/lite/schema/schema_utils.h"

// What the library's resolver knows of one operator.
struct DanasOperator {
  TfLiteRegistration registration;
  tflite::TfLiteBridgeBuiltinParseFunction parser;
};

using OneOperator = tflite::MicroMutableOpResolver<1>;

static DanasOperator known(TfLiteStatus added, const OneOperator& one, tflite::BuiltinOperator code) {
  DanasOperator found = {};
  found.registration.builtin_code = tflite::BuiltinOperator_CUSTOM;  // which is never looked for
  if (added == kTfLiteOk) found = {*one.FindOp(code), one.GetOpDataParser(code)};
  return found;
}

// All that the library may be asked for; what model.cpp does not name is left out by the linker.
const DanasOperator& danas_add() {
  static const DanasOperator kept = [] {
    OneOperator one;
    return known(one.AddAdd(), one, tflite::BuiltinOperator_ADD);
  }();
  return kept;
}
const DanasOperator& danas_average_pool_2d() {
  static const DanasOperator kept = [] {
    OneOperator one;
    return known(one.AddAveragePool2D(), one, tflite::BuiltinOperator_AVERAGE_POOL_2D);
  }();
  return kept;
}
const DanasOperator& danas_concatenation() {
  static const DanasOperator kept = [] {
    OneOperator one;
    return known(one.AddConcatenation(), one, tflite::BuiltinOperator_CONCATENATION);
  }();
  return kept;
}
const DanasOperator& danas_conv_2d() {
  static const DanasOperator kept = [] {
    OneOperator one;
    return known(one.AddConv2D(), one, tflite::BuiltinOperator_CONV_2D);
  }();
  return kept;
}
const DanasOperator& danas_depthwise_conv_2d() {
  static const DanasOperator kept = [] {
    OneOperator one;
    return known(one.AddDepthwiseConv2D(), one, tflite::BuiltinOperator_DEPTHWISE_CONV_2D);
  }();
  return kept;
}
const DanasOperator& danas_dequantize() {
  static const DanasOperator kept = [] {
    OneOperator one;
    return known(one.AddDequantize(), one, tflite::BuiltinOperator_DEQUANTIZE);
  }();
  return kept;
}
const DanasOperator& danas_fully_connected() {
  static const DanasOperator kept = [] {
    OneOperator one;
    return known(one.AddFullyConnected(), one, tflite::BuiltinOperator_FULLY_CONNECTED);
  }();
  return kept;
}
const DanasOperator& danas_hard_swish() {
  static const DanasOperator kept = [] {
    OneOperator one;
    return known(one.AddHardSwish(), one, tflite::BuiltinOperator_HARD_SWISH);
  }();
  return kept;
}
const DanasOperator& danas_leaky_relu() {
  static const DanasOperator kept = [] {
    OneOperator one;
    return known(one.AddLeakyRelu(), one, tflite::BuiltinOperator_LEAKY_RELU);
  }();
  return kept;
}
const DanasOperator& danas_logistic() {
  static const DanasOperator kept = [] {
    OneOperator one;
    return known(one.AddLogistic(), one, tflite::BuiltinOperator_LOGISTIC);
  }();
  return kept;
}
const DanasOperator& danas_max_pool_2d() {
  static const DanasOperator kept = [] {
    OneOperator one;
    return known(one.AddMaxPool2D(), one, tflite::BuiltinOperator_MAX_POOL_2D);
  }();
  return kept;
}
const DanasOperator& danas_mean() {
  static const DanasOperator kept = [] {
    OneOperator one;
    return known(one.AddMean(), one, tflite::BuiltinOperator_MEAN);
  }();
  return kept;
}
const DanasOperator& danas_mul() {
  static const DanasOperator kept = [] {
    OneOperator one;
    return known(one.AddMul(), one, tflite::BuiltinOperator_MUL);
  }();
  return kept;
}
const DanasOperator& danas_pack() {
  static const DanasOperator kept = [] {
    OneOperator one;
    return known(one.AddPack(), one, tflite::BuiltinOperator_PACK);
  }();
  return kept;
}
const DanasOperator& danas_pad() {
  static const DanasOperator kept = [] {
    OneOperator one;
    return known(one.AddPad(), one, tflite::BuiltinOperator_PAD);
  }();
  return kept;
}
const DanasOperator& danas_padv2() {
  static const DanasOperator kept = [] {
    OneOperator one;
    return known(one.AddPadV2(), one, tflite::BuiltinOperator_PADV2);
  }();
  return kept;
}
const DanasOperator& danas_prelu() {
  static const DanasOperator kept = [] {
    OneOperator one;
    return known(one.AddPrelu(), one, tflite::BuiltinOperator_PRELU);
  }();
  return kept;
}
const DanasOperator& danas_quantize() {
  static const DanasOperator kept = [] {
    OneOperator one;
    return known(one.AddQuantize(), one, tflite::BuiltinOperator_QUANTIZE);
  }();
  return kept;
}
const DanasOperator& danas_relu() {
  static const DanasOperator kept = [] {
    OneOperator one;
    return known(one.AddRelu(), one, tflite::BuiltinOperator_RELU);
  }();
  return kept;
}
const DanasOperator& danas_relu6() {
  static const DanasOperator kept = [] {
    OneOperator one;
    return known(one.AddRelu6(), one, tflite::BuiltinOperator_RELU6);
  }();
  return kept;
}
const DanasOperator& danas_reshape() {
  static const DanasOperator kept = [] {
    OneOperator one;
    return known(one.AddReshape(), one, tflite::BuiltinOperator_RESHAPE);
  }();
  return kept;
}
const DanasOperator& danas_shape() {
  static const DanasOperator kept = [] {
    OneOperator one;
    return known(one.AddShape(), one, tflite::BuiltinOperator_SHAPE);
  }();
  return kept;
}
const DanasOperator& danas_softmax() {
  static const DanasOperator kept = [] {
    OneOperator one;
    return known(one.AddSoftmax(), one, tflite::BuiltinOperator_SOFTMAX);
  }();
  return kept;
}
const DanasOperator& danas_strided_slice() {
  static const DanasOperator kept = [] {
    OneOperator one;
    return known(one.AddStridedSlice(), one, tflite::BuiltinOperator_STRIDED_SLICE);
  }();
  return kept;
}
const DanasOperator& danas_sub() {
  static const DanasOperator kept = [] {
    OneOperator one;
    return known(one.AddSub(), one, tflite::BuiltinOperator_SUB);
  }();
  return kept;
}
const DanasOperator& danas_svdf() {
  static const DanasOperator kept = [] {
    OneOperator one;
    return known(one.AddSvdf(), one, tflite::BuiltinOperator_SVDF);
  }();
  return kept;
}
const DanasOperator& danas_transpose() {
  static const DanasOperator kept = [] {
    OneOperator one;
    return known(one.AddTranspose(), one, tflite::BuiltinOperator_TRANSPOSE);
  }();
  return kept;
}

namespace {

// MicroMutableOpResolver's work, for operators that another file names: that template would have
// to be compiled anew for each set of them.
class Operators : public tflite::MicroOpResolver {
 public:
  TF_LITE_REMOVE_VIRTUAL_DELETE

  const TfLiteRegistration* FindOp(tflite::BuiltinOperator code) const override {
    const DanasOperator* found = find(code);
    return found == nullptr ? nullptr : &found->registration;
  }
  const TfLiteRegistration* FindOp(const char*) const override { return nullptr; }
  tflite::TfLiteBridgeBuiltinParseFunction GetOpDataParser(tflite::BuiltinOperator code) const override {
    const DanasOperator* found = find(code);
    return found == nullptr ? nullptr : found->parser;
  }

 private:
  static const DanasOperator* find(tflite::BuiltinOperator code) {
    for (uint32_t i = 0; i < danas_operators_count; ++i) {
      const DanasOperator& one = danas_operators[i]();
      if (one.registration.builtin_code == code) return &one;
    }
    return nullptr;
  }
};

class TflmModel : public danas::Model {
 public:
  const char* prepare() override {
    const tflite::Model* model = tflite::GetModel(danas_model_words);
    if (model->version() != TFLITE_SCHEMA_VERSION) return "schema";
    static Operators resolver;
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
  void forget() override { interpreter_->Reset(); }
  bool invoke() override { return interpreter_->Invoke() == kTfLiteOk; }

 private:
  tflite::MicroInterpreter* interpreter_ = nullptr;
};

TflmModel tflm_model;

}  // namespace

danas::Model& danas_model() { return tflm_model; }
