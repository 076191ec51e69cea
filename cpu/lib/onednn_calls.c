/* What oneDNN 2.x and 3.x do differently, behind one set of functions. */
#include "cpu/lib/onednn.h"

#include <string.h>

const void *onednn_md_at(const onednn_md *d) {
    return onednn_major == 2 ? (const void *)d : d->object;
}

onednn_status onednn_md_matrix(onednn_md *d, int64_t rows, int64_t cols, int type, int64_t row_step,
                               int64_t col_step) {
    const int64_t dims[ONEDNN_DIMS] = {rows, cols}, steps[ONEDNN_DIMS] = {row_step, col_step};
    if (onednn_major == 2) return onednn.md_init_by_strides(d, 2, dims, type, steps);
    return onednn.md_create_with_strides(&d->object, 2, dims, type, steps);
}

static onednn_status by_tag(onednn_md *d, int count, const int64_t *dims, int type, int tag) {
    if (onednn_major == 2) return onednn.md_init_by_tag(d, count, dims, type, tag);
    return onednn.md_create_with_tag(&d->object, count, dims, type, tag);
}

onednn_status onednn_md_any(onednn_md *d, int64_t rows, int64_t cols, int type) {
    const int64_t dims[ONEDNN_DIMS] = {rows, cols};
    return by_tag(d, 2, dims, type, ONEDNN_ANY);
}

onednn_status onednn_md_scratch(onednn_md *d, size_t bytes) {
    const int64_t dims[ONEDNN_DIMS] = {(int64_t)bytes};
    return by_tag(d, 1, dims, ONEDNN_U8, ONEDNN_A);
}

onednn_status onednn_md_copy(onednn_md *d, const void *from) {
    if (onednn_major != 2) return onednn.md_clone(&d->object, from);
    memcpy(d, from, ONEDNN_MD_BYTES);
    return ONEDNN_OK;
}

void onednn_md_clear(onednn_md *d) {
    if (onednn_major != 2 && d->object) onednn.md_destroy(d->object);
    d->object = NULL;
}

onednn_status onednn_append_relu(onednn_object ops) {
    if (onednn_major == 2) return onednn.append_eltwise_2(ops, 1.0f, ONEDNN_RELU_2, 0.0f, 0.0f);
    return onednn.append_eltwise_3(ops, ONEDNN_RELU_3, 0.0f, 0.0f);
}

onednn_status onednn_matmul_pd(onednn_object *pd, const onednn_md *x, const onednn_md *w,
                               const onednn_md *bias, const onednn_md *y, onednn_object attr) {
    const void *b = bias ? onednn_md_at(bias) : NULL;
    if (onednn_major != 2)
        return onednn.matmul_pd_create(pd, onednn_engine, onednn_md_at(x), onednn_md_at(w), b,
                                       onednn_md_at(y), attr);
    onednn_matmul d;
    onednn_status s =
        onednn.matmul_desc_init(&d, onednn_md_at(x), onednn_md_at(w), b, onednn_md_at(y));
    return s == ONEDNN_OK ? onednn.pd_create(pd, &d, attr, onednn_engine, NULL) : s;
}
