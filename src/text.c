#include "text.h"

#include <string.h>

/* Length of the UTF-8 sequence at s by RFC 3629; 0: none begins there. */
static size_t sequence(const unsigned char *s) {
    /* What the second byte must lie in: overlong forms, surrogates and past U+10FFFF are none. */
    unsigned char low = 0x80, high = 0xbf;
    size_t n = s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
    if (s[0] == 0xe0) low = 0xa0;
    if (s[0] == 0xed) high = 0x9f;
    if (s[0] == 0xf0) low = 0x90;
    if (s[0] == 0xf4) high = 0x8f;
    if (n == 0 || s[1] < low || s[1] > high) return 0;
    for (size_t i = 2; i < n; i++)
        if (s[i] < 0x80 || s[i] > 0xbf) return 0; /* the terminator too */
    return n;
}

void tare_text_clean(char *s) {
    unsigned char *from = (unsigned char *)s, *to = from;
    while (*from) {
        size_t n = *from >= 0x80 ? sequence(from) : 1;
        int c1 = n == 2 && from[0] == 0xc2 && from[1] < 0xa0;
        if (*from == '\n' || *from == '\t' || *from == '\r')
            *to++ = ' ';
        else if (n == 0 || c1 || *from < ' ' || *from == 127)
            *to++ = '?';
        else
            for (size_t i = 0; i < n; i++) *to++ = from[i];
        from += n ? n : 1;
    }
    *to = 0;
}

void tare_text_field(char *s, size_t size) {
    s[size - 1] = 0;
    tare_text_clean(s);
}

int tare_text_is_name(const char *s, size_t most) {
    size_t n = strnlen(s, most + 1);
    if (n == 0 || n > most) return 0;
    for (size_t i = 0; i < n; i++) {
        char c = s[i];
        int letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && !strchr("_-.:+", c)) return 0;
    }
    return 1;
}
