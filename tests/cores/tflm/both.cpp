// The library's own headers and ours in one translation unit: it does not compile where ours differ.
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/micro/micro_profiler_interface.h"
#include "tensorflow/lite/micro/recording_micro_interpreter.h"
#include "tensorflow/lite/schema/schema_generated.h"
#include "tensorflow/lite/schema/schema_utils.h"

#include <stddef.h>

#include <type_traits>

#include "operators.h"
namespace ours {
#include "types.h"
}

#include "../same.h"

static_assert(TFLITE_SCHEMA_VERSION == 3, "");
SAME_VALUE(kTfLiteOk)
SAME_FIELD(TfLiteRegistration, builtin_code)
static_assert(std::is_same<decltype(TfLiteTensor::bytes), size_t>::value, "");
static_assert(std::is_same<decltype(TfLiteTensor().data.uint8), uint8_t*>::value, "");

using tflite::BuiltinOperator_CUSTOM;
static_assert(int(BuiltinOperator_CUSTOM) == int(ours::tflite::BuiltinOperator_CUSTOM), "");

// Each operator has its value and its method.
typedef tflite::MicroMutableOpResolver<1> OneOperator;
#define X(name, number, method)                                                         \
  static_assert(int(tflite::BuiltinOperator_##name) == number, #name);                  \
  static_assert(std::is_same<decltype(std::declval<OneOperator&>().method()),           \
                             TfLiteStatus>::value, #method);
DANAS_OPERATORS(X)
#undef X

// Both have the method, with the same result in either's own types.
#define SAME_CALL(type, call, result)                                                           \
  static_assert(std::is_same<decltype(std::declval<type&>().call), result>::value, #call);      \
  static_assert(std::is_same<decltype(std::declval<ours::type&>().call), ours::result>::value, \
                "ours: " #call);

namespace ours {
using ::size_t;
using ::uint32_t;
}  // namespace ours

typedef tflite::MicroInterpreter Interpreter;
SAME_CALL(tflite::MicroInterpreter, AllocateTensors(), TfLiteStatus)
SAME_CALL(tflite::MicroInterpreter, Invoke(), TfLiteStatus)
SAME_CALL(tflite::MicroInterpreter, Reset(), TfLiteStatus)
SAME_CALL(tflite::MicroInterpreter, input(0), TfLiteTensor*)
SAME_CALL(tflite::MicroInterpreter, output(0), TfLiteTensor*)
SAME_CALL(tflite::MicroInterpreter, inputs_size(), size_t)
SAME_CALL(tflite::MicroInterpreter, outputs_size(), size_t)
SAME_CALL(tflite::MicroInterpreter, arena_used_bytes(), size_t)
SAME_CALL(tflite::Model, version(), uint32_t)
SAME_CALL(tflite::Operator, opcode_index(), uint32_t)
static_assert(std::is_constructible<Interpreter, const tflite::Model*, tflite::MicroOpResolver&,
                                    uint8_t*, size_t, std::nullptr_t,
                                    tflite::MicroProfilerInterface*>::value, "");
static_assert(std::is_constructible<tflite::RecordingMicroInterpreter, const tflite::Model*,
                                    tflite::MicroOpResolver&, uint8_t*, size_t, std::nullptr_t,
                                    tflite::MicroProfilerInterface*>::value, "");
static_assert(std::is_same<decltype(std::declval<const tflite::RecordingMicroInterpreter&>()
                                        .GetMicroAllocator()
                                        .GetSimpleMemoryAllocator()
                                        ->GetPersistentUsedBytes()),
                           size_t>::value, "");
