// A minimal program with the operators that the macro OPERATORS registers, to be linked and
// weighed by _code_size.py; it is never run.
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"

namespace tflite {
void InitializeTarget() {}
}  // namespace tflite

extern "C" void DebugLog(const char*) {}

alignas(16) unsigned char arena[16];
const unsigned char* volatile model_data;

int main() {
  static tflite::MicroMutableOpResolver<64> resolver;
  OPERATORS
  static tflite::MicroInterpreter interpreter(
      tflite::GetModel(const_cast<const unsigned char*>(model_data)), resolver, arena,
      sizeof(arena));
  if (interpreter.AllocateTensors() != kTfLiteOk) return 1;
  interpreter.input(0)->data.int8[0] = 1;
  if (interpreter.Invoke() != kTfLiteOk) return 2;
  return interpreter.output(0)->data.int8[0];
}
