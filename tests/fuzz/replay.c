/* Runs a fuzz target over every file of the folders and files given, and over simple mutations of
 * each (truncations, single flipped bytes), so that the corpus is tested in every ordinary test
 * run. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static long inputs, files;

/* In a block of its exact size, so that a sanitizer sees the first byte read past it. */
static void feed(const uint8_t *data, size_t size) {
    uint8_t *copy = malloc(size ? size : 1);
    if (size) memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    inputs++;
}

static void feed_mutations(uint8_t *data, size_t size) {
    size_t step = size / 64 + 1;
    feed(data, size);
    for (size_t n = 0; n < size; n += step) feed(data, n);
    for (size_t i = 0; i < size; i += step) {
        static const uint8_t flips[] = {0x01, 0x80, 0xff};
        for (size_t f = 0; f < sizeof flips; f++) {
            data[i] ^= flips[f];
            feed(data, size);
            data[i] ^= flips[f];
        }
    }
}

static int feed_file(const char *path) {
    FILE *f = fopen(path, "rb");
    if (!f) return 0;
    uint8_t *data = malloc(1 << 20);
    size_t size = fread(data, 1, 1 << 20, f);
    fclose(f);
    feed_mutations(data, size);
    free(data);
    files++;
    return 1;
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        DIR *dir = opendir(argv[i]);
        if (!dir) {
            if (!feed_file(argv[i])) {
                fprintf(stderr, "replay: cannot read %s\n", argv[i]);
                return 1;
            }
            continue;
        }
        for (struct dirent *e; (e = readdir(dir));) {
            char path[4096];
            if (e->d_name[0] == '.') continue;
            snprintf(path, sizeof path, "%s/%s", argv[i], e->d_name);
            feed_file(path);
        }
        closedir(dir);
    }
    printf("replay: %ld files, %ld inputs\n", files, inputs);
    return files == 0; /* an empty corpus tests nothing */
}
