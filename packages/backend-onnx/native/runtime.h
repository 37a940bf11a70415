/*
 * The part of ONNX Runtime's C interface that custom operators use, declared by position: the function table is
 * append-only, so an index, once published, keeps its meaning (indexes of API version 17 and older).
 */
#ifndef TESSERAE_RUNTIME_H
#define TESSERAE_RUNTIME_H
#include <stddef.h>
#include <stdint.h>

typedef struct Context Context;                    /* OrtKernelContext */
typedef struct Kernel Kernel;
typedef struct Value Value;                        /* OrtValue */
typedef void *Status;                              /* OrtStatus*, NULL is success */
typedef const void *const *Api;                    /* OrtApi, as an array of function pointers */
typedef void (*Task)(void *argument, size_t index);

enum { FLOAT32 = 1, INT32 = 6 };                   /* ONNXTensorElementDataType */
enum { REQUIRED = 0, OPTIONAL = 1 };               /* OrtCustomOpInputOutputCharacteristic */

struct Call;

/** OrtCustomOp: ONNX Runtime calls these; every slot exists in version 17 of the structure. */
typedef struct Op Op;
struct Op {
  uint32_t version;
  void *(*create_kernel)(const Op *, Api, const void *info);
  const char *(*name)(const Op *);
  const char *(*provider)(const Op *);
  int (*input_type)(const Op *, size_t);
  size_t (*input_count)(const Op *);
  int (*output_type)(const Op *, size_t);
  size_t (*output_count)(const Op *);
  void (*compute)(void *kernel, Context *);
  void (*destroy)(void *kernel);
  int (*input_characteristic)(const Op *, size_t);
  int (*output_characteristic)(const Op *, size_t);
  int (*input_memory)(const Op *, size_t);
  int (*variadic_input_minimum)(const Op *);
  int (*variadic_input_homogeneous)(const Op *);
  int (*variadic_output_minimum)(const Op *);
  int (*variadic_output_homogeneous)(const Op *);
  Status (*create_kernel_v2)(const Op *, Api, const void *info, void **kernel);
  Status (*compute_v2)(void *kernel, Context *);
  Status (*infer_shapes)(const Op *, void *);
  int (*start_version)(const Op *);
  int (*end_version)(const Op *);
  size_t (*may_inplace)(int **inputs, int **outputs);
  void (*release_may_inplace)(int *inputs, int *outputs);
  size_t (*alias_map)(int **inputs, int **outputs);
  void (*release_alias_map)(int *inputs, int *outputs);
  /* Ours, behind what ONNX Runtime reads. */
  const char *op_name;
  int inputs, outputs;
  const char *input_types, *output_types;          /* 'f' float32, 'i' int32; upper case: optional */
  void (*run)(struct Call *);
};

/** One kernel instance: the operator's attributes, read once when the session is built. */
struct Kernel {
  Api api;
  void (*run)(struct Call *);
  float epsilon, scale, softcap;
  int64_t window, causal, cached, heads, ignore_index, trans_a, trans_b;
  int64_t number, calls;                           /* which kernel of the process this is; calls with the same matrix */
  const void *matrix;
};

/** One call of a kernel. The first thing that fails is kept, and is what ONNX Runtime is told in the end. */
typedef struct Call {
  const Kernel *kernel;
  Context *context;
  Status status;
} Call;

/** A dense tensor: its first element and its shape. */
typedef struct {
  void *data;
  int64_t shape[8];
  int rank;
  int64_t size;
} Tensor;

Tensor input_tensor(Call *, size_t index);         /* data is NULL for an optional input that is left out */
Tensor output_tensor(Call *, size_t index, const int64_t *shape, int rank);
int64_t rows_of(Tensor);                           /* product of all dimensions but the last */
void parallel_for(Call *, size_t tasks, Task, void *argument);
float *scratch(Call *, int64_t floats);            /* for free(); NULL, and the call has failed, where there is no memory */
float *scratch_of_task(int64_t floats);            /* the same inside a task, which sets a flag that the caller hands to… */
void out_of_memory(Call *);                        /* … this */

#define F32(tensor) ((float *)(tensor).data)
#define I32(tensor) ((int32_t *)(tensor).data)
#endif
