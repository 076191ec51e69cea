/* The last words of a verb that a signal ends while it can't be asked: deep in an encoder, in the
 * check of a large product, in a driver's compiler. What to say is kept ready by the verb; a thread
 * that waits for signals says it. */
#include "bench/interrupt.h"
#include "src/cli/bench.h"
#include "src/cli/cli.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *last_out, *last_err;
static int over;
static const char *name;

static void put(int to, const char *text) {
    for (size_t left = strlen(text); left > 0;) {
        ssize_t n = write(to, text, left);
        if (n <= 0) return;
        text += n;
        left -= (size_t)n;
    }
}

/* Nothing of the process is torn down: its other threads are at work. */
static void say(int number) {
    bench_last_lock();
    if (over) {
        bench_last_unlock();
        return;
    }
    if (last_out) put(STDOUT_FILENO, last_out);
    if (isatty(STDERR_FILENO)) put(STDERR_FILENO, "\r\033[K");
    if (last_err) put(STDERR_FILENO, last_err);
    (void)cli_interrupted(name);
    _exit(CLI_SIGNAL + number);
}

tare_status bench_last_arm(const char *verb) {
    name = verb;
    return bench_interrupt_within(0.5, say);
}

void bench_last_lock(void) {
    pthread_mutex_lock(&lock);
}

void bench_last_unlock(void) {
    pthread_mutex_unlock(&lock);
}

void bench_last_words(char *out, char *err) {
    free(last_out);
    free(last_err);
    last_out = out;
    last_err = err;
}

void bench_last_forget(void) {
    over = 1;
    bench_last_words(NULL, NULL);
}
