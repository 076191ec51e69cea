/* Numbers that people write: options, environment variables. A text is a number from its first
 * character to its last or it is none: what is read by half is a silent fallback. No blanks, no
 * hexadecimal, no "inf"; the locale does not matter. */
#ifndef TARE_PARSE_H
#define TARE_PARSE_H

#include <stdint.h>

/* Decimal digits alone, of a value from least to most. 1: taken; else *out is left alone. */
int tare_parse_whole(const char *text, uint64_t least, uint64_t most, uint64_t *out);

/* "0.25" "3" ".5" "-1.5e-3", from least to most. */
int tare_parse_real(const char *text, double least, double most, double *out);

/* "0.9", "90%", "99.99%": a share from 0 to below 1 in millionths; finer ones are none. */
int tare_parse_share(const char *text, int *millionths);

enum { TARE_THREADS_MAX = 1024 };

/* TARE_THREADS: the number in it; 0 where it is not set, or empty; -1 where it is neither, which
 * tare_threads_error puts into words (else null). The text in the variable is not quoted. */
int tare_threads_asked(void);
const char *tare_threads_error(void);

#endif
