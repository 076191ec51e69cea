/* What the table says of clocks that were held down. */
#include "bench/record.h"
#include "bench/table.h"

#include <string.h>

enum { TEXT = 400 };

/* Appends the words of `limits` that are not there yet; idling holds nobody back. */
static void add(char text[TEXT], const char *limits) {
    for (const char *at = limits; *at;) {
        size_t length = strcspn(at, " ");
        char word[40];
        snprintf(word, sizeof word, " %.*s", (int)(length < 38 ? length : 38), at);
        if (strcmp(word, " idle") != 0 && !strstr(text, word) && strlen(text) + strlen(word) < TEXT)
            strcat(text, word);
        at += length;
        at += *at == ' ';
    }
}

void bench_report_limits(FILE *out, const json_t *records, const json_t *of) {
    static const char *const when[] = {"before", "after"};
    char text[TEXT] = "";
    size_t i;
    const json_t *r;
    json_array_foreach(records, i, r) {
        if (json_object_get(r, "env") != json_object_get(of, "env")) continue;
        for (int w = 0; w < 2; w++)
            add(text, bench_json_string(json_object_get(json_object_get(r, "clocks"), when[w]),
                                        "limits"));
    }
    if (text[0])
        fprintf(out, "%s: its clocks were held down while it was measured:%s\n",
                bench_json_string(of, "device"), text);
}
