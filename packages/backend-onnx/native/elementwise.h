#ifndef TESSERAE_ELEMENTWISE_H
#define TESSERAE_ELEMENTWISE_H
/* Work is cut into pieces of this many floats (64 KiB), so that a piece stays in the second-level cache. */
enum { PIECE = 16384 };
static inline int64_t pieces_of(int64_t size) { return (size + PIECE - 1) / PIECE; }
#endif
