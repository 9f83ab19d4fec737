/* Finds V8's functions where the console says they are, and makes sure that they are what the guard was written for. */
#include "engine.h"

#include <link.h>
#include <string.h>

struct engine engine;
struct engine_originals original;

/*
 * The bytes each function starts with in the pinned workerd. "movable" of them are whole instructions without relative addresses,
 * enough for a jump (5 bytes), for those that get a stand-in.
 */
static const struct {
  const char *name;
  size_t movable, length;
  unsigned char code[24];
} expected[SYMBOL_COUNT] = {
  [SYMBOL_NEW] = {"Isolate::New", 6, 16, {0x55, 0x48, 0x89, 0xe5, 0x41, 0x56, 0x53, 0x48, 0x89, 0xf3, 0x48, 0x8b, 0x3f, 0xf0, 0xff, 0x07}},
  [SYMBOL_DISPOSE] = {"Isolate::Dispose", 7, 12, {0x48, 0x8b, 0x87, 0x40, 0x0a, 0x01, 0x00, 0x48, 0x85, 0xc0, 0x0f, 0x84}},
  [SYMBOL_ENTER] = {"Isolate::Enter", 5, 6, {0x55, 0x48, 0x89, 0xe5, 0x5d, 0xe9}},
  [SYMBOL_EXIT] = {"Isolate::Exit", 5, 6, {0x55, 0x48, 0x89, 0xe5, 0x5d, 0xe9}},
  [SYMBOL_COMPILE_MODULE] = {"CompileModule", 6, 15, {0x55, 0x48, 0x89, 0xe5, 0x53, 0x50, 0x48, 0x89, 0xfb, 0x83, 0xfa, 0x01, 0x0f, 0x95, 0xc0}},
  [SYMBOL_TERMINATE] = {"TerminateExecution", 0, 15, {0x55, 0x48, 0x89, 0xe5, 0x48, 0x83, 0xc7, 0x08, 0xbe, 0x01, 0x00, 0x00, 0x00, 0x5d, 0xe9}},
  [SYMBOL_INTERRUPT] = {"RequestInterrupt", 0, 6, {0x55, 0x48, 0x89, 0xe5, 0x5d, 0xe9}},
  [SYMBOL_HEAP_STATISTICS] = {"GetHeapStatistics", 0, 20, {0x55, 0x48, 0x89, 0xe5, 0x41, 0x57, 0x41, 0x56, 0x41, 0x55, 0x41, 0x54, 0x53, 0x50, 0x48, 0x89, 0xf3, 0x49, 0x89, 0xfc}},
  [SYMBOL_NEAR_HEAP_LIMIT] = {"AddNearHeapLimitCallback", 0, 13, {0x55, 0x48, 0x89, 0xe5, 0x48, 0x81, 0xc7, 0x20, 0xfc, 0x00, 0x00, 0x5d, 0xe9}},
  [SYMBOL_MEMORY_PRESSURE] = {"MemoryPressureNotification", 0, 15, {0x55, 0x48, 0x89, 0xe5, 0x41, 0x57, 0x41, 0x56, 0x53, 0x50, 0x89, 0xf3, 0x49, 0x89, 0xfe}},
  [SYMBOL_WRITE_UTF8] = {"String::WriteUtf8", 0, 13, {0x55, 0x48, 0x89, 0xe5, 0x41, 0x56, 0x53, 0x48, 0x89, 0xf3, 0x48, 0x89, 0xfe}},
  [SYMBOL_ALLOCATE_BUFFER] = {"BackingStore::Allocate", 6, 17, {0x55, 0x48, 0x89, 0xe5, 0x41, 0x57, 0x41, 0x56, 0x41, 0x55, 0x41, 0x54, 0x53, 0x48, 0x83, 0xec, 0x68}},
  [SYMBOL_CONSTRUCT_BUFFER] = {"ConstructBuffer", 0, 17, {0x55, 0x48, 0x89, 0xe5, 0x41, 0x57, 0x41, 0x56, 0x41, 0x55, 0x41, 0x54, 0x53, 0x48, 0x83, 0xec, 0x78}},
  [SYMBOL_BEFORE_COLLECTION] = {"AddGCPrologueCallback", 0, 21, {0x55, 0x48, 0x89, 0xe5, 0x48, 0x89, 0xd0, 0x48, 0x81, 0xc7, 0x20, 0xfc, 0x00, 0x00, 0x89, 0xca, 0x48, 0x89, 0xc1, 0x5d, 0xe9}},
  [SYMBOL_AFTER_COLLECTION] = {"AddGCEpilogueCallback", 0, 21, {0x55, 0x48, 0x89, 0xe5, 0x48, 0x89, 0xd0, 0x48, 0x81, 0xc7, 0x20, 0xfc, 0x00, 0x00, 0x89, 0xca, 0x48, 0x89, 0xc1, 0x5d, 0xe9}},
  [SYMBOL_CODE_CACHE] = {"CreateCodeCache", 6, 10, {0x55, 0x48, 0x89, 0xe5, 0x53, 0x50, 0x48, 0x89, 0xfb, 0xe8}},
};

struct executable {
  uintptr_t base, code_from, code_to;
};

/* The first object that the loader lists is the program itself. */
static int find_executable(struct dl_phdr_info *object, size_t size, void *into) {
  (void)size;
  struct executable *program = into;
  program->base = object->dlpi_addr;
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr) *part = &object->dlpi_phdr[i];
    if (part->p_type != PT_LOAD || !(part->p_flags & PF_X)) continue;
    program->code_from = program->base + part->p_vaddr;
    program->code_to = program->code_from + part->p_filesz;
  }
  return 1;
}

static uintptr_t base;

void *engine_address(enum engine_symbol symbol) { return (void *)(base + guard->symbols[symbol]); }

bool engine_constructs_buffer(const void *caller) {
  enum { CODE_BYTES = 0x3dd };
  uintptr_t from = (uintptr_t)engine_address(SYMBOL_CONSTRUCT_BUFFER);
  return (uintptr_t)caller > from && (uintptr_t)caller < from + CODE_BYTES;
}

size_t engine_movable(enum engine_symbol symbol) { return expected[symbol].movable; }

bool engine_check(void) {
  struct executable program = {0};
  dl_iterate_phdr(find_executable, &program);
  base = program.base;
  for (int i = 0; i < SYMBOL_COUNT; i++) {
    uintptr_t at = base + guard->symbols[i];
    if (at < program.code_from || at + sizeof expected[i].code > program.code_to) {
      file_off("%s does not lie in the program's code", expected[i].name);
      return false;
    }
    if (memcmp((const void *)at, expected[i].code, expected[i].length) != 0) {
      file_off("the code of %s is not the one that the guard was written for", expected[i].name);
      return false;
    }
  }
  engine = (struct engine){
    .terminate = engine_address(SYMBOL_TERMINATE),
    .interrupt = engine_address(SYMBOL_INTERRUPT),
    .heap_statistics = engine_address(SYMBOL_HEAP_STATISTICS),
    .near_heap_limit = engine_address(SYMBOL_NEAR_HEAP_LIMIT),
    .memory_pressure = engine_address(SYMBOL_MEMORY_PRESSURE),
    .before_collection = engine_address(SYMBOL_BEFORE_COLLECTION),
    .after_collection = engine_address(SYMBOL_AFTER_COLLECTION),
    .write_utf8 = engine_address(SYMBOL_WRITE_UTF8),
  };
  return true;
}
