#include "app/bits_print.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static void print_number(const char *before, const char *whose, double number) {
  if (isnan(number))
    printf("%s%s nothing", before, whose);
  else
    printf("%s%s %.17g (%a)", before, whose, number, number);
}

void vj_bits_print(const vj_bits_comparison *c, const char *one, const char *other) {
  printf("%" PRId64 " of %" PRId64 " values differ, in %" PRId64 " of %" PRId64 " variables, up to step %" PRId64
         "; the first:\n",
         c->other_values, c->values, c->other_variables, c->variables, c->steps);
  printf("%s%s, step %" PRId64, c->first.variable, c->first.at, c->first.step);
  print_number(": ", one, c->first.one);
  print_number(", ", other, c->first.other);
  putchar('\n');
}
