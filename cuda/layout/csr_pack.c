/* Sections of CSR weights. */
#include "cuda/layout/csr_pack.h"

#include "cuda/small.h"

#include <tare/bits.h>

cu_csr_shape cu_csr_shape_of(const tare_format *f, int64_t n, int64_t k, int64_t nnz) {
    cu_csr_shape s;
    s.scales_at = cu_up16((size_t)(n + 1) * sizeof(uint32_t));
    s.columns_at = s.scales_at + (f->value == TARE_I8 ? cu_up16((size_t)n * sizeof(float)) : 0);
    s.values_at = s.columns_at + cu_up16((size_t)nnz * (size_t)TARE_INDEX_BYTES(k));
    s.bytes = s.values_at + cu_up16((size_t)nnz * tare_type_bytes(f->value));
    return s;
}
