/* Clocks, temperature, power, and what keeps the clocks down, by NVML. Read, never set.
 *
 * NVML counts devices in its own order, so the device is found by its place on the PCI bus. What it
 * does not tell stays negative. */
#include "cuda/lib/nvml.h"

#include <stdio.h>

/* nvmlClocksEventReasons, as the NVML API Reference Manual numbers them. */
static const struct {
    unsigned long long bit;
    const char *name;
} reasons[] = {{0x1, "idle"},        {0x2, "application-clocks"}, {0x4, "power-cap"},
               {0x8, "hw-slowdown"}, {0x10, "sync-boost"},        {0x20, "sw-thermal"},
               {0x40, "hw-thermal"}, {0x80, "hw-power-brake"},    {0x100, "display-clocks"}};
enum { REASONS = sizeof reasons / sizeof *reasons };

static void name_reasons(unsigned long long bits, char *out, size_t size) {
    size_t at = 0;
    out[0] = 0;
    for (int i = 0; i < REASONS; i++) {
        if (!(bits & reasons[i].bit)) continue;
        bits &= ~reasons[i].bit;
        at += (size_t)snprintf(out + at, size - at, "%s%s", at ? " " : "", reasons[i].name);
    }
    if (bits) snprintf(out + at, size - at, "%s0x%llx", at ? " " : "", bits);
}

static tare_status find(cu_device *d, nvml_device *out) {
    char bus[32];
    if (!cu_library_open(&cu_nvml))
        TARE_FAIL(TARE_E_UNSUPPORTED, "cuda: %s does not tell its clocks: NVML %s", d->name,
                  cu_nvml.text);
    TARE_TRY(cu_enter(d));
    TARE_TRY(CU(d, cudaDeviceGetPCIBusId(bus, sizeof bus, d->ordinal)));
    int code = nvml.by_bus(bus, out);
    if (code != NVML_SUCCESS)
        TARE_FAIL(TARE_E_UNSUPPORTED, "cuda: NVML does not know %s at %s: %s", d->name, bus,
                  nvml.error(code));
    return TARE_OK;
}

static int32_t clock_of(nvml_device d, int (*ask)(nvml_device d, int which, unsigned *v),
                        int which) {
    unsigned v = 0;
    return ask(d, which, &v) == NVML_SUCCESS ? (int32_t)v : -1;
}

static double watts_of(nvml_device d, int (*ask)(nvml_device d, unsigned *milliwatts)) {
    unsigned v = 0;
    return ask(d, &v) == NVML_SUCCESS ? v / 1000.0 : -1;
}

tare_status cu_clocks(void *state, tare_clocks *out) {
    nvml_device d;
    unsigned long long bits = 0;
    TARE_TRY(find(state, &d));
    out->core_mhz = clock_of(d, nvml.clock, NVML_CLOCK_SM);
    out->core_max_mhz = clock_of(d, nvml.max_clock, NVML_CLOCK_SM);
    out->memory_mhz = clock_of(d, nvml.clock, NVML_CLOCK_MEM);
    out->memory_max_mhz = clock_of(d, nvml.max_clock, NVML_CLOCK_MEM);
    out->celsius = clock_of(d, nvml.temperature, NVML_TEMPERATURE_GPU);
    out->watts = watts_of(d, nvml.power);
    out->watts_limit = watts_of(d, nvml.power_limit);
    if (nvml.reasons && nvml.reasons(d, &bits) == NVML_SUCCESS)
        name_reasons(bits, out->limits, sizeof out->limits);
    return TARE_OK;
}
