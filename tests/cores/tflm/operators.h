// The operators that a sketch may name: of Chirale_TensorFLowLite 2.0.0 (src/tensorflow/lite/), the
// value in schema/schema_generated.h:902 and the method, with its line, of
// micro/micro_mutable_op_resolver.h.
#define DANAS_OPERATORS(X) \
  X(ADD, 0, AddAdd) /* :119 */ \
  X(AVERAGE_POOL_2D, 1, AddAveragePool2D) /* :141 */ \
  X(CONCATENATION, 2, AddConcatenation) /* :179 */ \
  X(CONV_2D, 3, AddConv2D) /* :185 */ \
  X(DEPTHWISE_CONV_2D, 4, AddDepthwiseConv2D) /* :205 */ \
  X(DEQUANTIZE, 6, AddDequantize) /* :211 */ \
  X(FULLY_CONNECTED, 9, AddFullyConnected) /* :270 */ \
  X(HARD_SWISH, 117, AddHardSwish) /* :297 */ \
  X(LEAKY_RELU, 98, AddLeakyRelu) /* :317 */ \
  X(LOGISTIC, 14, AddLogistic) /* :354 */ \
  X(MAX_POOL_2D, 17, AddMaxPool2D) /* :369 */ \
  X(MEAN, 40, AddMean) /* :379 */ \
  X(MUL, 18, AddMul) /* :388 */ \
  X(PACK, 83, AddPack) /* :401 */ \
  X(PAD, 34, AddPad) /* :405 */ \
  X(PADV2, 60, AddPadV2) /* :409 */ \
  X(PRELU, 54, AddPrelu) /* :413 */ \
  X(QUANTIZE, 114, AddQuantize) /* :418 */ \
  X(RELU, 19, AddRelu) /* :433 */ \
  X(RELU6, 21, AddRelu6) /* :437 */ \
  X(RESHAPE, 22, AddReshape) /* :442 */ \
  X(SHAPE, 77, AddShape) /* :473 */ \
  X(SOFTMAX, 25, AddSoftmax) /* :486 */ \
  X(STRIDED_SLICE, 45, AddStridedSlice) /* :532 */ \
  X(SUB, 41, AddSub) /* :538 */ \
  X(SVDF, 27, AddSvdf) /* :546 */ \
  X(TRANSPOSE, 39, AddTranspose) /* :561 */
