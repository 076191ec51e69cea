/* Ctrl-C, and what else asks a run to end: what has been measured by then is hours of somebody's
 * time, and is written. */
#ifndef TARE_BENCH_INTERRUPT_H
#define TARE_BENCH_INTERRUPT_H

#include <tare/tare.h>

/* From here on SIGINT, SIGTERM and SIGHUP only ask; a second one ends the process as ever. One that
 * is ignored (nohup) stays ignored. */
void bench_interrupt_arm(void);
/* The signal that asked; 0: none has. */
int bench_interrupted(void);
/* TARE_OK, or an error once a signal has asked: for loops that give up there. */
tare_status bench_go_on(void);

#endif
