/* The verbs of the tool and what they share. */
#ifndef TARE_CLI_H
#define TARE_CLI_H

#include "bench/devices.h"

#include <getopt.h>
#include <tare/tare.h>

/* Exit codes, the same for every verb. */
enum {
    CLI_OK = 0,
    CLI_GATE = 1,    /* a gate that was asked for failed */
    CLI_USAGE = 2,   /* bad options, bad input, output that can't be written */
    CLI_ABSENT = 3,  /* a device or kernel is not there */
    CLI_WRONG = 4,   /* a kernel gave a wrong result */
    CLI_OPEN = 5,    /* inconclusive where a decision was demanded */
    CLI_LOST = 6,    /* a device was lost; what was measured before is written */
    CLI_SIGNAL = 128 /* and its number: a signal ended it, and what was done by then is written */
};

typedef struct cli_verb {
    const char *name, *summary;
    int (*run)(int argc, char **argv); /* argv[0] is the verb */
} cli_verb;

int cli_devices(int argc, char **argv);
int cli_explain(int argc, char **argv);
int cli_tune(int argc, char **argv);
int cli_lab(int argc, char **argv);

/* Sets what libraries below `verb` read from the environment as they are opened; call it before any
 * work. */
void cli_environment(const char *verb);

/* "tare VERB: text" to stderr, always one line; returns CLI_USAGE. */
int cli_bad(const char *verb, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Says that a signal has ended the verb early; the exit code, 130 for Ctrl-C. */
int cli_interrupted(const char *verb);
/* After getopt_long gave ':' or '?': says which option is wrong, what may have been meant, and
 * where help is. */
int cli_bad_option(const char *verb, int argc, char **argv, int code, const struct option *list);
void cli_option_error(int argc, char **argv, int code, const struct option *list, char *out,
                      size_t size);
/* 1 where `text` is `name` but for a slip or two. */
int cli_resembles(const char *text, const char *name);
/* Prints a help text; the exit code. */
int cli_help(const char *text);

/* Shortest text that reads back as v, as Python's repr writes it; at least 32 bytes. */
void cli_python_float(double v, char *out, size_t size);
/* v rounded to `digits` decimals, as Python's round(v, digits). */
double cli_python_round(double v, int digits);

#endif
