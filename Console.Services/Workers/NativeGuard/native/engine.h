/*
 * The few functions of V8 that the guard calls or steps in front of. The console finds them by their symbols; the guard
 * checks the bytes of each before it touches anything.
 */
#ifndef QUARTERDECK_GUARD_ENGINE_H
#define QUARTERDECK_GUARD_ENGINE_H

#include "guard.h"

/* The order of guard_file.symbols. Names in GuardSymbols.cs. */
enum engine_symbol {
  SYMBOL_NEW,
  SYMBOL_DISPOSE,
  SYMBOL_ENTER,
  SYMBOL_EXIT,
  SYMBOL_COMPILE_MODULE,
  SYMBOL_TERMINATE,
  SYMBOL_INTERRUPT,
  SYMBOL_HEAP_STATISTICS,
  SYMBOL_NEAR_HEAP_LIMIT,
  SYMBOL_MEMORY_PRESSURE,
  SYMBOL_WRITE_UTF8,
  SYMBOL_ALLOCATE_BUFFER,
  SYMBOL_CONSTRUCT_BUFFER,
  SYMBOL_BEFORE_COLLECTION,
  SYMBOL_AFTER_COLLECTION,
  SYMBOL_CODE_CACHE,
  SYMBOL_COUNT
};

/* v8::HeapStatistics is larger in no version than this; the fields used have kept their place for years. */
struct heap_statistics {
  size_t field[32];
};
enum { HEAP_USED = 4, HEAP_EXTERNAL = 7 };

struct engine {
  void (*terminate)(isolate *);
  void (*interrupt)(isolate *, void (*)(isolate *, void *), void *);
  void (*heap_statistics)(isolate *, struct heap_statistics *);
  void (*near_heap_limit)(isolate *, size_t (*)(void *, size_t, size_t), void *);
  void (*memory_pressure)(isolate *, int level);
  void (*before_collection)(isolate *, void (*)(isolate *, int type, int flags, void *), void *, int types);
  void (*after_collection)(isolate *, void (*)(isolate *, int type, int flags, void *), void *, int types);
  size_t (*write_utf8)(const void *string, isolate *, char *into, size_t size, int flags, size_t *characters);
};
extern struct engine engine;

/* The originals of the functions that the guard stands in front of. */
struct engine_originals {
  isolate *(*make)(void *group, void *parameters);
  void (*dispose)(isolate *);
  void (*enter)(isolate *);
  void (*leave)(isolate *);
  void *(*compile_module)(isolate *, void *source, int options, int reason);
  void *(*code_cache)(void *script);
  void *(*allocate_buffer)(void **store, isolate *, size_t bytes, int shared, int initialized);
};
extern struct engine_originals original;

/* Checks places and bytes of every symbol. On false the file says why, and nothing has been changed. */
bool engine_check(void);

/* detour.c: calls of the symbol go to the stand-in from now on; *original calls what was there. */
bool detour(enum engine_symbol symbol, void *stand_in, void **original);
/* How many bytes at the start of the symbol are whole instructions that mean the same elsewhere. */
size_t engine_movable(enum engine_symbol symbol);
void *engine_address(enum engine_symbol symbol);
/* Whether a return address lies in V8's constructor of array buffers. */
bool engine_constructs_buffer(const void *caller);

#endif
