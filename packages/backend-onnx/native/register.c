/* The library's entry point: names, types and functions of every operator, handed to ONNX Runtime. */
#include <stdlib.h>
#include "runtime.h"
#include "vector.h"

/* Positions in OrtApi. */
enum {
  GET_TENSOR_DATA = 51, GET_RANK = 61, GET_SHAPE = 62, GET_TYPE_AND_SHAPE = 65, ATTRIBUTE_FLOAT = 85, ATTRIBUTE_INT = 86,
  GET_INPUT_COUNT = 88, GET_INPUT = 90, GET_OUTPUT = 91, RELEASE_STATUS = 93, RELEASE_TYPE_AND_SHAPE = 99, CREATE_DOMAIN = 26,
  ADD_OPERATOR = 27, ADD_DOMAIN = 28, PARALLEL_FOR = 274
};

static void describe(Api api, const Value *value, Tensor *t) {
  void *info;
  size_t rank;
  ((Status(*)(const Value *, void **))api[GET_TYPE_AND_SHAPE])(value, &info);
  ((Status(*)(const void *, size_t *))api[GET_RANK])(info, &rank);
  ((Status(*)(const void *, int64_t *, size_t))api[GET_SHAPE])(info, t->shape, rank < 8 ? rank : 8);
  ((void (*)(void *))api[RELEASE_TYPE_AND_SHAPE])(info);
  ((Status(*)(const Value *, void **))api[GET_TENSOR_DATA])(value, &t->data);
  t->rank = (int)rank;
  t->size = 1;
  for (size_t i = 0; i < rank; i++) t->size *= t->shape[i];
}
Tensor input_tensor(Kernel *kernel, Context *context, size_t index) {
  const Value *value = 0;
  Tensor t = {0};
  ((Status(*)(const Context *, size_t, const Value **))kernel->api[GET_INPUT])(context, index, &value);
  if (value) describe(kernel->api, value, &t);
  return t;
}
int has_input(Kernel *kernel, Context *context, size_t index) {
  const Value *value = 0;
  size_t count = 0;
  ((Status(*)(const Context *, size_t *))kernel->api[GET_INPUT_COUNT])(context, &count);
  if (index >= count) return 0;
  ((Status(*)(const Context *, size_t, const Value **))kernel->api[GET_INPUT])(context, index, &value);
  return value != 0;
}
Tensor output_tensor(Kernel *kernel, Context *context, size_t index, const int64_t *shape, int rank) {
  Value *value = 0;
  Tensor t = {0};
  ((Status(*)(Context *, size_t, const int64_t *, size_t, Value **))kernel->api[GET_OUTPUT])(context, index, shape, (size_t)rank, &value);
  if (value) describe(kernel->api, value, &t);
  return t;
}
int64_t rows_of(Tensor t) { return t.rank ? t.size / (t.shape[t.rank - 1] ? t.shape[t.rank - 1] : 1) : 1; }
void parallel_for(Kernel *kernel, Context *context, size_t tasks, Task task, void *argument) {
  if (tasks == 1) task(argument, 0);
  else ((Status(*)(const Context *, Task, size_t, size_t, void *))kernel->api[PARALLEL_FOR])(context, task, tasks, 0, argument);
}

static float attribute_float(Api api, const void *info, const char *name, float otherwise) {
  float value;
  Status status = ((Status(*)(const void *, const char *, float *))api[ATTRIBUTE_FLOAT])(info, name, &value);
  if (!status) return value;
  ((void (*)(Status))api[RELEASE_STATUS])(status);
  return otherwise;
}
static int64_t attribute_int(Api api, const void *info, const char *name, int64_t otherwise) {
  int64_t value;
  Status status = ((Status(*)(const void *, const char *, int64_t *))api[ATTRIBUTE_INT])(info, name, &value);
  if (!status) return value;
  ((void (*)(Status))api[RELEASE_STATUS])(status);
  return otherwise;
}
static void *create_kernel(const Op *op, Api api, const void *info) {
  (void)op;
  Kernel *kernel = malloc(sizeof *kernel);
  *kernel = (Kernel){api, attribute_float(api, info, "epsilon", 1e-5f), attribute_float(api, info, "scale", 1.0f),
                     attribute_int(api, info, "causal", 1), attribute_int(api, info, "ignore_index", -100), attribute_int(api, info, "transA", 0),
                     attribute_int(api, info, "transB", 0)};
  return kernel;
}
static const char *name(const Op *op) { return op->op_name; }
static const char *provider(const Op *op) { (void)op; return "CPUExecutionProvider"; }
static int type_of(char c) { return c == 'i' ? INT32 : FLOAT32; }
static int input_type(const Op *op, size_t i) { return type_of(op->input_types[i]); }
static int output_type(const Op *op, size_t i) { return type_of(op->output_types[i]); }
static size_t input_count(const Op *op) { return (size_t)op->inputs; }
static size_t output_count(const Op *op) { return (size_t)op->outputs; }
static int input_characteristic(const Op *op, size_t i) { return op->input_types[i] == 'F' ? OPTIONAL : REQUIRED; }
static int output_characteristic(const Op *op, size_t i) { (void)op; (void)i; return REQUIRED; }
static int memory_type(const Op *op, size_t i) { (void)op; (void)i; return 0; }
static int one(const Op *op) { (void)op; return 1; }
static int newest(const Op *op) { (void)op; return INT32_MAX; }
static int first_output_over_first_input(int **inputs, int **outputs) {
  *inputs = calloc(1, sizeof(int));
  *outputs = calloc(1, sizeof(int));
  return 1;
}
static size_t in_place(int **inputs, int **outputs) { return (size_t)first_output_over_first_input(inputs, outputs); }
static size_t never(int **inputs, int **outputs) { (void)inputs; (void)outputs; return 0; }
static void release(int *inputs, int *outputs) { free(inputs); free(outputs); }

#define DECLARE(function) void function(void *, Context *)
DECLARE(fast_gelu); DECLARE(fast_gelu_gradient); DECLARE(layer_normalization_gradient); DECLARE(rms_normalization_gradient);
DECLARE(softmax_cross_entropy); DECLARE(adamw_update); DECLARE(causal_attention); DECLARE(causal_attention_gradient);
DECLARE(matrix_product); DECLARE(block_attention); DECLARE(block_attention_gradient);

#define OP(label, function, in_types, out_types, inplace)                                                                      \
  {17, create_kernel, name, provider, input_type, input_count, output_type, output_count, function, free, input_characteristic, \
   output_characteristic, memory_type, one, one, one, one, 0, 0, 0, one, newest, inplace, release, never, release, label,       \
   sizeof in_types - 1, sizeof out_types - 1, in_types, out_types}

static const Op operators[] = {
    OP("FastGelu", fast_gelu, "f", "f", never),
    OP("FastGeluGrad", fast_gelu_gradient, "ff", "f", in_place),
    OP("LayerNormalizationGrad", layer_normalization_gradient, "fffff", "fff", in_place),
    OP("RmsNormalizationGrad", rms_normalization_gradient, "ffff", "ff", in_place),
    OP("SoftmaxCrossEntropy", softmax_cross_entropy, "fif", "ff", never),
    OP("AdamWUpdate", adamw_update, "fffff", "fff", never),
    OP("CausalAttention", causal_attention, "fff", "ff", never),
    OP("CausalAttentionGrad", causal_attention_gradient, "ffffff", "fff", never),
    OP("BlockAttention", block_attention, "fffiiifF", "ff", never),
    OP("BlockAttentionGrad", block_attention_gradient, "ffffffiiifF", "fff", never),
    OP("MatrixProduct", matrix_product, "ffF", "f", never),
};

Status RegisterCustomOps(void *options, const void *const *base) {
  Api api = ((Api(*)(uint32_t))base[0])(17);
  void *domain;
  Status status;
  if (!api) return 0;
  if ((status = ((Status(*)(const char *, void **))api[CREATE_DOMAIN])("tesserae", &domain))) return status;
  for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++)
    if ((status = ((Status(*)(void *, const Op *))api[ADD_OPERATOR])(domain, &operators[i]))) return status;
  return ((Status(*)(void *, void *))api[ADD_DOMAIN])(options, domain);
}
