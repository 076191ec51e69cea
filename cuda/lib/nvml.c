/* NVML: its functions. */
#include "cuda/lib/nvml.h"

#include <dlfcn.h>
#include <stdio.h>

nvml_functions nvml;

/* Drivers since 535 say "event" where older ones say "throttle". */
static int version(char *out, size_t size) {
    static const char *const names[] = {"nvmlDeviceGetCurrentClocksEventReasons",
                                        "nvmlDeviceGetCurrentClocksThrottleReasons"};
    char driver[80] = "";
    for (int i = 0; i < 2 && !nvml.reasons; i++)
        *(void **)&nvml.reasons = dlsym(cu_nvml.handle, names[i]);
    int code = nvml.init();
    if (code != NVML_SUCCESS) {
        snprintf(out, size, "does not start: %.60s", nvml.error(code));
        return 0;
    }
    (void)nvml.driver(driver, sizeof driver);
    snprintf(out, size, "of driver %.60s", driver);
    return 1;
}

static const char *const files[] = {"libnvidia-ml.so.1", NULL};
static const cu_symbol symbols[] = {{"nvmlInit_v2", &nvml.init},
                                    {"nvmlErrorString", &nvml.error},
                                    {"nvmlSystemGetDriverVersion", &nvml.driver},
                                    {"nvmlDeviceGetHandleByPciBusId_v2", &nvml.by_bus},
                                    {"nvmlDeviceGetClockInfo", &nvml.clock},
                                    {"nvmlDeviceGetMaxClockInfo", &nvml.max_clock},
                                    {"nvmlDeviceGetTemperature", &nvml.temperature},
                                    {"nvmlDeviceGetPowerUsage", &nvml.power},
                                    {"nvmlDeviceGetEnforcedPowerLimit", &nvml.power_limit},
                                    {NULL, NULL}};
cu_library cu_nvml = {"NVML", files, symbols, version, NULL, "", 0, 1};
