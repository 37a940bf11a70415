/*
 * The part of ONNX Runtime's C interface that custom operators use, declared by position: the function table is
 * append-only, so an index, once published, keeps its meaning (indexes of API version 17 and older).
 */
#ifndef TESSERAE_RUNTIME_H
#define TESSERAE_RUNTIME_H
#include <stddef.h>
#include <stdint.h>

typedef struct Context Context;                    /* OrtKernelContext */
typedef struct Value Value;                        /* OrtValue */
typedef void *Status;                              /* OrtStatus*, NULL is success */
typedef const void *const *Api;                    /* OrtApi, as an array of function pointers */
typedef void (*Task)(void *argument, size_t index);

enum { FLOAT32 = 1, INT32 = 6 };                   /* ONNXTensorElementDataType */
enum { REQUIRED = 0, OPTIONAL = 1 };               /* OrtCustomOpInputOutputCharacteristic */

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
  const char *input_types, *output_types;          /* 'f' float32, 'i' int32, 'F' optional float32 */
};

/** One kernel instance: the operator's attributes, read once when the session is built. */
typedef struct {
  Api api;
  float epsilon, scale;
  int64_t causal, ignore_index, trans_a, trans_b;
} Kernel;

/** A dense tensor: its first element and its shape. */
typedef struct {
  void *data;
  int64_t shape[8];
  int rank;
  int64_t size;
} Tensor;

Tensor input_tensor(Kernel *, Context *, size_t index);
Tensor output_tensor(Kernel *, Context *, size_t index, const int64_t *shape, int rank);
int has_input(Kernel *, Context *, size_t index);
int64_t rows_of(Tensor);                           /* product of all dimensions but the last */
void parallel_for(Kernel *, Context *, size_t tasks, Task, void *argument);

#define F32(tensor) ((float *)(tensor).data)
#define I32(tensor) ((int32_t *)(tensor).data)
#endif
