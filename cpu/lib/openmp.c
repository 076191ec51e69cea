/* An OpenMP runtime's counts, asked and set from outside of it. */
#include "cpu/lib/openmp.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* ---- forks ---- */

/* How many forks lie between the process that loaded tare and this one; and how many did when the
 * runtime was loaded. A runtime from before a fork has lost its threads and does not know it. */
static unsigned forks, loaded_at;
static int looked;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void in_child(void) {
    forks++;
    pthread_mutex_init(&lock, NULL); /* another thread of the parent's may have held it */
}

/* Whether this process is a child that runs on with its parent's memory, as multiprocessing's do:
 * a runtime that is there by now is the parent's. PF_FORKNOEXEC of the ninth field, proc(5). */
static int is_forked(void) {
    unsigned long flags = 0;
    char text[512] = "";
    FILE *f = fopen("/proc/self/stat", "re");
    if (!f) return 0;
    const char *after = fgets(text, sizeof text, f) ? strrchr(text, ')') : NULL;
    fclose(f);
    return after && sscanf(after + 1, " %*c %*d %*d %*d %*d %*d %lu", &flags) == 1 &&
           (flags & 0x40);
}

/* When tare is loaded, since its first use may come after the fork. */
__attribute__((constructor)) static void watch_forks(void) {
    forks = is_forked() ? 1 : 0;
    pthread_atfork(NULL, NULL, in_child);
}

void openmp_look(void) {
    static const char *const files[] = {"libgomp.so.1", "libiomp5.so", "libomp.so.5", "libomp.so"};
    int there = 0;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; !looked && i < sizeof files / sizeof *files; i++) {
        void *handle = dlopen(files[i], RTLD_NOW | RTLD_NOLOAD);
        there |= handle != NULL;
        if (handle) dlclose(handle);
    }
    if (!looked) loaded_at = there ? 0 : forks;
    looked = 1;
    pthread_mutex_unlock(&lock);
}

/* ---- finding it ---- */

/* As the loader binds what a library opened for itself refers to: what the program and its own
 * libraries bring comes first, then the library's. */
static void *bound(void *handle, const char *name) {
    void *program = dlopen(NULL, RTLD_NOW), *at = program ? dlsym(program, name) : NULL;
    if (program) dlclose(program);
    return at ? at : dlsym(handle, name);
}

static const void *object_of(void *address) {
    Dl_info info;
    return address && dladdr(address, &info) ? info.dli_fbase : NULL;
}

/* The function that begins a region, as gcc's code calls it or clang's, tells whose threads work;
 * the counts must be that runtime's. */
int openmp_find(openmp *o, void *handle) {
    const struct {
        const char *name;
        void *address;
    } all[] = {{"omp_get_max_threads", &o->get_max_threads},
               {"omp_set_num_threads", &o->set_num_threads},
               {"omp_get_thread_limit", &o->get_thread_limit},
               {"omp_get_dynamic", &o->get_dynamic},
               {"omp_set_dynamic", &o->set_dynamic},
               {"omp_get_max_active_levels", &o->get_max_active_levels},
               {"omp_get_active_level", &o->get_active_level}};
    const void *gcc = object_of(bound(handle, "GOMP_parallel"));
    const void *clang = object_of(bound(handle, "__kmpc_fork_call")), *runtime = gcc ? gcc : clang;
    if (!runtime || (clang && clang != runtime)) return 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        void *at = bound(handle, all[i].name);
        if (object_of(at) != runtime) return 0;
        memcpy(all[i].address, &at, sizeof at);
    }
    return 1;
}

/* ---- threads that can be started ---- */

typedef struct crowd {
    pthread_mutex_t lock;
    pthread_cond_t gone;
    int leave;
} crowd;

static void *stand(void *ctx) {
    crowd *c = ctx;
    pthread_mutex_lock(&c->lock);
    while (!c->leave) pthread_cond_wait(&c->gone, &c->lock);
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

int openmp_startable(int wanted) {
    enum { MOST = 1024 };
    pthread_t id[MOST];
    crowd c = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
    sigset_t all, before;
    int count = 0;
    if (wanted > MOST) wanted = MOST;
    sigfillset(&all); /* none of these is to run a handler of the host's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (count < wanted - 1 && pthread_create(&id[count], NULL, stand, &c) == 0) count++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_mutex_lock(&c.lock);
    c.leave = 1;
    pthread_cond_broadcast(&c.gone);
    pthread_mutex_unlock(&c.lock);
    for (int i = 0; i < count; i++) pthread_join(id[i], NULL);
    return count + 1;
}

/* ---- counts ---- */

/* Threads that the runtime has started for this one. */
static _Thread_local int team = 1;

static int is_stale(void) {
    return forks != loaded_at;
}

int openmp_granted(const openmp *o, int wanted) {
    if (wanted <= 1 || o->get_active_level() > 0 || o->get_max_active_levels() < 1) return 1;
    int limit = o->get_thread_limit(), carrier = is_stale();
    if (wanted > limit) wanted = limit;
    if (wanted > 1 && (wanted > team || carrier)) {
        int most = openmp_startable(wanted + carrier) - carrier;
        if (most < wanted) return most > 1 ? most : 1;
    }
    return wanted > 1 ? wanted : 1;
}

/* A runtime that may give fewer as it thinks best would have to be asked within the region. */
openmp_before openmp_enter(const openmp *o, int threads) {
    openmp_before b = {o->get_max_threads(), o->get_dynamic()};
    if (b.dynamic) o->set_dynamic(0);
    if (b.threads != threads) o->set_num_threads(threads);
    return b;
}

void openmp_leave(const openmp *o, openmp_before b) {
    if (o->get_max_threads() != b.threads) o->set_num_threads(b.threads);
    if (b.dynamic) o->set_dynamic(1);
}

typedef struct load {
    const openmp *o;
    int threads;
    void (*fn)(void *ctx);
    void *ctx;
} load;

static void *call_here(void *ctx) {
    const load *l = ctx;
    openmp_before before = openmp_enter(l->o, l->threads);
    l->fn(l->ctx);
    if (l->threads > 1) team = l->threads; /* a smaller team lets the others go */
    openmp_leave(l->o, before);
    return NULL;
}

/* A team of one touches no pool. */
int openmp_call(const openmp *o, int threads, void (*fn)(void *ctx), void *ctx) {
    load l = {o, threads, fn, ctx};
    pthread_t id;
    if (threads == 1 || !is_stale()) {
        call_here(&l);
        return 1;
    }
    if (pthread_create(&id, NULL, call_here, &l) != 0) return 0;
    pthread_join(id, NULL);
    return 1;
}
