#include "elf.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SEGMENTS_MAX = 128 };

typedef ElfW(Ehdr) header;
typedef ElfW(Phdr) segment;

#if defined(__x86_64__)
enum { MACHINE = EM_X86_64 };
#elif defined(__aarch64__)
enum { MACHINE = EM_AARCH64 };
#elif defined(__riscv)
enum { MACHINE = EM_RISCV };
#elif defined(__powerpc64__)
enum { MACHINE = EM_PPC64 };
#else
enum { MACHINE = EM_NONE }; /* not known: the loader's own test has to do */
#endif

static int no(char *why, size_t size, const char *text) {
    snprintf(why, size, "%s", text);
    return 0;
}

/* `bytes` at `at`; a file that is too short, or shrinks meanwhile, gives less. */
static int read_at(int fd, void *out, size_t bytes, uint64_t at) {
    char *to = out;
    while (bytes) {
        ssize_t n = pread(fd, to, bytes, (off_t)at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return 0;
        to += n;
        at += (uint64_t)n;
        bytes -= (size_t)n;
    }
    return 1;
}

static int within(uint64_t offset, uint64_t bytes, uint64_t file) {
    return offset <= file && bytes <= file - offset;
}

static int check_header(const header *h, char *why, size_t size) {
    const int class = sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32;
    const int order = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
    if (memcmp(h->e_ident, ELFMAG, SELFMAG) != 0) return no(why, size, "no ELF file");
    if (h->e_ident[EI_CLASS] != class || h->e_ident[EI_DATA] != order ||
        (MACHINE != EM_NONE && h->e_machine != MACHINE))
        return no(why, size, "built for another processor");
    if (h->e_type != ET_DYN) return no(why, size, "no shared library");
    if (h->e_phentsize != sizeof(segment) || h->e_phnum < 1 || h->e_phnum > SEGMENTS_MAX)
        return no(why, size, "a broken ELF header");
    return 1;
}

/* Everything that the headers announce lies in the file. The section headers come last in most
 * files: the loader does not read them, but where they are cut off the rest is not to be trusted.
 */
static int check_extent(int fd, const header *h, uint64_t file, char *why, size_t size) {
    segment s[SEGMENTS_MAX];
    int loads = 0;
    if (!within(h->e_phoff, (uint64_t)h->e_phnum * sizeof *s, file) ||
        !read_at(fd, s, h->e_phnum * sizeof *s, h->e_phoff) ||
        (h->e_shoff && !within(h->e_shoff, (uint64_t)h->e_shnum * h->e_shentsize, file)))
        return no(why, size, "truncated");
    for (int i = 0; i < h->e_phnum; i++) {
        if (s[i].p_type == PT_NULL) continue;
        if (!within(s[i].p_offset, s[i].p_filesz, file)) return no(why, size, "truncated");
        if (s[i].p_type != PT_LOAD) continue;
        if (s[i].p_memsz < s[i].p_filesz || s[i].p_vaddr + s[i].p_memsz < s[i].p_vaddr)
            return no(why, size, "a broken segment");
        loads++;
    }
    return loads ? 1 : no(why, size, "nothing to load in it");
}

static int check_file(int fd, char *why, size_t size) {
    struct stat st;
    header h;
    if (fstat(fd, &st) != 0) return no(why, size, strerror(errno));
    if (!S_ISREG(st.st_mode)) return no(why, size, "no regular file");
    if (st.st_size == 0) return no(why, size, "an empty file");
    if (!read_at(fd, &h, sizeof h, 0)) return no(why, size, "truncated, or no ELF file");
    if (!check_header(&h, why, size)) return 0;
    return check_extent(fd, &h, (uint64_t)st.st_size, why, size);
}

int tare_elf_check(const char *path, char *why, size_t size) {
    struct stat st;
    /* Opening a device may do something, opening a fifo waits for its other end. What takes the
     * file's place in between is not waited for either. */
    if (stat(path, &st) != 0) return no(why, size, strerror(errno));
    if (!S_ISREG(st.st_mode)) return no(why, size, "no regular file");
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) return no(why, size, strerror(errno));
    int ok = check_file(fd, why, size);
    close(fd);
    return ok;
}
