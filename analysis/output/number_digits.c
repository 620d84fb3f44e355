/* Numbers as digits, fast: a sweep has millions of them, and snprintf takes ten times as long. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analysis/output/csv.h"

enum { SHORT = 15, LONG = 17, EXACT_POWER = 22, MOST_POWER = 46 };

/* 10^0 .. 10^27 are exact in 64 bits, the others correctly rounded. */
static const long double powers[MOST_POWER + 1] = {
    1e0L,  1e1L,  1e2L,  1e3L,  1e4L,  1e5L,  1e6L,  1e7L,  1e8L,  1e9L,  1e10L, 1e11L, 1e12L, 1e13L, 1e14L, 1e15L,
    1e16L, 1e17L, 1e18L, 1e19L, 1e20L, 1e21L, 1e22L, 1e23L, 1e24L, 1e25L, 1e26L, 1e27L, 1e28L, 1e29L, 1e30L, 1e31L,
    1e32L, 1e33L, 1e34L, 1e35L, 1e36L, 1e37L, 1e38L, 1e39L, 1e40L, 1e41L, 1e42L, 1e43L, 1e44L, 1e45L, 1e46L};

/* value * 10^shift, with an error of at most one part in 2^63. */
static long double scaled(double value, int shift) {
  return shift >= 0 ? (long double)value * powers[shift] : (long double)value / powers[-shift];
}

/* The whole number of `digits` digits nearest to value / 10^(*exponent + 1 - digits); *exponent is that of the first
 * digit. It comes as an estimate. */
static long long significand(double value, int digits, int *exponent) {
  const long long low = (long long)powers[digits - 1], high = (long long)powers[digits];
  long long number = llrintl(scaled(value, digits - 1 - *exponent));
  if (number < low) number = llrintl(scaled(value, digits - 1 - --*exponent));
  if (number >= high) number = llrintl(scaled(value, digits - 1 - ++*exponent));
  return number < low ? low : number;
}

/* Whether 15 digits are the number itself: a quotient or product of two exact doubles is rounded once, as reading does.
 */
static bool reads_back(double value, long long number, int exponent) {
  const int shift = SHORT - 1 - exponent;
  if (shift > EXACT_POWER || shift < -EXACT_POWER) return false;
  const double power = (double)powers[shift < 0 ? -shift : shift];
  return (shift >= 0 ? (double)number / power : (double)number * power) == value;
}

/* As %g writes them: plain from 1e-5 on and up to `digits` digits, else with an exponent; without trailing zeros. */
static int lay_out(char *text, long long number, int digits, int exponent) {
  char figures[LONG + 1] = "";
  int last = digits, used = 0;
  for (int i = digits - 1; i >= 0; i--, number /= 10) figures[i] = (char)('0' + number % 10);
  while (last > 1 && figures[last - 1] == '0') last--;
  if (exponent < -5 || exponent >= digits) {
    text[used++] = figures[0];
    if (last > 1) text[used++] = '.';
    memcpy(text + used, figures + 1, (size_t)(last - 1));
    used += last - 1;
    return used + snprintf(text + used, 8, "e%+03d", exponent);
  }
  if (exponent < 0) {
    memcpy(text, "0.00000", (size_t)(1 - exponent));
    used = 1 - exponent;
    memcpy(text + used, figures, (size_t)last);
    return used + last;
  }
  for (int i = 0; i <= exponent || i < last; i++) {
    if (i == exponent + 1) text[used++] = '.';
    text[used++] = i < last ? figures[i] : '0';
  }
  return used;
}

/* With 17 digits neighbours are at least 1.11 times as far apart as numbers of 17 digits; the scaled value is off by
 * 0.02 of the last digit at most, so what is nearest to it reads back as the value. That needs 64 bits. */
int vj_number_digits(double value, char text[VJ_NUMBER_BYTES]) {
  const double size = fabs(value);
  int used = 0, exponent;
  if (signbit(value)) text[used++] = '-';
  if (size == 0) {
    text[used++] = '0';
    return used;
  }
  if (LDBL_MANT_DIG < 64 || size < 1e-28 || size > 1e28)
    return used + snprintf(text + used, (size_t)(VJ_NUMBER_BYTES - used), "%.17g", size);
  exponent = (int)floor(log10(size));
  const long long few = significand(size, SHORT, &exponent);
  if (reads_back(size, few, exponent)) return used + lay_out(text + used, few, SHORT, exponent);
  exponent = (int)floor(log10(size));
  const long long many = significand(size, LONG, &exponent);
  return used + lay_out(text + used, many, LONG, exponent);
}
