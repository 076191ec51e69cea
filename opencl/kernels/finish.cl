/* Bias and ReLU in place, after a product of a library that has neither: y[m][n] of `type`. */
kernel void finish_rows(global void *y, int type, const global float *bias, int m, int n,
                        int flags) {
    int col = (int)get_global_id(0), row = (int)get_global_id(1);
    if (col >= n || row >= m) return;
    size_t i = (size_t)row * (size_t)n + (size_t)col;
    finish(y, type, i, load_as_float(y, type, i), bias, col, flags);
}
