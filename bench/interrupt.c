#include "bench/interrupt.h"
#include "bench/clock.h"
#include "src/internal.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <time.h>

static volatile sig_atomic_t asked, watched;
static sem_t wake;
static double deadline;
static int stopped;

static struct {
    double seconds;
    void (*end)(int number);
} late;

static void ask(int number) {
    int was = errno;
    asked = number;
    if (watched) sem_post(&wake); /* one of the few calls that a handler may make */
    errno = was;
}

void bench_interrupt_arm(void) {
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction act, old;
    memset(&act, 0, sizeof act);
    act.sa_handler = ask;
    act.sa_flags = SA_RESTART | (int)SA_RESETHAND; /* writes go on; the second one is in earnest */
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
            sigaction(numbers[i], &act, NULL);
}

static void *watch(void *unused) {
    struct timespec pause = {.tv_sec = (time_t)late.seconds};
    pause.tv_nsec = (long)((late.seconds - (double)pause.tv_sec) * 1e9);
    while (sem_wait(&wake) != 0) {
    }
    while (nanosleep(&pause, &pause) != 0 && errno == EINTR) {
    }
    late.end((int)asked);
    return unused;
}

tare_status bench_interrupt_within(double seconds, void (*end)(int number)) {
    pthread_t thread;
    sigset_t all, before;
    late.seconds = seconds;
    late.end = end;
    if (sem_init(&wake, 0, 0) != 0) TARE_FAIL(TARE_E_NOMEM, "no semaphore: %s", strerror(errno));
    sigfillset(&all); /* signals are the other threads' */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int bad = pthread_create(&thread, NULL, watch, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    /* Where no thread is to be had, a signal is heeded when the work next asks. */
    if (!bad) pthread_detach(thread);
    watched = !bad;
    bench_interrupt_arm();
    return TARE_OK;
}

int bench_interrupted(void) {
    return (int)asked;
}

void bench_deadline_set(double ns) {
    deadline = ns;
}

tare_status bench_go_on(void) {
    stopped = asked || (deadline > 0 && bench_now_ns() > deadline);
    if (asked) TARE_FAIL(TARE_E_DEVICE, "interrupted by signal %d", (int)asked);
    if (stopped) TARE_FAIL(TARE_E_DEVICE, "no time left");
    return TARE_OK;
}

int bench_stopped(void) {
    return stopped;
}
