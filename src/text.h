/* Text from outside - a module's reasons, a driver's device names, file names in error texts - is
 * shown on terminals and written into JSON. It is cleaned where it comes in, once. */
#ifndef TARE_TEXT_H
#define TARE_TEXT_H

#include <stddef.h>

/* Makes one line of UTF-8 of the string at `s`, in place, that no terminal takes for a command:
 * blanks of other kinds become spaces; control characters (C0, DEL, C1) and bytes that are no UTF-8
 * become '?'. It never grows. */
void tare_text_clean(char *s);

/* The same for a field that may not be terminated: `size` bytes at s, of which the last becomes 0.
 */
void tare_text_field(char *s, size_t size);

/* 1: 1 to `most` letters, digits and _ - . : + of a name that goes into tables, CSV and options. */
int tare_text_is_name(const char *s, size_t most);

#endif
