/* What the parts of packing and pruning on the device share: scratch in one piece, and passes that
 * several layouts need. */
#ifndef TARE_CUDA_PACK_JOB_H
#define TARE_CUDA_PACK_JOB_H

#include "cuda/cu.h"
#include "cuda/pack_args.h"

/* Kernels by address, instances of templates. */
const void *cu_pack_tile(int value, int steps);
const void *cu_pack_masks(int m);

typedef struct cu_pack_job {
    cu_device *d;
    cu_stream *s;
    const tare_problem *p;
    const void *w;
    void *blob;
    char *scratch;
    size_t list_at, scales_at, sums_at, state_at, extremes_at, flags_at, bytes;
    cu_pack_state seen; /* on the host: what the device said in the end */
} cu_pack_job;

/* What a layout needs beside the state: numbers to be added up (in the list, or elsewhere), scales
 * of their own, extremes, flags. */
typedef struct cu_pack_room {
    int64_t list, scanned, scales, extremes, flags;
} cu_pack_room;

/* ---- pack_job.c ---- */

tare_status cu_pack_open(cu_pack_job *j, const cu_pack_room *room);
/* Gives the scratch back; waits where something failed, as what was queued may write to it. */
tare_status cu_pack_close(cu_pack_job *j, tare_status s);
/* What the kernels of a job are given; sections are the caller's. */
cu_args cu_pack_args(const cu_pack_job *j);
tare_status cu_pack_warps(cu_stream *s, const void *kernel, int64_t warps, const cu_args *a);
tare_status cu_pack_threads(cu_stream *s, const void *kernel, int64_t threads, const cu_args *a);
tare_status cu_pack_clear(cu_stream *s, void *mem, size_t bytes);
/* From one place of the blob to another: what lies between sections. */
tare_status cu_pack_gap(const cu_pack_job *j, size_t from, size_t to);
tare_status cu_pack_survey_queue(const cu_pack_job *j, int what);
/* Scales of `rows` rows, zeros past n, to `out`. */
tare_status cu_pack_scales_queue(const cu_pack_job *j, void *out, size_t scales_at, size_t zeros_at,
                                 int64_t rows);
/* Each number becomes the sum of those before it. */
tare_status cu_scan_queue(cu_stream *s, uint32_t *list, int64_t count, uint32_t *sums);
size_t cu_scan_bytes(int64_t count);
/* Zeros behind the last value, where *total pieces of `unit` bytes behind `base` end. */
tare_status cu_pack_tail_queue(const cu_pack_job *j, const void *total, size_t base, size_t unit,
                               size_t end);
tare_status cu_pack_offsets_queue(const cu_pack_job *j, int64_t count, int64_t every);
/* Waits, and says what is wrong with W; expected < 0: any number of values is right. */
tare_status cu_pack_verdict(cu_pack_job *j, int64_t expected, const char *what);

/* ---- pack_sparse.c ---- */

tare_status cu_pack_as_bitmap(cu_pack_job *j);
tare_status cu_pack_as_csr(cu_pack_job *j);
tare_status cu_pack_as_blocks(cu_pack_job *j);

#endif
