#include "framework/base/signals.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

/* A handler has nowhere else to write to. */
static volatile sig_atomic_t caught, interrupts;

static void note(int number) {
  if (number == SIGINT && ++interrupts > 1) _exit(128 + SIGINT);
  if (!caught) caught = number;
}

static const struct {
  int number;
  const char *name;
} signals[] = {{SIGINT, "SIGINT"}, {SIGTERM, "SIGTERM"}, {SIGUSR1, "SIGUSR1"}};
enum { SIGNALS = sizeof signals / sizeof signals[0] };

void vj_signals_catch(void) {
  struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < SIGNALS; i++) sigaction(signals[i].number, &action, NULL);
}

int vj_signals_caught(void) { return caught; }

const char *vj_signal_name(int number) {
  for (size_t i = 0; i < SIGNALS; i++)
    if (signals[i].number == number) return signals[i].name;
  return "a signal";
}
