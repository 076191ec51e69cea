/* The suite parser and the places where suites lie. */
#include "bench/workload.h"
#include "src/internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct text_span {
    const char *at, *end;
} text_span;

/* The next word of a line: blanks separate. Empty at the end. */
static text_span next_word(text_span *line) {
    while (line->at < line->end && (*line->at == ' ' || *line->at == '\t')) line->at++;
    text_span w = {line->at, line->at};
    while (w.end < line->end && *w.end != ' ' && *w.end != '\t') w.end++;
    line->at = w.end;
    return w;
}

/* Digits only, 1..BENCH_SIZE_MAX; 0 otherwise. */
static int64_t size_of(text_span w) {
    int64_t v = 0;
    if (w.at == w.end) return 0;
    for (; w.at < w.end; w.at++) {
        if (*w.at < '0' || *w.at > '9') return 0;
        v = v * 10 + (*w.at - '0');
        if (v > BENCH_SIZE_MAX) return 0;
    }
    return v;
}

static int name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           strchr("._+-:/", c) != NULL;
}

static tare_status parse_name(const char *label, int number, text_span w, bench_shape *s) {
    size_t length = (size_t)(w.end - w.at);
    if (length >= sizeof s->name)
        TARE_FAIL(TARE_E_FORMAT, "%s:%d: the name is longer than %zu characters", label, number,
                  sizeof s->name - 1);
    for (const char *c = w.at; c < w.end; c++)
        if (*c == 0 || !name_char(*c))
            TARE_FAIL(TARE_E_FORMAT, "%s:%d: a name takes letters, digits and ._+-:/ only", label,
                      number);
    memcpy(s->name, w.at, length);
    s->name[length] = 0;
    return TARE_OK;
}

/* `name n k [count]`; an empty name: nothing on this line. */
static tare_status parse_line(const char *label, int number, text_span line, bench_shape *s) {
    static const char *const field[3] = {"n", "k", "count"};
    memset(s, 0, sizeof *s);
    text_span word = next_word(&line);
    if (word.at == word.end || *word.at == '#') return TARE_OK;
    TARE_TRY(parse_name(label, number, word, s));
    int64_t v[3] = {0, 0, 1};
    for (int i = 0; i < 3; i++) {
        word = next_word(&line);
        if (word.at == word.end && i == 2) break;
        if (word.at == word.end)
            TARE_FAIL(TARE_E_FORMAT, "%s:%d: %s is missing; a line is: name n k [count]", label,
                      number, field[i]);
        v[i] = size_of(word);
        if (v[i] == 0)
            TARE_FAIL(TARE_E_FORMAT, "%s:%d: %s must be a whole number from 1 to %lld", label,
                      number, field[i], (long long)BENCH_SIZE_MAX);
    }
    word = next_word(&line);
    if (word.at != word.end && *word.at != '#')
        TARE_FAIL(TARE_E_FORMAT, "%s:%d: more than name n k [count] on the line", label, number);
    s->n = v[0], s->k = v[1], s->count = v[2];
    return TARE_OK;
}

static tare_status add_shape(const char *label, int number, const bench_shape *s, bench_suite *out,
                             int *room) {
    for (int i = 0; i < out->count; i++)
        if (strcmp(out->shapes[i].name, s->name) == 0)
            TARE_FAIL(TARE_E_FORMAT, "%s:%d: %s is there already", label, number, s->name);
    if (out->count == BENCH_SHAPES_MAX)
        TARE_FAIL(TARE_E_FORMAT, "%s:%d: more than %d shapes", label, number, BENCH_SHAPES_MAX);
    if (out->count == *room) {
        int more = *room ? 2 * *room : 16;
        bench_shape *p = realloc(out->shapes, (size_t)more * sizeof *p);
        if (!p) TARE_FAIL(TARE_E_NOMEM, "%s: out of memory", label);
        out->shapes = p;
        *room = more;
    }
    out->shapes[out->count++] = *s;
    return TARE_OK;
}

static tare_status parse_text(const char *label, text_span text, bench_suite *out) {
    int number = 0, room = 0;
    while (text.at < text.end) {
        const char *end = memchr(text.at, '\n', (size_t)(text.end - text.at));
        text_span line = {text.at, end ? end : text.end};
        text.at = end ? end + 1 : text.end;
        if (line.end > line.at && line.end[-1] == '\r') line.end--;
        bench_shape s;
        number++;
        TARE_TRY(parse_line(label, number, line, &s));
        if (s.name[0]) TARE_TRY(add_shape(label, number, &s, out, &room));
    }
    if (out->count == 0)
        TARE_FAIL(TARE_E_FORMAT, "%s: no shapes; a line is: name n k [count]", label);
    return TARE_OK;
}

tare_status bench_suite_parse(const char *label, const char *text, size_t bytes, bench_suite *out) {
    memset(out, 0, sizeof *out);
    const char *base = strrchr(label, '/');
    base = base ? base + 1 : label;
    size_t length = strlen(base);
    if (length > 4 && strcmp(base + length - 4, ".txt") == 0) length -= 4;
    snprintf(out->name, sizeof out->name, "%.*s", (int)(length < 63 ? length : 63), base);
    tare_status s = parse_text(label, (text_span){text, text + bytes}, out);
    if (s != TARE_OK) bench_suite_clear(out);
    return s;
}

void bench_suite_clear(bench_suite *s) {
    free(s->shapes);
    memset(s, 0, sizeof *s);
}

static tare_status parse_file(const char *path, FILE *f, bench_suite *out) {
    char *text = malloc(BENCH_SUITE_BYTES_MAX + 1);
    if (!text) TARE_FAIL(TARE_E_NOMEM, "%s: out of memory", path);
    size_t n = fread(text, 1, BENCH_SUITE_BYTES_MAX + 1, f);
    tare_status s;
    if (ferror(f))
        s = tare_fail(TARE_E_IO, "%s: cannot be read: %s", path, strerror(errno));
    else if (n > BENCH_SUITE_BYTES_MAX)
        s = tare_fail(TARE_E_FORMAT, "%s: longer than %d bytes", path, BENCH_SUITE_BYTES_MAX);
    else
        s = bench_suite_parse(path, text, n, out);
    free(text);
    return s;
}

/* Folder i of those that hold suites; 0 past the end, "" where it is not known. */
static int suite_folder(int i, char *out, size_t size) {
    const char *env = getenv("TARE_SUITE_DIR");
    out[0] = 0;
    if (i == 0 && env) snprintf(out, size, "%s", env);
    if (i == 1) { /* bin/tare -> share/tare/suites */
        ssize_t n = readlink("/proc/self/exe", out, size - 1);
        out[n > 0 ? n : 0] = 0;
        for (int up = 0; up < 2; up++) {
            char *slash = strrchr(out, '/');
            if (slash) *slash = 0;
        }
        size_t used = strlen(out);
        if (used) snprintf(out + used, size - used, "/share/tare/suites");
    }
#ifdef TARE_SUITES_SOURCE
    if (i == 2) snprintf(out, size, "%s", TARE_SUITES_SOURCE);
#endif
    return i < 3;
}

static int is_path(const char *name) {
    size_t n = strlen(name);
    return strchr(name, '/') || (n > 4 && strcmp(name + n - 4, ".txt") == 0);
}

tare_status bench_suite_load(const char *name, bench_suite *out) {
    char folder[4096], path[4096 + 128], known[1024];
    memset(out, 0, sizeof *out);
    FILE *f = NULL;
    if (is_path(name)) {
        f = fopen(name, "r");
        if (!f) TARE_FAIL(TARE_E_IO, "suite %s: %s", name, strerror(errno));
        snprintf(path, sizeof path, "%s", name);
    } else if (strlen(name) < 64) {
        for (int i = 0; !f && suite_folder(i, folder, sizeof folder); i++) {
            if (!folder[0]) continue;
            snprintf(path, sizeof path, "%s/%s.txt", folder, name);
            f = fopen(path, "r");
        }
    }
    if (!f) {
        bench_suite_list(known, sizeof known);
        TARE_FAIL(TARE_E_ARG, "no suite '%.64s'; there are: %s (or give a file's path)", name,
                  known[0] ? known : "none, set TARE_SUITE_DIR");
    }
    tare_status s = parse_file(path, f, out);
    fclose(f);
    return s;
}

static void add_names(const char *folder, char *buf, size_t size) {
    struct dirent **entry = NULL;
    int n = folder[0] ? scandir(folder, &entry, NULL, alphasort) : 0;
    for (int i = 0; i < n; i++) {
        char *name = entry[i]->d_name, *dot = strrchr(name, '.');
        size_t used = strlen(buf);
        if (dot && strcmp(dot, ".txt") == 0) {
            *dot = 0;
            if (!strstr(buf, name))
                snprintf(buf + used, size - used, "%s%s", used ? " " : "", name);
        }
        free(entry[i]);
    }
    if (n >= 0) free(entry);
}

void bench_suite_list(char *buf, size_t size) {
    char folder[4096];
    buf[0] = 0;
    for (int i = 0; suite_folder(i, folder, sizeof folder); i++) add_names(folder, buf, size);
}
