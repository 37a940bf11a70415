/* The library's entry point: names, types and functions of every operator, handed to ONNX Runtime. */
#include <stdlib.h>
#include "runtime.h"

enum { FAIL = 1 };                                 /* OrtErrorCode */
/* Positions in OrtApi. */
enum {
  CREATE_STATUS = 0, GET_TENSOR_DATA = 51, GET_RANK = 61, GET_SHAPE = 62, GET_TYPE_AND_SHAPE = 65, ATTRIBUTE_FLOAT = 85, ATTRIBUTE_INT = 86,
  GET_INPUT_COUNT = 88, GET_INPUT = 90, GET_OUTPUT = 91, RELEASE_STATUS = 93, RELEASE_TYPE_AND_SHAPE = 99, CREATE_DOMAIN = 26,
  ADD_OPERATOR = 27, ADD_DOMAIN = 28, PARALLEL_FOR = 274
};

static int succeeded(Call *call, Status status) {
  if (!status) return 1;
  if (call->status) ((void (*)(Status))call->kernel->api[RELEASE_STATUS])(status);
  else call->status = status;
  return 0;
}
static void describe(Call *call, const Value *value, Tensor *t) {
  const Api api = call->kernel->api;
  void *info = 0;
  size_t rank = 0;
  if (!succeeded(call, ((Status(*)(const Value *, void **))api[GET_TYPE_AND_SHAPE])(value, &info))) return;
  if (succeeded(call, ((Status(*)(const void *, size_t *))api[GET_RANK])(info, &rank)) &&
      succeeded(call, ((Status(*)(const void *, int64_t *, size_t))api[GET_SHAPE])(info, t->shape, rank < 8 ? rank : 8)))
    succeeded(call, ((Status(*)(const Value *, void **))api[GET_TENSOR_DATA])(value, &t->data));
  ((void (*)(void *))api[RELEASE_TYPE_AND_SHAPE])(info);
  t->rank = (int)(rank < 8 ? rank : 8);
  t->size = 1;
  for (int i = 0; i < t->rank; i++) t->size *= t->shape[i];
}
Tensor input_tensor(Call *call, size_t index) {
  const Api api = call->kernel->api;
  const Value *value = 0;
  size_t count = 0;
  Tensor t = {0};
  if (succeeded(call, ((Status(*)(const Context *, size_t *))api[GET_INPUT_COUNT])(call->context, &count)) && index < count &&
      succeeded(call, ((Status(*)(const Context *, size_t, const Value **))api[GET_INPUT])(call->context, index, &value)) && value)
    describe(call, value, &t);
  return t;
}
Tensor output_tensor(Call *call, size_t index, const int64_t *shape, int rank) {
  Value *value = 0;
  Tensor t = {0};
  if (succeeded(call, ((Status(*)(Context *, size_t, const int64_t *, size_t, Value **))call->kernel->api[GET_OUTPUT])(
                          call->context, index, shape, (size_t)rank, &value)) && value)
    describe(call, value, &t);
  return t;
}
int64_t rows_of(Tensor t) { return t.rank ? t.size / (t.shape[t.rank - 1] ? t.shape[t.rank - 1] : 1) : 1; }

float *scratch_of_task(int64_t floats) { return aligned_alloc(64, ((size_t)floats * sizeof(float) + 63) / 64 * 64); }
void out_of_memory(Call *call) {
  const Api api = call->kernel->api;
  succeeded(call, ((Status(*)(int, const char *))api[CREATE_STATUS])(FAIL, "tesserae kernel: not enough memory"));
}
float *scratch(Call *call, int64_t floats) {
  float *memory = scratch_of_task(floats);
  if (!memory) out_of_memory(call);
  return memory;
}

/** Does nothing in a call that has failed: its tensors may be missing. */
void parallel_for(Call *call, size_t tasks, Task task, void *argument) {
  if (call->status || tasks == 0) return;
  if (tasks == 1) task(argument, 0);
  else
    succeeded(call, ((Status(*)(const Context *, Task, size_t, size_t, void *))call->kernel->api[PARALLEL_FOR])(call->context, task, tasks, 0,
                                                                                                                 argument));
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
static int64_t kernels;
static Status create_kernel(const Op *op, Api api, const void *info, void **kernel) {
  Kernel *made = malloc(sizeof *made);
  if (!made) return ((Status(*)(int, const char *))api[CREATE_STATUS])(FAIL, "tesserae kernel: not enough memory");
  *made = (Kernel){api, op->run, attribute_float(api, info, "epsilon", 1e-5f), attribute_float(api, info, "scale", 1.0f),
                   attribute_float(api, info, "softcap", 0.0f), attribute_int(api, info, "window", 0),
                   attribute_int(api, info, "causal", 1), attribute_int(api, info, "cached", 0), attribute_int(api, info, "heads", 1),
                   attribute_int(api, info, "ignore_index", -100), attribute_int(api, info, "transA", 0),
                   attribute_int(api, info, "transB", 0), __atomic_fetch_add(&kernels, 1, __ATOMIC_RELAXED), 0, 0};
  *kernel = made;
  return 0;
}
static Status compute(void *kernel, Context *context) {
  Call call = {kernel, context, 0};
  call.kernel->run(&call);
  return call.status;
}
static const char *name(const Op *op) { return op->op_name; }
static const char *provider(const Op *op) { (void)op; return "CPUExecutionProvider"; }
static int type_of(char c) { return c == 'i' || c == 'I' ? INT32 : FLOAT32; }
static int input_type(const Op *op, size_t i) { return type_of(op->input_types[i]); }
static int output_type(const Op *op, size_t i) { return type_of(op->output_types[i]); }
static size_t input_count(const Op *op) { return (size_t)op->inputs; }
static size_t output_count(const Op *op) { return (size_t)op->outputs; }
static int input_characteristic(const Op *op, size_t i) { return op->input_types[i] < 'a' ? OPTIONAL : REQUIRED; }
static int output_characteristic(const Op *op, size_t i) { (void)op; (void)i; return REQUIRED; }
static int memory_type(const Op *op, size_t i) { (void)op; (void)i; return 0; }
static int one(const Op *op) { (void)op; return 1; }
static int newest(const Op *op) { (void)op; return INT32_MAX; }
static size_t in_place(int **inputs, int **outputs) {
  *inputs = calloc(1, sizeof(int));
  *outputs = calloc(1, sizeof(int));
  if (*inputs && *outputs) return 1;
  free(*inputs);
  free(*outputs);
  *inputs = *outputs = 0;
  return 0;
}
static size_t never(int **inputs, int **outputs) { (void)inputs; (void)outputs; return 0; }
static void release(int *inputs, int *outputs) { free(inputs); free(outputs); }

#define DECLARE(function) void function(Call *)
DECLARE(fast_gelu); DECLARE(fast_gelu_gradient); DECLARE(layer_normalization_gradient); DECLARE(rms_normalization_gradient);
DECLARE(softmax_cross_entropy); DECLARE(adamw_update); DECLARE(causal_attention); DECLARE(causal_attention_gradient);
DECLARE(matrix_product); DECLARE(masked_attention); DECLARE(cached_attention); DECLARE(write_cache); DECLARE(rotary); DECLARE(swiglu); DECLARE(swiglu_gradient);
DECLARE(few_rows_products); DECLARE(few_rows_gated); DECLARE(decoder_layer);
DECLARE(block_attention); DECLARE(block_attention_gradient);

#define OP(label, function, in_types, out_types, inplace)                                                                      \
  {17, 0, name, provider, input_type, input_count, output_type, output_count, 0, free, input_characteristic,                  \
   output_characteristic, memory_type, one, one, one, one, create_kernel, compute, 0, one, newest, inplace, release, never, release, label, \
   sizeof in_types - 1, sizeof out_types - 1, in_types, out_types, function}

static const Op operators[] = {
    OP("FastGelu", fast_gelu, "f", "f", never),
    OP("FastGeluGrad", fast_gelu_gradient, "ff", "f", in_place),
    OP("LayerNormalizationGrad", layer_normalization_gradient, "fffff", "fff", in_place),
    OP("RmsNormalizationGrad", rms_normalization_gradient, "ffff", "ff", in_place),
    OP("SoftmaxCrossEntropy", softmax_cross_entropy, "fif", "ff", never),
    OP("AdamWUpdate", adamw_update, "fffff", "fff", never),
    OP("CausalAttention", causal_attention, "fffI", "ff", never),
    OP("CausalAttentionGrad", causal_attention_gradient, "ffffffI", "fff", never),
    OP("BlockAttention", block_attention, "fffiiifF", "ff", never),
    OP("BlockAttentionGrad", block_attention_gradient, "ffffffiiifF", "fff", never),
    OP("MatrixProduct", matrix_product, "ffFF", "f", never),
    OP("FewRowsProducts", few_rows_products, "ffffFFFF", "fff", never),
    OP("FewRowsGated", few_rows_gated, "fffF", "f", never),
    OP("DecoderLayer", decoder_layer, "ffffffffffffiFFFFFF", "fff", never),
    OP("MaskedAttention", masked_attention, "fffIF", "f", never),
    OP("CachedAttention", cached_attention, "fffffiFFF", "fff", never),
    OP("WriteCache", write_cache, "ffi", "f", never),
    OP("Rotary", rotary, "fff", "f", in_place),
    OP("SwiGlu", swiglu, "ff", "f", in_place),
    OP("SwiGluGrad", swiglu_gradient, "fff", "ff", never),
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
