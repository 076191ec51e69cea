/* NVML, as far as the backend asks it: one device, where the emulated runtime has its first, whose
 * numbers the tests set.
 *
 *   TARE_FAKE_NVML_REASONS=BITS  what holds the clocks down (default 0x4, a power cap)
 *   TARE_FAKE_NVML=silent        nothing but the clocks is told
 *   TARE_FAKE_NVML=absent        the library does not start */
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {
int a_device;
bool is(const char *what) {
    const char *env = getenv("TARE_FAKE_NVML");
    return env && strcmp(env, what) == 0;
}
int give(unsigned *out, unsigned value) {
    if (is("silent")) return 3; /* NVML_ERROR_NOT_SUPPORTED */
    *out = value;
    return 0;
}
} // namespace

extern "C" {
int nvmlInit_v2(void) {
    return is("absent") ? 9 : 0;
}
const char *nvmlErrorString(int code) {
    return code == 9 ? "Driver Not Loaded" : code == 6 ? "Not Found" : "an error";
}
int nvmlSystemGetDriverVersion(char *out, unsigned size) {
    snprintf(out, size, "0.0 of the tests");
    return 0;
}
int nvmlDeviceGetHandleByPciBusId_v2(const char *bus, void **out) {
    *out = &a_device;
    return strcmp(bus, "0000:41:00.0") == 0 ? 0 : 6;
}
int nvmlDeviceGetClockInfo(void *, int which, unsigned *out) {
    *out = which == 1 ? 1200 : which == 2 ? 2600 : 0;
    return 0;
}
int nvmlDeviceGetMaxClockInfo(void *, int which, unsigned *out) {
    *out = which == 1 ? 1980 : which == 2 ? 2619 : 0;
    return 0;
}
int nvmlDeviceGetTemperature(void *, int, unsigned *out) {
    return give(out, 63);
}
int nvmlDeviceGetPowerUsage(void *, unsigned *out) {
    return give(out, 698500);
}
int nvmlDeviceGetEnforcedPowerLimit(void *, unsigned *out) {
    return give(out, 700000);
}
int nvmlDeviceGetCurrentClocksThrottleReasons(void *, unsigned long long *out) {
    const char *env = getenv("TARE_FAKE_NVML_REASONS");
    *out = env ? strtoull(env, nullptr, 0) : 4;
    return is("silent") ? 3 : 0;
}
}
