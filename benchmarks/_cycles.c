/* What QEMU executes while each operator runs: a plugin for cycles.py.

   qemu-system-arm -plugin _cycles.so,begin=ADDRESS,end=ADDRESS,to=FILE ...

   begin, end: of the functions that the interpreter calls around each operator. FILE has a line
   for each block of instructions and operator, rewritten after each operator: the block's address,
   its number of instructions, the operator's place (from 0), how often it was executed, and how
   often what followed was not the instruction behind it. The declarations are those of QEMU's
   plugin interface, version 1, which has no package of its own. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
enum { OPERATORS = 1024, BLOCKS = 1 << 20 };

struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef uint64_t plugin_id;
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb*);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb*);
struct qemu_plugin_insn* qemu_plugin_tb_get_insn(const struct qemu_plugin_tb*, size_t);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn*);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn*);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, void (*)(plugin_id, struct qemu_plugin_tb*));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb*, void (*)(unsigned, void*), int,
                                          void*);

EXPORT int qemu_plugin_version = 1;

struct block {
  uint64_t start, behind;
  uint32_t instructions;
  uint64_t executed[OPERATORS], left[OPERATORS];
};

static struct block* blocks[BLOCKS];
static size_t known;
static uint64_t begin_at, end_at;
static const char* file_name;
static int operators, inside = -1, last_inside = -1;
static struct block* last;

static void write_down(void) {
  FILE* file = fopen(file_name, "w");
  if (file == NULL) return;
  for (size_t i = 0; i < known; ++i) {
    for (int op = 0; op < operators; ++op) {
      if (blocks[i]->executed[op] == 0) continue;
      fprintf(file, "%" PRIx64 " %u %d %" PRIu64 " %" PRIu64 "\n", blocks[i]->start,
              blocks[i]->instructions, op, blocks[i]->executed[op], blocks[i]->left[op]);
    }
  }
  fclose(file);
}

static void executed(unsigned cpu, void* of) {
  struct block* block = of;
  (void)cpu;
  if (last != NULL && last_inside >= 0 && last->behind != block->start) last->left[last_inside]++;
  if (block->start == end_at && inside >= 0) {
    inside = -1;
    write_down();
  } else if (block->start == begin_at && operators < OPERATORS) {
    inside = operators++;
  }
  if (inside >= 0) block->executed[inside]++;
  last = block;
  last_inside = inside;
}

static void translated(plugin_id id, struct qemu_plugin_tb* tb) {
  (void)id;
  const size_t count = qemu_plugin_tb_n_insns(tb);
  const struct qemu_plugin_insn* final = qemu_plugin_tb_get_insn(tb, count - 1);
  const uint64_t start = qemu_plugin_tb_vaddr(tb);
  struct block* block = NULL;
  for (size_t i = 0; i < known && block == NULL; ++i) {
    if (blocks[i]->start == start && blocks[i]->instructions == count) block = blocks[i];
  }
  if (block == NULL) {
    if (known == BLOCKS) abort();
    block = calloc(1, sizeof *block);
    block->start = start;
    block->instructions = (uint32_t)count;
    block->behind = qemu_plugin_insn_vaddr(final) + qemu_plugin_insn_size(final);
    blocks[known++] = block;
  }
  qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, 0, block);
}

struct qemu_info;
EXPORT int qemu_plugin_install(plugin_id id, const struct qemu_info* info, int count,
                               char** arguments) {
  (void)info;
  for (int i = 0; i < count; ++i) {
    if (strncmp(arguments[i], "begin=", 6) == 0) begin_at = strtoull(arguments[i] + 6, NULL, 16);
    if (strncmp(arguments[i], "end=", 4) == 0) end_at = strtoull(arguments[i] + 4, NULL, 16);
    if (strncmp(arguments[i], "to=", 3) == 0) file_name = strdup(arguments[i] + 3);
  }
  if (begin_at == 0 || end_at == 0 || file_name == NULL) return 1;
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  return 0;
}
