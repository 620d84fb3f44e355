#include "analysis/output/plots.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analysis/output/html.h"
#include "analysis/output/svg.h"
#include "vj/param.h"

/* Okabe and Ito's colours (2008), which all eyes can tell apart, some of them darker so that they show on white. */
const char *const vj_plot_colors[VJ_PLOT_COLORS] = {"#0072b2", "#d55e00", "#009e73", "#c4609a",
                                                    "#b57c00", "#3d9bd6", "#595959", "#857a00"};

enum { MOST_CHARACTERS = 52 };

typedef struct picture {
  int width, height;
  const char *alt;
} picture;

struct vj_plots {
  vj_pool *pool;
  char *folder;
  FILE *script;
  int count;
  picture *pictures;
};

static const char *path_of(const vj_plots *plots, const char *name) {
  const char *path = vj_pool_format(plots->pool, "%s/%s", plots->folder, name);
  return path ? path : "";
}

static const char *picture_path(const vj_plots *plots, int number) {
  char name[32];
  snprintf(name, sizeof name, "%d.svg", number);
  return path_of(plots, name);
}

vj_status vj_plots_create(vj_plots **plots) {
  vj_pool *pool = NULL;
  *plots = NULL;
  VJ_TRY(vj_pool_create(&pool));
  vj_plots *p = vj_pool_take(pool, sizeof *p);
  const char *parent = getenv("TMPDIR");
  char *folder = vj_pool_format(pool, "%s/vjvcr-report-XXXXXX", parent && parent[0] ? parent : "/tmp");
  if (!p || !folder) {
    vj_pool_destroy(&pool);
    return vj_fail(VJ_MEMORY, "no memory for pictures");
  }
  p->pool = pool;
  *plots = p;
  vj_status status = VJ_OK;
  if (!mkdtemp(folder))
    status = vj_fail(VJ_IO, "%s: can't make a folder for pictures: %s; set TMPDIR to a folder that can be written",
                     folder, strerror(errno));
  else
    p->folder = folder;
  if (status == VJ_OK && !(p->script = fopen(path_of(p, "script"), "w")))
    status = vj_fail(VJ_IO, "%s: can't write it: %s", path_of(p, "script"), strerror(errno));
  if (status != VJ_OK) vj_plots_destroy(plots);
  return status;
}

void vj_plots_destroy(vj_plots **plots) {
  if (!*plots) return;
  vj_pool *pool = (*plots)->pool;
  if ((*plots)->script) fclose((*plots)->script);
  if ((*plots)->folder) {
    for (int i = 0; i < (*plots)->count; i++) unlink(picture_path(*plots, i));
    unlink(path_of(*plots, "script"));
    unlink(path_of(*plots, "errors"));
    rmdir((*plots)->folder);
  }
  vj_pool_destroy(&pool);
  *plots = NULL;
}

int vj_plots_count(const vj_plots *plots) { return plots->count; }

static picture *next_picture(vj_plots *p) {
  return vj_pool_grow(p->pool, &p->pictures, p->count, sizeof *p->pictures) ? &p->pictures[p->count] : NULL;
}

FILE *vj_plots_begin(vj_plots *plots, int width, int height, const char *alt) {
  picture *fresh = next_picture(plots);
  if (!fresh) return plots->script; /* the picture will be missing, and that is an error in the end */
  *fresh = (picture){width, height, vj_pool_text(plots->pool, alt)};
  fprintf(plots->script,
          "reset\nset encoding utf8\nset terminal svg size %d,%d dynamic noenhanced font 'sans-serif,12'\n"
          "set output '%d.svg'\nset key off\nset border 3 lw 0.8\nset rmargin 4\nset tics nomirror out scale 0.5\n"
          "set grid ytics lc rgb '" VJ_PLOT_SOFT
          "' lt 1 lw 0.3\nset format x '%%g'\nset format y '  %%g'\nset style fill solid noborder\n",
          width, height, plots->count++);
  return plots->script;
}

/* Bytes of the first so many characters of UTF-8. */
static size_t bytes_of(const char *text, int characters) {
  size_t bytes = 0;
  while (text[bytes] && characters-- > 0) do
      bytes++;
    while (((unsigned char)text[bytes] & 0xc0) == 0x80);
  return bytes;
}

void vj_plots_quote_short(FILE *script, const char *text, int characters) {
  const bool whole = !text[bytes_of(text, characters)];
  const char *end = text + bytes_of(text, whole ? characters : characters - 3);
  fputc('\'', script);
  for (const char *c = text; c < end; c++) {
    if (*c == '\'') fputc('\'', script);
    fputc((unsigned char)*c < 32 ? ' ' : *c, script);
  }
  fputs(whole ? "'" : "...'", script);
}

void vj_plots_quote(FILE *script, const char *text) { vj_plots_quote_short(script, text, MOST_CHARACTERS); }

unsigned vj_plots_scale_color(double share) {
  static const unsigned char stops[][3] = {{68, 1, 84},    {71, 44, 122},  {59, 81, 139},
                                           {44, 113, 142}, {33, 144, 141}, {39, 173, 129},
                                           {92, 200, 99},  {170, 220, 50}, {253, 231, 37}};
  const double at = fmin(1, fmax(0, share)) * (VJ_COUNT(stops) - 1);
  const size_t below = at >= VJ_COUNT(stops) - 1 ? VJ_COUNT(stops) - 2 : (size_t)at;
  unsigned color = 0;
  for (int i = 0; i < 3; i++) {
    const double value = stops[below][i] + (at - (double)below) * (stops[below + 1][i] - stops[below][i]);
    color = color << 8 | (unsigned)lround(value);
  }
  return color;
}

unsigned vj_plots_line_color(double share) { return vj_plots_scale_color(0.28 + 0.6 * fmin(1, fmax(0, share))); }

/* --- gnuplot itself --------------------------------------------------------------------------------------------- */

extern char **environ;

static vj_status cannot_start(int cause) {
  return vj_fail(
      VJ_IO,
      "can't start gnuplot, which draws the pictures of a report: %s; install it (on Debian: apt-get install "
      "gnuplot-nox)",
      strerror(cause));
}

/* What gnuplot said first, or that it said nothing. */
static vj_status drawing_failed(const vj_plots *plots, const char *what) {
  char line[256] = "";
  FILE *errors = fopen(path_of(plots, "errors"), "r");
  while (errors && fgets(line, sizeof line, errors))
    if (strstr(line, "line")) break;
  if (errors) fclose(errors);
  line[strcspn(line, "\n")] = 0;
  return vj_fail(VJ_IO, "gnuplot did not draw the report's pictures: %s%s%s", what, line[0] ? ": " : "", line);
}

static vj_status run_gnuplot(const vj_plots *plots) {
  char *const arguments[] = {"gnuplot", "-d", "script", NULL};
  posix_spawn_file_actions_t actions;
  pid_t child = 0;
  int results = 0;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 2, path_of(plots, "errors"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  /* gnuplot starts where we are: its files are named relative to its folder. */
  const int here = open(".", O_RDONLY | O_DIRECTORY);
  int failed = chdir(plots->folder) ? errno : posix_spawnp(&child, "gnuplot", &actions, NULL, arguments, environ);
  if (here >= 0) {
    if (fchdir(here) && !failed) failed = errno;
    close(here);
  }
  posix_spawn_file_actions_destroy(&actions);
  if (failed) return cannot_start(failed);
  while (waitpid(child, &results, 0) < 0 && errno == EINTR) continue;
  if (WIFEXITED(results) && WEXITSTATUS(results) == 0) return VJ_OK;
  if (WIFEXITED(results) && WEXITSTATUS(results) == 127) return cannot_start(ENOENT);
  return drawing_failed(plots, WIFEXITED(results) ? "it failed" : "it was killed");
}

vj_status vj_plots_draw(vj_plots *plots) {
  fputs("set output\n", plots->script);
  const bool written = !ferror(plots->script);
  const bool closed = fclose(plots->script) == 0;
  plots->script = NULL;
  if (!written || !closed) return vj_fail(VJ_IO, "%s: can't write it: %s", path_of(plots, "script"), strerror(errno));
  return plots->count ? run_gnuplot(plots) : VJ_OK;
}

static vj_status read_file(const char *path, char **text) {
  FILE *file = fopen(path, "rb");
  size_t used = 0, room = 1 << 16, got;
  *text = NULL;
  if (!file) return vj_fail(VJ_IO, "%s: can't read it: %s", path, strerror(errno));
  char *all = malloc(room + 1);
  while (all && (got = fread(all + used, 1, room - used, file)) > 0) {
    used += got;
    if (used < room) continue;
    char *more = realloc(all, 2 * room + 1);
    if (!more) free(all);
    all = more;
    room *= 2;
  }
  fclose(file);
  if (!all) return vj_fail(VJ_MEMORY, "no memory for a picture");
  all[used] = 0;
  *text = all;
  return VJ_OK;
}

vj_status vj_plots_copy(const vj_plots *plots, int number, FILE *to) {
  char *text;
  VJ_TRY(read_file(picture_path(plots, number), &text));
  const picture *p = &plots->pictures[number];
  const bool whole = strstr(text, "</svg>") != NULL;
  if (whole) {
    fprintf(to,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" role=\"img\" aria-label=\"",
            p->width, p->height, p->width);
    vj_html_text(to, "%s", p->alt ? p->alt : "");
    fputs("\">\n", to);
    vj_svg_copy_body(text, to);
  }
  free(text);
  return whole ? VJ_OK : drawing_failed(plots, "a picture is not whole");
}
