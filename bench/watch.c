/* What the system says of our threads, read from /proc between two marks. */
#include "bench/watch.h"
#include "bench/clock.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PATH = 256, TEXT = 16384 };
/* A tick is 10 ms: over a second one of them is 1 %. */
static const double stolen_every_ns = 1e9;

const char *bench_watch_name(bench_watch_how how) {
    return how == BENCH_WATCH_SCHEDSTAT  ? "schedstat"
           : how == BENCH_WATCH_SWITCHES ? "switches"
                                         : "absent";
}

/* The file as a text, cut at what `out` holds; 0 where there is none. */
static int read_text(const char *path, char *out, size_t room) {
    size_t used = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    for (ssize_t n; used < room - 1 && (n = read(fd, out + used, room - 1 - used)) > 0;)
        used += (size_t)n;
    close(fd);
    out[used] = 0;
    return used > 0;
}

static int read_task_file(const bench_watch *w, int id, const char *file, char *out, size_t room) {
    char path[PATH];
    int n = snprintf(path, sizeof path, "%s/proc/self/task/%d/%s", w->root, id, file);
    return n > 0 && n < PATH && read_text(path, out, room);
}

/* The number after `key`, newline and colon included; 0 where there is none. */
static int number_of(const char *text, const char *key, unsigned long *out) {
    const char *at = strstr(text, key);
    return at && sscanf(at + strlen(key), " %lu", out) == 1;
}

/* "RAN WAITED TIMES", ns. */
static int read_schedstat(const bench_watch *w, bench_watch_task *t) {
    char text[128];
    return read_task_file(w, t->id, "schedstat", text, sizeof text) &&
           sscanf(text, "%lf %lf", &t->ran_ns, &t->waited_ns) == 2;
}

/* Linux names the clock of a thread's CPU time by its id so; glibc does for pthread_t alone. */
static double cpu_time(int id) {
    struct timespec t;
    clockid_t clock = (clockid_t)((~(unsigned)id << 3) | 6);
    return clock_gettime(clock, &t) == 0 ? (double)t.tv_sec * 1e9 + (double)t.tv_nsec : NAN;
}

static int read_switches(const bench_watch *w, bench_watch_task *t) {
    char text[TEXT];
    if (!read_task_file(w, t->id, "status", text, sizeof text) ||
        !number_of(text, "\nvoluntary_ctxt_switches:", &t->slept) ||
        !number_of(text, "\nnonvoluntary_ctxt_switches:", &t->evicted))
        return 0;
    t->ran_ns = cpu_time(t->id);
    return 1;
}

static int read_task(const bench_watch *w, bench_watch_how how, bench_watch_task *t) {
    return how == BENCH_WATCH_SCHEDSTAT ? read_schedstat(w, t) : read_switches(w, t);
}

/* Every thread there is. Those that end meanwhile are left out. */
static int read_tasks(const bench_watch *w, bench_watch_how how,
                      bench_watch_task out[BENCH_WATCH_TASKS]) {
    char path[PATH];
    int count = 0;
    if (how == BENCH_WATCH_ABSENT) return 0;
    snprintf(path, sizeof path, "%s/proc/self/task", w->root);
    DIR *d = opendir(path);
    if (!d) return 0;
    for (struct dirent *e; count < BENCH_WATCH_TASKS && (e = readdir(d));) {
        bench_watch_task t = {.id = atoi(e->d_name)};
        if (t.id > 0 && read_task(w, how, &t)) out[count++] = t;
    }
    closedir(d);
    return count;
}

/* ---- time stolen ---- */

/* Of the CPUs in our mask. Ticks never go back, so below 0 marks what is not told. */
static void read_steal(const bench_watch *w, double out[BENCH_WATCH_CPUS]) {
    char path[PATH], line[512];
    cpu_set_t ours;
    int masked = sched_getaffinity(0, sizeof ours, &ours) == 0;
    for (int i = 0; i < BENCH_WATCH_CPUS; i++) out[i] = -1;
    snprintf(path, sizeof path, "%s/proc/stat", w->root);
    FILE *f = fopen(path, "re");
    if (!f) return;
    while (fgets(line, sizeof line, f) && strncmp(line, "cpu", 3) == 0) {
        unsigned cpu;
        double steal;
        if (sscanf(line, "cpu%u %*s %*s %*s %*s %*s %*s %*s %lf", &cpu, &steal) == 2 &&
            cpu < BENCH_WATCH_CPUS && (!masked || CPU_ISSET(cpu, &ours)))
            out[cpu] = steal;
    }
    fclose(f);
}

static void look_at_steal(bench_watch *w, double now) {
    double ticks[BENCH_WATCH_CPUS], most = 0, second = (double)sysconf(_SC_CLK_TCK);
    if (now - w->stolen_at < stolen_every_ns) return;
    read_steal(w, ticks);
    for (int i = 0; i < BENCH_WATCH_CPUS; i++) {
        double share = (ticks[i] - w->steal[i]) / second * 1e9 / (now - w->stolen_at);
        if (ticks[i] >= 0 && w->steal[i] >= 0 && share > most) most = share;
    }
    memcpy(w->steal, ticks, sizeof ticks);
    w->stolen = most;
    w->stolen_at = now;
}

/* ---- marks ---- */

/* Files that are there and stand still tell nothing: this thread has run, and has slept just now.
 */
static bench_watch_how find_how(const bench_watch *w) {
    bench_watch_task task[BENCH_WATCH_TASKS];
    nanosleep(&(struct timespec){.tv_nsec = 1000}, NULL);
    int n = read_tasks(w, BENCH_WATCH_SCHEDSTAT, task);
    for (int i = 0; i < n; i++)
        if (task[i].ran_ns > 0) return BENCH_WATCH_SCHEDSTAT;
    n = read_tasks(w, BENCH_WATCH_SWITCHES, task);
    for (int i = 0; i < n; i++)
        if (task[i].slept + task[i].evicted > 0) return BENCH_WATCH_SWITCHES;
    return BENCH_WATCH_ABSENT;
}

void bench_watch_init_from(bench_watch *w, const char *root) {
    memset(w, 0, sizeof *w);
    w->root = root;
    w->how = find_how(w);
    read_steal(w, w->steal);
    w->stolen_at = bench_now_ns();
    bench_watch_mark(w);
}

void bench_watch_init(bench_watch *w) {
    bench_watch_init_from(w, "");
}

void bench_watch_mark(bench_watch *w) {
    w->count = read_tasks(w, w->how, w->task);
    w->at = bench_now_ns();
}

static double within(double v, double most) {
    return !(v > 0) ? 0 : v < most ? v : most;
}

double bench_watch_task_lost(bench_watch_how how, const bench_watch_task *before,
                             const bench_watch_task *now, double wall_ns) {
    static const bench_watch_task none;
    if (!before) before = &none;
    if (how == BENCH_WATCH_SCHEDSTAT) return within(now->waited_ns - before->waited_ns, wall_ns);
    if (how != BENCH_WATCH_SWITCHES || now->evicted <= before->evicted) return 0;
    double idle = wall_ns - (now->ran_ns - before->ran_ns);
    double switched = (double)(now->evicted - before->evicted) * BENCH_WATCH_SLICE_NS;
    int slept = before == &none || now->slept != before->slept;
    if (isfinite(idle) && !slept) return within(idle, wall_ns);
    return within(isfinite(idle) && idle < switched ? idle : switched, wall_ns);
}

/* Both readings list threads in much the same order: the search begins where the last one ended. */
static const bench_watch_task *find(const bench_watch *w, int id, int *at) {
    for (int i = 0; i < w->count; i++) {
        int k = (*at + i) % w->count;
        if (w->task[k].id != id) continue;
        *at = k + 1;
        return &w->task[k];
    }
    return NULL;
}

double bench_watch_lost(bench_watch *w) {
    bench_watch_task now[BENCH_WATCH_TASKS];
    int count = read_tasks(w, w->how, now), at = 0;
    double end = bench_now_ns(), wall = end - w->at, most = 0;
    for (int i = 0; i < count && wall > 0; i++) {
        const bench_watch_task *before = find(w, now[i].id, &at);
        double lost = bench_watch_task_lost(w->how, before, &now[i], wall) / wall;
        if (lost > most) most = lost;
    }
    memcpy(w->task, now, (size_t)count * sizeof *now);
    w->count = count;
    look_at_steal(w, end);
    w->at = bench_now_ns();
    return within(w->stolen > most ? w->stolen : most, 1);
}
