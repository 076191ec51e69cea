/* Lists of devices, as -d takes them. */
#ifndef TARE_BENCH_DEVICES_H
#define TARE_BENCH_DEVICES_H

#include <tare/tare.h>

/* What -d asks for: "cpu,opencl:0", a backend's name (all of its devices), a part of a device's
 * name, "all"; null: the CPU. Each device once, in the order asked. */
enum { BENCH_DEVICES_MAX = 16 };
typedef struct bench_devices {
    tare_device *device[BENCH_DEVICES_MAX];
    int count;
} bench_devices;
tare_status bench_devices_parse(const char *text, bench_devices *out);
/* The same, but what is not there is left out, as long as something is: `skipped` then holds
 * "cuda: why; opencl: why", else "". */
tare_status bench_devices_present(const char *text, bench_devices *out, char *skipped, size_t size);

/* Whether the least that a device does fails on it. The error at hand stays. */
int bench_device_lost(tare_device *d);

#endif
