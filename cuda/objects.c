/* A table from addresses to objects, for all devices: a device's addresses are its own, so both
 * make the key. Open addressing, linear probing, half full at most; what is taken out is filled by
 * moving its successors up (Knuth, The Art of Computer Programming, vol. 3, 6.4, algorithm R). */
#include "cuda/objects.h"

#include <string.h>

typedef struct entry {
    const cu_device *device;
    const void *blob; /* null: free */
    void *object;
} entry;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static entry *table;
static size_t size, used; /* size: a power of two, or 0 */

static size_t home(const cu_device *d, const void *blob) {
    uint64_t h = ((uint64_t)(uintptr_t)blob ^ (uint64_t)(uintptr_t)d) * 0x9e3779b97f4a7c15u;
    return (size_t)(h >> 20) & (size - 1);
}

/* Where it is, or the free place where it would be. */
static size_t find(const cu_device *d, const void *blob) {
    size_t i = home(d, blob);
    while (table[i].blob && (table[i].blob != blob || table[i].device != d))
        i = (i + 1) & (size - 1);
    return i;
}

static tare_status grow(void) {
    entry *old = table;
    size_t old_size = size, bigger = size ? 2 * size : 64;
    if (2 * (used + 1) <= size) return TARE_OK;
    entry *made = tare_alloc_zeroed(bigger * sizeof *made);
    if (!made) TARE_FAIL(TARE_E_NOMEM, "cuda: no memory for a table of %zu objects", bigger);
    table = made;
    size = bigger;
    for (size_t i = 0; i < old_size; i++)
        if (old[i].blob) table[find(old[i].device, old[i].blob)] = old[i];
    tare_free(old);
    return TARE_OK;
}

tare_status cu_object_put(cu_device *d, const void *blob, void *object) {
    pthread_mutex_lock(&lock);
    tare_status s = grow();
    if (s == TARE_OK) {
        entry *e = &table[find(d, blob)];
        used += !e->blob;
        *e = (entry){d, blob, object};
    }
    pthread_mutex_unlock(&lock);
    return s;
}

void *cu_object_get(cu_device *d, const void *blob) {
    pthread_mutex_lock(&lock);
    void *object = size ? table[find(d, blob)].object : NULL;
    pthread_mutex_unlock(&lock);
    return object;
}

static void remove_at(size_t hole) {
    for (size_t i = (hole + 1) & (size - 1); table[i].blob; i = (i + 1) & (size - 1)) {
        size_t from = home(table[i].device, table[i].blob);
        /* It may move up unless its home lies between the hole, excluded, and itself. */
        if (((i - from) & (size - 1)) < ((i - hole) & (size - 1))) continue;
        table[hole] = table[i];
        hole = i;
    }
    memset(&table[hole], 0, sizeof table[hole]);
    used--;
}

void *cu_object_take(cu_device *d, const void *blob) {
    void *object = NULL;
    pthread_mutex_lock(&lock);
    size_t i = size ? find(d, blob) : 0;
    if (size && table[i].blob) {
        object = table[i].object;
        remove_at(i);
    }
    pthread_mutex_unlock(&lock);
    return object;
}
