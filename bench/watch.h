/* Whether threads of this process stood ready and did not run: the system's word on a competitor.
 *
 * The noise probe knows a slow spell by the best that it saw before; beside a process that computes
 * on the same cores all the time its best is low from the start, and nothing ever looks low. What a
 * thread waited on a run queue needs no such past. It is asked of, the first that is told:
 *   schedstat  /proc/self/task/TID/schedstat, the time on run queues in ns (CONFIG_SCHED_INFO);
 *   switches   the context switches in /proc/self/task/TID/status and each thread's CPU time: of a
 *              thread that was switched off against its will and never slept, all of the wall time
 *              that it did not run; of one that also slept, at most BENCH_WATCH_SLICE_NS for each
 *              such switch;
 *   absent     neither (gVisor's files are there and all zero): nothing is seen, nothing judged.
 * Threads asleep on a futex wait on no queue and count as nothing. A hypervisor that gives the CPU
 * to another guest shows as `steal` in /proc/stat, in ticks of 10 ms: that is read once a second,
 * for the CPUs that this process may use. */
#ifndef TARE_BENCH_WATCH_H
#define TARE_BENCH_WATCH_H

/* A block that lost more is disturbed: cells are measured to +-2 %, and a thread that a parallel
 * run waits for hands on its loss as a whole. Below that a machine's own housekeeping stays: one
 * timer tick in a block of 40 ms costs some 0.01 %, a kernel thread's spell of 0.1 ms 0.25 %. One
 * switch to a process that computes costs a time slice of some 3 ms: 7 %. */
#define BENCH_WATCH_LOST 0.02
/* What a switch against a thread's will may have cost: the slice that Linux gives a competitor that
 * computes, 0.7 ms times 1 + log2 of the CPUs, from 8 CPUs on 2.8 ms. */
#define BENCH_WATCH_SLICE_NS 3e6

enum { BENCH_WATCH_TASKS = 256, BENCH_WATCH_CPUS = 1024 }; /* those beyond are not watched */

typedef enum bench_watch_how {
    BENCH_WATCH_ABSENT = 1,
    BENCH_WATCH_SCHEDSTAT,
    BENCH_WATCH_SWITCHES
} bench_watch_how;
const char *bench_watch_name(bench_watch_how how); /* "absent" "schedstat" "switches" */

/* One thread, as the system tells it. */
typedef struct bench_watch_task {
    int id;
    double waited_ns;             /* schedstat: on run queues so far */
    double ran_ns;                /* switches: CPU time so far; NaN: not told */
    unsigned long slept, evicted; /* switches: of its own will, against it */
} bench_watch_task;

typedef struct bench_watch {
    const char *root; /* before every path; "" but for tests */
    bench_watch_how how;
    int count;
    bench_watch_task task[BENCH_WATCH_TASKS];
    double at;        /* of the mark, ns */
    double stolen_at; /* of the last look at /proc/stat */
    double stolen;    /* share of the CPU most stolen from, between the last two such looks */
    double steal[BENCH_WATCH_CPUS]; /* ticks so far; below 0: not told, or not ours */
} bench_watch;

/* Finds what the system tells here, and marks. */
void bench_watch_init(bench_watch *w);
void bench_watch_init_from(bench_watch *w, const char *root);

void bench_watch_mark(bench_watch *w);
/* The share of the wall time since the mark that a thread was ready and did not run: of the thread
 * that lost most, or what was stolen of a CPU where that is more. 0 to 1. Marks anew. */
double bench_watch_lost(bench_watch *w);

/* What task `now` lost since `before` (null: it began since), of wall_ns. */
double bench_watch_task_lost(bench_watch_how how, const bench_watch_task *before,
                             const bench_watch_task *now, double wall_ns);

#endif
