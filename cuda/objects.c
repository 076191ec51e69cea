/* A table of objects by the blobs that own them. */
#include "cuda/objects.h"

enum { BUCKETS = 256 };

typedef struct entry {
    struct entry *next;
    const cu_device *device;
    const void *blob;
    void *object;
    const cu_stream *claimed_by;
} entry;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static entry *buckets[BUCKETS];

/* Where the pointer to the blob's entry is, or to the end of its bucket. Blobs begin at multiples
 * of 256. */
static entry **find(const cu_device *d, const void *blob) {
    entry **at = &buckets[((uintptr_t)blob >> 8) % BUCKETS];
    while (*at && ((*at)->device != d || (*at)->blob != blob)) at = &(*at)->next;
    return at;
}

tare_status cu_object_put(cu_device *d, const void *blob, void *object) {
    entry *e = tare_alloc_zeroed(sizeof *e);
    if (!e) TARE_FAIL(TARE_E_NOMEM, "cuda: no memory for an object of packed weights");
    pthread_mutex_lock(&lock);
    entry **at = find(d, blob);
    *e = (entry){.next = *at, .device = d, .blob = blob, .object = object};
    *at = e;
    pthread_mutex_unlock(&lock);
    return TARE_OK;
}

void *cu_object_get(cu_device *d, const void *blob) {
    pthread_mutex_lock(&lock);
    entry *e = *find(d, blob);
    void *object = e ? e->object : NULL;
    pthread_mutex_unlock(&lock);
    return object;
}

void *cu_object_take(cu_device *d, const void *blob) {
    pthread_mutex_lock(&lock);
    entry **at = find(d, blob), *e = *at;
    void *object = e ? e->object : NULL;
    if (e) *at = e->next;
    pthread_mutex_unlock(&lock);
    tare_free(e);
    return object;
}

int cu_object_claim(cu_device *d, const void *blob, const cu_stream *s) {
    pthread_mutex_lock(&lock);
    entry *e = *find(d, blob);
    if (e && !e->claimed_by) e->claimed_by = s;
    int mine = e && e->claimed_by == s;
    pthread_mutex_unlock(&lock);
    return mine;
}

void cu_object_unclaim(const cu_stream *s) {
    pthread_mutex_lock(&lock);
    for (int i = 0; i < BUCKETS; i++)
        for (entry *e = buckets[i]; e; e = e->next)
            if (e->claimed_by == s) e->claimed_by = NULL;
    pthread_mutex_unlock(&lock);
}
