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

/* The same, and `end` is called in a thread of its own where the signal is still unanswered after
 * `seconds`: the work may be deep in an encoder or in a driver's compiler. Where no thread is to be
 * had it is bench_interrupt_arm alone. */
tare_status bench_interrupt_within(double seconds, void (*end)(int number));

/* From this time on (bench_now_ns) there is no time left; 0: there is. */
void bench_deadline_set(double ns);

/* TARE_OK, or an error once a signal has asked or the time is over: for loops that give up there.
 */
tare_status bench_go_on(void);
/* Whether that is what it last said. An error without it is some other one, and no end that was
 * asked for. */
int bench_stopped(void);

#endif
