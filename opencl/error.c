/* OpenCL's error numbers as statuses with a text, and the switch that lets tests make calls fail.
 */
#include "opencl/ocl.h"

#include <string.h>

static const struct {
    cl_int code;
    const char *name;
} names[] = {
    {CL_DEVICE_NOT_FOUND, "CL_DEVICE_NOT_FOUND"},
    {CL_DEVICE_NOT_AVAILABLE, "CL_DEVICE_NOT_AVAILABLE"},
    {CL_COMPILER_NOT_AVAILABLE, "CL_COMPILER_NOT_AVAILABLE"},
    {CL_MEM_OBJECT_ALLOCATION_FAILURE, "CL_MEM_OBJECT_ALLOCATION_FAILURE"},
    {CL_OUT_OF_RESOURCES, "CL_OUT_OF_RESOURCES"},
    {CL_OUT_OF_HOST_MEMORY, "CL_OUT_OF_HOST_MEMORY"},
    {CL_PROFILING_INFO_NOT_AVAILABLE, "CL_PROFILING_INFO_NOT_AVAILABLE"},
    {CL_BUILD_PROGRAM_FAILURE, "CL_BUILD_PROGRAM_FAILURE"},
    {CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST, "CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST"},
    {CL_INVALID_VALUE, "CL_INVALID_VALUE"},
    {CL_INVALID_DEVICE, "CL_INVALID_DEVICE"},
    {CL_INVALID_CONTEXT, "CL_INVALID_CONTEXT"},
    {CL_INVALID_COMMAND_QUEUE, "CL_INVALID_COMMAND_QUEUE"},
    {CL_INVALID_MEM_OBJECT, "CL_INVALID_MEM_OBJECT"},
    {CL_INVALID_BINARY, "CL_INVALID_BINARY"},
    {CL_INVALID_BUILD_OPTIONS, "CL_INVALID_BUILD_OPTIONS"},
    {CL_INVALID_PROGRAM_EXECUTABLE, "CL_INVALID_PROGRAM_EXECUTABLE"},
    {CL_INVALID_KERNEL_NAME, "CL_INVALID_KERNEL_NAME"},
    {CL_INVALID_KERNEL_ARGS, "CL_INVALID_KERNEL_ARGS"},
    {CL_INVALID_ARG_INDEX, "CL_INVALID_ARG_INDEX"},
    {CL_INVALID_ARG_VALUE, "CL_INVALID_ARG_VALUE"},
    {CL_INVALID_ARG_SIZE, "CL_INVALID_ARG_SIZE"},
    {CL_INVALID_WORK_GROUP_SIZE, "CL_INVALID_WORK_GROUP_SIZE"},
    {CL_INVALID_WORK_ITEM_SIZE, "CL_INVALID_WORK_ITEM_SIZE"},
    {CL_INVALID_GLOBAL_WORK_SIZE, "CL_INVALID_GLOBAL_WORK_SIZE"},
    {CL_INVALID_EVENT, "CL_INVALID_EVENT"},
    {CL_INVALID_OPERATION, "CL_INVALID_OPERATION"},
    {CL_INVALID_BUFFER_SIZE, "CL_INVALID_BUFFER_SIZE"},
    {-1001, "CL_PLATFORM_NOT_FOUND_KHR"},
};

static atomic_long strike_in;
static atomic_int strike_code;

void ocl_strike_at(long n, cl_int code) {
    atomic_store(&strike_code, code);
    atomic_store(&strike_in, n);
}

int ocl_strike_waits(void) {
    return atomic_load(&strike_in) > 0;
}

int ocl_struck(cl_int *code) {
    if (atomic_load_explicit(&strike_in, memory_order_relaxed) == 0) return 0;
    if (atomic_fetch_sub(&strike_in, 1) != 1) return 0;
    *code = atomic_load(&strike_code);
    return 1;
}

cl_int ocl_strike_code(void) {
    return atomic_load(&strike_code);
}

const char *ocl_error_name(cl_int e) {
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].code == e) return names[i].name;
    return "unknown error";
}

tare_status ocl_check(ocl_device *d, const char *call, cl_int e) {
    if (e == CL_SUCCESS) return TARE_OK;
    if (d && e == CL_DEVICE_NOT_AVAILABLE) atomic_store(&d->lost, 1);
    int memory = e == CL_MEM_OBJECT_ALLOCATION_FAILURE || e == CL_OUT_OF_HOST_MEMORY ||
                 e == CL_INVALID_BUFFER_SIZE;
    TARE_FAIL(memory ? TARE_E_NOMEM : TARE_E_DEVICE, "opencl: %.*s on %s: %s (%d)",
              (int)strcspn(call, "("), call, d ? d->name : "any device", ocl_error_name(e), (int)e);
}

tare_status ocl_alive(ocl_device *d) {
    if (!atomic_load_explicit(&d->lost, memory_order_relaxed)) return TARE_OK;
    TARE_FAIL(TARE_E_DEVICE, "opencl: %s was lost earlier; start the program again to use it",
              d->name);
}
