// All that the sketch uses of TensorFlow Lite Micro, in the stead of its headers.
#pragma once

#include <stddef.h>
#include <stdint.h>

#define TFLITE_SCHEMA_VERSION (3)  // micro/micro_interpreter.h:35
// micro/compatibility.h:25
#define TF_LITE_REMOVE_VIRTUAL_DELETE \
  void operator delete(void*) {}

#include "operators.h"
//
#include "types.h"
