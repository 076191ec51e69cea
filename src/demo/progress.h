/* What the demo is doing and how long it will take, on stderr. On a terminal one line rewrites
 * itself; elsewhere each step is a line of its own. */
#ifndef TARE_DEMO_PROGRESS_H
#define TARE_DEMO_PROGRESS_H

typedef struct demo_progress {
    double start, last; /* ns */
    double done, step;  /* share of the whole that is done, and that the running step will add */
    int terminal;
    char text[160];
} demo_progress;

void progress_start(demo_progress *p);
/* The step before is over; this one makes up `share` of the whole. */
void progress_step(demo_progress *p, double share, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Share of the running step. */
void progress_at(demo_progress *p, double share);
void progress_end(demo_progress *p);

#endif
