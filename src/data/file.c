/* Reads whole files, writes them aside and renames. The size is found by reading, not by asking:
 * pipes and files that grow meanwhile are then no special case. */
#include "src/data/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/internal.h"

static tare_status grow(const char *path, char **buf, size_t used, size_t *room) {
    size_t wider = *room ? *room * 2 : (size_t)1 << 16;
    char *more = tare_alloc(wider);
    if (!more) TARE_FAIL(TARE_E_NOMEM, "%s: no memory for %zu bytes", path, wider);
    if (used) memcpy(more, *buf, used);
    tare_free(*buf);
    *buf = more;
    *room = wider;
    return TARE_OK;
}

static tare_status slurp(FILE *f, const char *path, size_t limit, char **buf, size_t *size) {
    size_t used = 0, room = 0;
    for (;;) {
        if (used == room) TARE_TRY(grow(path, buf, used, &room));
        size_t got = fread(*buf + used, 1, room - used, f);
        used += got;
        if (used > limit)
            TARE_FAIL(TARE_E_SHAPE, "%s: larger than the %zu bytes that are read", path, limit);
        if (got == 0) break;
    }
    if (ferror(f)) TARE_FAIL(TARE_E_IO, "%s: %s", path, strerror(errno));
    *size = used;
    return TARE_OK;
}

tare_status file_read(const char *path, size_t limit, void **out, size_t *size) {
    if (!path || !out || !size) TARE_FAIL(TARE_E_ARG, "file: null argument");
    char *buf = NULL;
    *out = NULL;
    *size = 0;
    FILE *f = fopen(path, "rb");
    if (!f) TARE_FAIL(TARE_E_IO, "%s: %s", path, strerror(errno));
    tare_status s = slurp(f, path, limit, &buf, size);
    fclose(f);
    if (s != TARE_OK) {
        tare_free(buf);
        return s;
    }
    *out = buf;
    return TARE_OK;
}

static int write_all(int fd, const char *at, size_t left) {
    while (left) {
        ssize_t n = write(fd, at, left);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return 0;
        at += n;
        left -= (size_t)n;
    }
    return fsync(fd) == 0 || errno == EINVAL; /* EINVAL: the file system has no fsync */
}

/* A terminal, a pipe, /dev/null: renaming would put a file in their place. */
static tare_status write_straight(const char *path, const void *bytes, size_t size) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    int ok = fd >= 0 && write_all(fd, bytes, size), why = errno;
    if (fd >= 0 && close(fd) != 0 && ok) {
        ok = 0;
        why = errno;
    }
    if (!ok) TARE_FAIL(TARE_E_IO, "%s: can't be written: %s", path, strerror(why));
    return TARE_OK;
}

/* A file beside `path` that nobody else has: two runs into one file must not mix, and what lies
 * there under the name (a link, say) is not ours to follow. */
static int open_part(const char *path, char *part, size_t size) {
    for (int i = 0; i < 100; i++) {
        int length = snprintf(part, size, "%s.part-%ld-%d", path, (long)getpid(), i);
        if (length < 0 || (size_t)length >= size) {
            errno = ENAMETOOLONG;
            return -1;
        }
        int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (fd >= 0 || errno != EEXIST) return fd;
    }
    return -1;
}

tare_status file_save(const char *path, const void *bytes, size_t size) {
    char part[4096];
    if (!path || (!bytes && size)) TARE_FAIL(TARE_E_ARG, "save: null argument");
    struct stat there;
    if (stat(path, &there) == 0 && !S_ISREG(there.st_mode) && !S_ISDIR(there.st_mode))
        return write_straight(path, bytes, size);
    int fd = open_part(path, part, sizeof part);
    if (fd < 0) TARE_FAIL(TARE_E_IO, "%s: can't be written: %s", path, strerror(errno));
    int ok = write_all(fd, bytes, size), why = errno;
    if (close(fd) != 0 && ok) {
        ok = 0;
        why = errno;
    }
    if (ok && rename(part, path) != 0) {
        ok = 0;
        why = errno;
    }
    if (ok) return TARE_OK;
    unlink(part);
    TARE_FAIL(TARE_E_IO, "%s: can't be written: %s", path, strerror(why));
}
