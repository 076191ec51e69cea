/* Words for what is wrong with an option, and what was probably meant. getopt_long says only that
 * something is; where it stands depends on whether a cluster of short ones was being read. */
#include "src/cli/cli.h"

#include <stdio.h>
#include <string.h>

enum { WORD = 32 }; /* longer words resemble nothing */

static int least(int a, int b, int c) {
    int ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Letters to insert, drop or change to make a into b (Levenshtein), by rows. */
static int distance(const char *a, const char *b) {
    int row[WORD + 1], n = (int)strlen(b);
    for (int j = 0; j <= n; j++) row[j] = j;
    for (int i = 1; a[i - 1]; i++) {
        int corner = row[0];
        row[0] = i;
        for (int j = 1; j <= n; j++) {
            int above = row[j];
            row[j] = least(above + 1, row[j - 1] + 1, corner + (a[i - 1] != b[j - 1]));
            corner = above;
        }
    }
    return row[n];
}

int cli_resembles(const char *text, const char *name) {
    size_t a = strlen(text), b = strlen(name);
    if (a < 2 || a > WORD || b > WORD) return 0;
    return distance(text, name) <= (b > 3 ? 2 : 1);
}

/* The long option that `text`, without dashes and up to a '=', may have meant; null: none. */
static const char *nearest(const char *text, const struct option *list) {
    char word[WORD + 1];
    size_t length = strcspn(text, "=");
    if (length > WORD) return NULL;
    snprintf(word, sizeof word, "%.*s", (int)length, text);
    for (; list->name; list++)
        if (cli_resembles(word, list->name)) return list->name;
    return NULL;
}

/* What getopt_long was reading: a word not finished yet is still argv[optind]. */
static const char *word_of(int argc, char **argv) {
    const char *now = optind < argc ? argv[optind] : "";
    if (optopt && now[0] == '-' && now[1] && now[1] != '-' && strchr(now + 1, optopt)) return now;
    return optind > 0 && optind <= argc ? argv[optind - 1] : "";
}

void cli_option_error(int argc, char **argv, int code, const struct option *list, char *out,
                      size_t size) {
    const char *word = word_of(argc, argv);
    int is_long = strncmp(word, "--", 2) == 0;
    if (code == ':') {
        if (is_long || optopt > 255)
            snprintf(out, size, "%.40s needs a value", word);
        else
            snprintf(out, size, "-%c needs a value", optopt);
        return;
    }
    if (is_long && optopt) {
        snprintf(out, size, "%.40s: this option takes no value", word);
        return;
    }
    const char *meant = nearest(word + strspn(word, "-"), list);
    int used = is_long || !word[0] || !word[1] || !word[2]
                   ? snprintf(out, size, "unknown option '%.40s'", word)
                   : snprintf(out, size, "unknown option '-%c' in '%.40s'", optopt, word);
    if (meant && used > 0 && (size_t)used < size)
        snprintf(out + used, size - (size_t)used, "; did you mean --%s?", meant);
}
