/* `vjvcr info`: what this build and this machine are, for people and for bug reports. */
#include <cblas.h>
#include <hdf5.h>
#include <jansson.h>
#include <mpi.h>
#include <omp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <yaml.h>
#include <zlib.h>

#include "analysis/output/row_writer.h"
#include "app/bench/precisions.h"
#include "app/blas_core.h"
#include "framework/base/cpu.h"
#include "framework/base/machine_memory.h"
#include "framework/base/threads.h"
#include "framework/ops/product/product.h"
#include "app/verb.h"
#include "app/versions.h"
#include "vj/param.h"

enum { VALUE_BYTES = 512, CAPACITY = 32 };

typedef struct fact {
  const char *key;   /* in JSON */
  const char *label; /* in the table */
  char value[VALUE_BYTES];
} fact;

typedef struct facts {
  int count;
  fact rows[CAPACITY];
} facts;

static void add(facts *all, const char *key, const char *label, const char *format, ...) VJ_PRINTF(4, 5);
static void add(facts *all, const char *key, const char *label, const char *format, ...) {
  if (all->count == CAPACITY) return;
  fact *row = &all->rows[all->count++];
  row->key = key;
  row->label = label;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(row->value, sizeof row->value, format, arguments);
  va_end(arguments);
}

/* --- reading what the system says -------------------------------------------------------------------------- */

/* The first line of `path` that starts with `prefix` ("": any), without it, colon and blanks; false when there is
 * none. */
static bool read_line(const char *path, const char *prefix, char *value, size_t bytes) {
  char line[VALUE_BYTES];
  bool found = false;
  FILE *file = fopen(path, "r");
  if (!file) return false;
  while (!found && fgets(line, sizeof line, file)) {
    if (strncmp(line, prefix, strlen(prefix)) != 0) continue;
    const char *start = line + strlen(prefix);
    start += strspn(start, " \t:");
    snprintf(value, bytes, "%.*s", (int)strcspn(start, "\n"), start);
    found = true;
  }
  fclose(file);
  return found;
}

static double gibibytes(double bytes) { return bytes / (1024.0 * 1024.0 * 1024.0); }

/* --- the rows ---------------------------------------------------------------------------------------------- */

static const char *instructions_built_for(void) {
#if defined(__x86_64__)
  return "x86-64-v3";
#elif defined(__aarch64__)
  return "arm64";
#else
  return "any processor of its kind";
#endif
}

static const char *version_of(const vj_versions *versions, const char *key) {
  int64_t i = 0;
  while (strcmp(versions->at[i].key, key) != 0) i++;
  return versions->at[i].text;
}

static void add_build(facts *all, const vj_versions *versions) {
  const bool optimised =
#if defined(__OPTIMIZE__)
      true;
#else
      false;
#endif
  const bool sanitized =
#if defined(__SANITIZE_ADDRESS__)
      true;
#else
      false;
#endif
  add(all, "version", "vjvcr", "%s", VJ_VERSION);
  add(all, "commit", "commit", "%s", version_of(versions, "commit"));
  add(all, "compiler", "compiler", "%s", version_of(versions, "compiler"));
  add(all, "build", "built", "%s%s, for %s", optimised ? "optimised" : "without optimisation",
      sanitized ? ", with sanitizers" : "", instructions_built_for());
}

static void add_features(facts *all) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  add(all, "avx2", "  AVX2", "%s", __builtin_cpu_supports("avx2") ? "yes" : "no");
  add(all, "avx512", "  AVX-512", "%s", vj_cpu_widest() >= VJ_CPU_AVX512 ? "yes" : "no");
  add(all, "bf16", "  AVX-512 BF16", "%s", vj_cpu_widest() >= VJ_CPU_AVX512_BF16 ? "yes" : "no");
#endif
  add(all, "cpu_path", "  computes with", "%s", vj_cpu_path_name(vj_cpu_path()));
}

static void add_machine(facts *all) {
  char text[VALUE_BYTES];
  struct utsname system;
  if (uname(&system) == 0) add(all, "system", "system", "%s %s, %s", system.sysname, system.release, system.machine);
  const bool named = read_line("/proc/cpuinfo", "model name", text, sizeof text);
  add(all, "processor", "processor", "%s", named ? text : "unknown");
  add_features(all);
  add(all, "cores", "cores", "%d usable by this process, %ld in the machine", omp_get_num_procs(),
      sysconf(_SC_NPROCESSORS_ONLN));
  add(all, "omp_threads", "OpenMP threads", "%d", vj_threads());

  double total;
  const double allowed = vj_machine_memory(&total);
  if (allowed < total)
    add(all, "memory", "memory", "%.1f GiB, of which %.1f GiB are allowed here", gibibytes(total), gibibytes(allowed));
  else
    add(all, "memory", "memory", "%.1f GiB", gibibytes(total));

  add(all, "page_size", "page size", "%.0f KiB", (double)sysconf(_SC_PAGESIZE) / 1024);
  if (read_line("/sys/kernel/mm/transparent_hugepage/enabled", "", text, sizeof text)) {
    /* "always [madvise] never": the brackets show the one in force */
    const char *open = strchr(text, '[');
    const char *start = open ? open + 1 : text;
    add(all, "huge_pages", "huge pages", "%.*s", (int)strcspn(start, "]"), start);
  }
}

static const char *openblas_threading(void) {
  static const char *const names[] = {"without threads", "POSIX threads", "OpenMP"};
  const int kind = openblas_get_parallel();
  return kind >= 0 && kind < (int)VJ_COUNT(names) ? names[kind] : "unknown threads";
}

static void add_openblas(facts *all) {
  add(all, "openblas", "OpenBLAS", "%s (%s)", openblas_get_config(), openblas_threading());
  add(all, "openblas_core", "  core", "%s", openblas_get_corename());
  add(all, "openblas_core_origin", "  core comes from", "%s", vj_blas_core_origin());
  const bool right = vj_blas_self_check() == VJ_OK;
  add(all, "openblas_check", "  self-check", "%s", right ? "passed" : vj_error_message());
}

static vj_status add_products(facts *all) {
  vj_precisions found;
  char library[128], text[VJ_PRECISIONS_BYTES];
  add(all, "products", "products", "%s", vj_product_library(library));
  VJ_TRY(vj_precisions_measure(&found));
  add(all, "products_speed", "  speed", "%s", vj_precisions_text(&found, text));
  return VJ_OK;
}

static void add_libraries(facts *all, const vj_versions *versions) {
  add(all, "gsl", "GSL", "%s", version_of(versions, "gsl"));
  add(all, "libavcodec", "libavcodec", "%s", version_of(versions, "libavcodec"));
  add(all, "libswscale", "libswscale", "%s", version_of(versions, "libswscale"));
  char text[MPI_MAX_LIBRARY_VERSION_STRING];
  int length = 0, major = 0, minor = 0;
  unsigned hdf5[3] = {0};
  MPI_Get_library_version(text, &length);
  MPI_Get_version(&major, &minor);
  /* "Open MPI v4.1.4, package: ...": the rest is about who built it */
  add(all, "mpi", "MPI", "%.*s (standard %d.%d)", (int)strcspn(text, ",\n"), text, major, minor);
#if defined(H5_HAVE_PARALLEL)
  const char *parallel = "parallel";
#else
  const char *parallel = "not parallel";
#endif
  if (H5get_libversion(&hdf5[0], &hdf5[1], &hdf5[2]) >= 0)
    add(all, "hdf5", "HDF5", "%u.%u.%u (%s)", hdf5[0], hdf5[1], hdf5[2], parallel);
  add(all, "libyaml", "libyaml", "%s", yaml_get_version_string());
  add(all, "jansson", "Jansson", "%s", JANSSON_VERSION);
  add(all, "zlib", "zlib", "%s", zlibVersion());
}

/* --- printing ---------------------------------------------------------------------------------------------- */

static void print_table(const facts *all) {
  int width = 0;
  for (int i = 0; i < all->count; i++) {
    const int length = (int)strlen(all->rows[i].label);
    if (length > width) width = length;
  }
  for (int i = 0; i < all->count; i++) printf("%-*s  %s\n", width, all->rows[i].label, all->rows[i].value);
}

static vj_status print_json(const facts *all) {
  json_t *object = json_object();
  for (int i = 0; i < all->count; i++) json_object_set_new(object, all->rows[i].key, json_string(all->rows[i].value));
  return vj_json_print(object, stdout);
}

static vj_status info(vj_command *command) {
  facts all = {.count = 0};
  vj_versions versions;
  VJ_TRY(vj_versions_here(command->pool, &versions));
  add_build(&all, &versions);
  add_machine(&all);
  VJ_TRY(add_products(&all));
  add_openblas(&all);
  add_libraries(&all, &versions);
  if (vj_command_has(command, "--json")) return print_json(&all);
  print_table(&all);
  return VJ_OK;
}

static const vj_verb_row rows[] = {
    {"--json", VJ_VALUE_FLAG, .doc = "as one JSON object, for bug reports and programs"}};

const vj_verb vj_verb_info = {.name = "info",
                              .summary = "versions, processor and libraries of this build on this machine",
                              .rows = rows,
                              .row_count = VJ_COUNT(rows),
                              .run = info};
