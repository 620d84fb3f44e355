#include "app/versions.h"

#include <cblas.h>
#include <gsl/gsl_version.h>
#include <libavcodec/avcodec.h>
#include <libswscale/swscale.h>
#include <stdio.h>
#include <string.h>

#include "framework/ops/product/product.h"

#ifndef VJ_COMMIT
#define VJ_COMMIT "unknown"
#endif

enum { TEXT_BYTES = 192 };
typedef char text_buffer[TEXT_BYTES];

static const char *commit(text_buffer text) {
  snprintf(text, TEXT_BYTES, "%s", VJ_COMMIT);
  return text;
}

static const char *compiler(text_buffer text) {
#if defined(__clang__)
  snprintf(text, TEXT_BYTES, "%s", __VERSION__);
#else
  snprintf(text, TEXT_BYTES, "gcc %s", __VERSION__);
#endif
  return text;
}

/* "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ...": the second word. */
static const char *openblas(text_buffer text) {
  const char *all = openblas_get_config(), *version = strchr(all, ' ');
  version = version ? version + 1 : all;
  snprintf(text, TEXT_BYTES, "%.*s, core %s", (int)strcspn(version, " "), version, openblas_get_corename());
  return text;
}

static const char *library(text_buffer text, unsigned version) {
  snprintf(text, TEXT_BYTES, "%u.%u.%u of FFmpeg %s", version >> 16, version >> 8 & 255, version & 255,
           av_version_info());
  return text;
}

static const char *libavcodec(text_buffer text) { return library(text, avcodec_version()); }
static const char *libswscale(text_buffer text) { return library(text, swscale_version()); }
static const char *gsl(text_buffer text) {
  snprintf(text, TEXT_BYTES, "%s", gsl_version);
  return text;
}
static const char *libxsmm(text_buffer text) {
  snprintf(text, TEXT_BYTES, "%s", vj_product_version());
  return text;
}

static const struct {
  const char *key, *name;
  const char *(*text)(text_buffer text);
} rows[] = {
    {"commit", "vjvcr's commit", commit},
    {"compiler", "the compiler", compiler},
    {"openblas", "OpenBLAS", openblas},       /* LAPACK: what is measured of features */
    {"libxsmm", "LIBXSMM", libxsmm},          /* products */
    {"gsl", "GSL", gsl},                      /* quasi-random points of a sweep */
    {"libavcodec", "libavcodec", libavcodec}, /* pictures of videos */
    {"libswscale", "libswscale", libswscale}, /* their colours */
};

vj_status vj_versions_here(vj_pool *pool, vj_versions *versions) {
  vj_version *all = vj_pool_take(pool, sizeof rows / sizeof *rows * sizeof *all);
  if (!all) return vj_fail(VJ_MEMORY, "no memory for versions of libraries");
  *versions = (vj_versions){sizeof rows / sizeof *rows, all};
  for (int64_t i = 0; i < versions->count; i++) {
    text_buffer text;
    all[i] = (vj_version){rows[i].key, rows[i].name, vj_pool_text(pool, rows[i].text(text))};
    if (!all[i].text) return vj_fail(VJ_MEMORY, "no memory for versions of libraries");
  }
  return VJ_OK;
}
