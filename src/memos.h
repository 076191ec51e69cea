/* The one lock over what the process remembers of rows: measured costs (tune.c) and rows that
 * declined (declined.c). Held over a fork: a child forked while another thread had it would wait
 * for that thread, which it lacks. */
#ifndef TARE_MEMOS_H
#define TARE_MEMOS_H

void memos_lock(void);
void memos_unlock(void);

#endif
