#include "bench/interrupt.h"
#include "src/internal.h"

#include <signal.h>
#include <string.h>

static volatile sig_atomic_t asked;

static void ask(int number) {
    asked = number;
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

int bench_interrupted(void) {
    return (int)asked;
}

tare_status bench_go_on(void) {
    if (asked) TARE_FAIL(TARE_E_DEVICE, "interrupted by signal %d", (int)asked);
    return TARE_OK;
}
