// What model.cpp brings to interpreter.cpp: a file of its own for what differs from model to model,
// because the library's headers take seconds to compile.
#pragma once

#include <stdint.h>

#include "model.h"

extern const uint32_t danas_arena_bytes;
extern uint8_t danas_arena[];
extern const uint64_t danas_model_words[];

// Operators are named by functions, so that the linker leaves out those that no model names.
struct DanasOperator;
typedef const DanasOperator& (*DanasOperatorOf)();
extern const uint32_t danas_operators_count;
extern const DanasOperatorOf danas_operators[];
const DanasOperator& danas_add();
const DanasOperator& danas_average_pool_2d();
const DanasOperator& danas_concatenation();
const DanasOperator& danas_conv_2d();
const DanasOperator& danas_depthwise_conv_2d();
const DanasOperator& danas_dequantize();
const DanasOperator& danas_fully_connected();
const DanasOperator& danas_hard_swish();
const DanasOperator& danas_leaky_relu();
const DanasOperator& danas_logistic();
const DanasOperator& danas_max_pool_2d();
const DanasOperator& danas_mean();
const DanasOperator& danas_mul();
const DanasOperator& danas_pack();
const DanasOperator& danas_pad();
const DanasOperator& danas_padv2();
const DanasOperator& danas_prelu();
const DanasOperator& danas_quantize();
const DanasOperator& danas_relu();
const DanasOperator& danas_relu6();
const DanasOperator& danas_reshape();
const DanasOperator& danas_shape();
const DanasOperator& danas_softmax();
const DanasOperator& danas_strided_slice();
const DanasOperator& danas_sub();
const DanasOperator& danas_svdf();
const DanasOperator& danas_transpose();
