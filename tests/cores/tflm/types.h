// As much of TensorFlow Lite Micro (Chirale_TensorFLowLite 2.0.0) as the sketch uses. Files are
// those below src/tensorflow/lite/. In both.cpp this stands inside a namespace, beside the
// library's own.
enum TfLiteStatus { kTfLiteOk = 0, kTfLiteError = 1 };  // core/c/c_api_types.h:55

struct TfLiteRegistration {  // core/c/common.h:890
  void* functions[5];
  int32_t builtin_code;  // core/c/common.h:939
  const void* rest[4];
};

struct TfLiteTensor {  // core/c/common.h:422, as it is where only static memory is
  union {
    uint8_t* uint8;  // core/c/common.h:324
  } data;
  size_t bytes;
};

namespace tflite {

enum BuiltinOperator : int32_t {  // schema/schema_generated.h:902
#define X(name, value, method) BuiltinOperator_##name = value,
  DANAS_OPERATORS(X)
#undef X
  BuiltinOperator_CUSTOM = 32,
};

template <class T>
class Offsets {  // flatbuffers::Vector<flatbuffers::Offset<T>>
 public:
  struct Iterator {
    const uint32_t* at;
    const T* operator*() const;
    Iterator& operator++();
    bool operator!=(const Iterator& other) const { return at != other.at; }
  };
  const T* Get(uint32_t index) const;
  Iterator begin() const;
  Iterator end() const;
};

// schema/schema_generated.h
struct Operator {
  uint32_t opcode_index() const;
};
struct OperatorCode {};
struct SubGraph {
  const Offsets<Operator>* operators() const;
};
struct Model {
  uint32_t version() const;  // :13177
  const Offsets<OperatorCode>* operator_codes() const;
  const Offsets<SubGraph>* subgraphs() const;
};
const Model* GetModel(const void* buf);                        // :20105
BuiltinOperator GetBuiltinCode(const OperatorCode* op_code);  // schema/schema_utils.h:27

// micro/tflite_bridge/op_resolver_bridge.h
typedef TfLiteStatus (*TfLiteBridgeBuiltinParseFunction)(const Operator*, void*, void*, void**);

class MicroOpResolver {  // micro/micro_op_resolver.h:32
 public:
  virtual const TfLiteRegistration* FindOp(BuiltinOperator op) const = 0;
  virtual const TfLiteRegistration* FindOp(const char* op) const = 0;
  virtual TfLiteBridgeBuiltinParseFunction GetOpDataParser(BuiltinOperator op) const = 0;
  virtual ~MicroOpResolver() {}
  void operator delete(void*) {}
};

template <unsigned int tOpCount>
class MicroMutableOpResolver : public MicroOpResolver {  // micro/micro_mutable_op_resolver.h:40
 public:
  TF_LITE_REMOVE_VIRTUAL_DELETE
  const TfLiteRegistration* FindOp(BuiltinOperator op) const override;
  const TfLiteRegistration* FindOp(const char* op) const override;
  TfLiteBridgeBuiltinParseFunction GetOpDataParser(BuiltinOperator op) const override;
#define X(name, value, method) TfLiteStatus method();
  DANAS_OPERATORS(X)
#undef X
};

class MicroProfilerInterface {  // micro/micro_profiler_interface.h:24
 public:
  virtual ~MicroProfilerInterface() {}
  virtual uint32_t BeginEvent(const char* tag) = 0;
  virtual void EndEvent(uint32_t event_handle) = 0;
  void operator delete(void*) {}
};

class MicroResourceVariables;

class MicroInterpreter {  // micro/micro_interpreter.h:39
 public:
  MicroInterpreter(const Model* model, const MicroOpResolver& op_resolver, uint8_t* tensor_arena,
                   size_t tensor_arena_size, MicroResourceVariables* resource_variables = nullptr,
                   MicroProfilerInterface* profiler = nullptr);
  ~MicroInterpreter();
  TfLiteStatus AllocateTensors();
  TfLiteStatus Invoke();
  TfLiteStatus Reset();
  TfLiteTensor* input(size_t index);
  TfLiteTensor* output(size_t index);
  size_t inputs_size() const;
  size_t outputs_size() const;
  size_t arena_used_bytes() const;
};

class RecordingSingleArenaBufferAllocator {  // micro/arena_allocator/single_arena_buffer_allocator.h
 public:
  size_t GetNonPersistentUsedBytes() const;  // :100
  size_t GetPersistentUsedBytes() const;     // :103
};

class RecordingMicroAllocator {  // micro/recording_micro_allocator.h
 public:
  const RecordingSingleArenaBufferAllocator* GetSimpleMemoryAllocator() const;  // :67
};

class RecordingMicroInterpreter : public MicroInterpreter {  // micro/recording_micro_interpreter.h:37
 public:
  using MicroInterpreter::MicroInterpreter;
  const RecordingMicroAllocator& GetMicroAllocator() const;
};

}  // namespace tflite
