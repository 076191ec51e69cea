#include "src/memos.h"

#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void memos_lock(void) {
    pthread_mutex_lock(&lock);
}

void memos_unlock(void) {
    pthread_mutex_unlock(&lock);
}

__attribute__((constructor)) static void guard_fork(void) {
    pthread_atfork(memos_lock, memos_unlock, memos_unlock);
}
