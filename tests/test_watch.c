/* What the system says of threads that stood ready and did not run: from made-up files, and of this
 * machine where it tells. */
#include "bench/clock.h"
#include "bench/watch.h"
#include "tests/made_root.h"

#include <criterion/criterion.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/tmp/tare-watch-XXXXXX";

static void put(const char *path, const char *text) {
    put_below(root, path, text);
}

static void begin(void) {
    cr_assert_not_null(mkdtemp(root));
}

static void end(void) {
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", root);
    cr_expect_eq(system(command), 0);
}

TestSuite(watch, .init = begin, .fini = end);

/* No thread of this process: their ids are beyond what Linux gives. */
#define TASK "proc/self/task/99999991/"
#define OTHER "proc/self/task/99999992/"

Test(watch, time_on_run_queues) {
    bench_watch w;
    put(TASK "schedstat", "5000000 100 7\n");
    put(OTHER "schedstat", "0 0 0\n");
    bench_watch_init_from(&w, root);
    cr_assert_eq(w.how, BENCH_WATCH_SCHEDSTAT);
    cr_expect_eq(w.count, 2);
    cr_expect_eq(bench_watch_lost(&w), 0, "nobody waited");
    put(TASK "schedstat", "5000000 99999999999 9\n");
    cr_expect_eq(bench_watch_lost(&w), 1, "no more than all of it is lost");
    cr_expect_eq(bench_watch_lost(&w), 0, "every reading marks anew");
}

/* A tenth of the time since the mark, as near as the clock between here and there allows. */
Test(watch, the_share_is_of_the_wall_time) {
    bench_watch w;
    put(TASK "schedstat", "5000000 0 7\n");
    bench_watch_init_from(&w, root);
    w.at -= 1e10; /* ten seconds ago */
    put(TASK "schedstat", "5000000 1000000000 9\n");
    double lost = bench_watch_lost(&w);
    cr_expect(lost > 0.05 && lost <= 0.1, "%g", lost);
}

Test(watch, threads_begin_and_end) {
    bench_watch w;
    put(TASK "schedstat", "5000000 100 7\n");
    bench_watch_init_from(&w, root);
    put(OTHER "schedstat", "1 99999999999 1\n");
    cr_expect_eq(bench_watch_lost(&w), 1, "what a new thread waited counts from its start");
    end();
    mkdir(root, 0700);
    cr_expect_eq(bench_watch_lost(&w), 0);
    cr_expect_eq(w.count, 0);
}

#define STATUS(slept, evicted)                                                                     \
    "Name:\tx\nvoluntary_ctxt_switches:\t" #slept "\nnonvoluntary_ctxt_switches:\t" #evicted "\n"

Test(watch, switches_where_nothing_else_is_told) {
    bench_watch w;
    put(TASK "schedstat", "0 0 0\n"); /* gVisor's */
    put(TASK "status", STATUS(5, 7));
    bench_watch_init_from(&w, root);
    cr_assert_eq(w.how, BENCH_WATCH_SWITCHES);
    cr_expect(w.task[0].slept == 5 && w.task[0].evicted == 7);
    put(TASK "status", STATUS(500, 7));
    cr_expect_eq(bench_watch_lost(&w), 0, "sleeping is not waiting");
    put(TASK "status", STATUS(500, 1000000));
    cr_expect_eq(bench_watch_lost(&w), 1);
}

Test(watch, nothing_is_told) {
    bench_watch w;
    bench_watch_init_from(&w, root);
    cr_expect_eq(w.how, BENCH_WATCH_ABSENT);
    cr_expect_eq(bench_watch_lost(&w), 0);
    put(TASK "schedstat", "0 0 0\n");
    put(TASK "status", STATUS(0, 0));
    bench_watch_init_from(&w, root);
    cr_expect_eq(w.how, BENCH_WATCH_ABSENT);
    cr_expect_str_eq(bench_watch_name(w.how), "absent");
}

Test(watch, files_that_make_no_sense) {
    static const char *const texts[] = {"", "x y z\n", "1", "\nvoluntary_ctxt_switches:\n", "-"};
    bench_watch w;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        put(TASK "schedstat", texts[i]);
        put(TASK "status", texts[i]);
        put("proc/self/task/none/status", texts[i]);
        put("proc/stat", texts[i]);
        bench_watch_init_from(&w, root);
        w.stolen_at -= 2e9;
        cr_expect_eq(w.how, BENCH_WATCH_ABSENT, "'%s'", texts[i]);
        cr_expect_eq(bench_watch_lost(&w), 0, "'%s'", texts[i]);
    }
}

/* A counter that went back, as after a thread's number was given again. */
Test(watch, what_one_thread_lost) {
    bench_watch_task a = {.waited_ns = 50, .ran_ns = 100, .slept = 3, .evicted = 4}, b = a;
    const bench_watch_how queues = BENCH_WATCH_SCHEDSTAT, switches = BENCH_WATCH_SWITCHES;
    const double wall = 40e6;
    b.waited_ns = 10;
    cr_expect_eq(bench_watch_task_lost(queues, &a, &b, wall), 0);
    b.waited_ns = 1e6 + 50;
    cr_expect_eq(bench_watch_task_lost(queues, &a, &b, wall), 1e6);
    cr_expect_eq(bench_watch_task_lost(switches, &a, &b, wall), 0, "not switched off");
    b.evicted = 5;
    b.ran_ns = 100 + 30e6;
    cr_expect_eq(bench_watch_task_lost(switches, &a, &b, wall), 10e6, "it never slept");
    b.slept = 4;
    cr_expect_eq(bench_watch_task_lost(switches, &a, &b, wall), BENCH_WATCH_SLICE_NS);
    b.ran_ns = 100 + 39.9e6;
    cr_expect_float_eq(bench_watch_task_lost(switches, &a, &b, wall), 0.1e6, 1, "a short switch");
    b.ran_ns = NAN;
    cr_expect_eq(bench_watch_task_lost(switches, &a, &b, wall), BENCH_WATCH_SLICE_NS);
    cr_expect_eq(bench_watch_task_lost(BENCH_WATCH_ABSENT, &a, &b, wall), 0);
}

/* ---- time stolen ---- */

static int first_cpu(void) {
    cpu_set_t ours;
    int cpu = 0;
    cr_assert_eq(sched_getaffinity(0, sizeof ours, &ours), 0);
    while (cpu < CPU_SETSIZE - 1 && !CPU_ISSET(cpu, &ours)) cpu++;
    return cpu;
}

/* Of CPU `cpu` and of one that this process may not use. */
static void put_steal(int cpu, int ticks, int foreign) {
    char text[300];
    snprintf(text, sizeof text,
             "cpu  1 2 3 4 5 6 7 9999 0 0\ncpu%d 1 2 3 4 5 6 7 %d 0 0\ncpu1023 1 2 3 4 5 6 7 %d 0 "
             "0\nintr 5\n",
             cpu, ticks, foreign);
    put("proc/stat", text);
}

Test(watch, steal_of_our_cpus) {
    bench_watch w;
    int cpu = first_cpu();
    put_steal(cpu, 100, 0);
    bench_watch_init_from(&w, root);
    put_steal(cpu, 100000, 0);
    cr_expect_eq(bench_watch_lost(&w), 0, "ticks are too coarse for less than a second");
    w.stolen_at -= 2e9;
    cr_expect_eq(bench_watch_lost(&w), 1);
    cr_expect_eq(bench_watch_lost(&w), 1, "until the next look");
    if (cpu == 1023) return;
    put_steal(cpu, 100000, 100000);
    w.stolen_at -= 2e9;
    cr_expect_eq(bench_watch_lost(&w), 0, "not of a CPU of ours");
}

/* ---- this machine ---- */

static atomic_int stop;

static void *spin(void *unused) {
    while (!atomic_load(&stop)) {
    }
    return unused;
}

static double spin_and_look(bench_watch *w, double ns) {
    bench_watch_mark(w);
    for (double end = bench_now_ns() + ns; bench_now_ns() < end;) {
    }
    return bench_watch_lost(w);
}

/* Three threads that compute, one CPU for them: two thirds of a thread's time are lost, however the
 * machine fares. A spell so long that none of them is switched is tried again. */
Test(watch, more_threads_than_cpus, .timeout = 60) {
    static bench_watch w;
    pthread_t thread[2];
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((size_t)first_cpu(), &one);
    bench_watch_init(&w);
    if (w.how == BENCH_WATCH_ABSENT) return;
    cr_assert_eq(sched_setaffinity(0, sizeof one, &one), 0);
    for (int i = 0; i < 2; i++) cr_assert_eq(pthread_create(&thread[i], NULL, spin, NULL), 0);
    double most = 0;
    for (int tries = 0; tries < 20 && !(most > 0.2); tries++) {
        double lost = spin_and_look(&w, 300e6);
        if (lost > most) most = lost;
    }
    atomic_store(&stop, 1);
    for (int i = 0; i < 2; i++) pthread_join(thread[i], NULL);
    cr_expect(most > 0.2, "%s: %g", bench_watch_name(w.how), most);
}
