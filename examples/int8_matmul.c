/* Multiplies by an int8 matrix: encode once, plan, pack, run. Prints the kernel that ran and how
 * far the answer is from the float product. cc int8_matmul.c $(pkg-config --cflags --libs tare) -o
 * int8_matmul */
#include <stdio.h>
#include <stdlib.h>
#include <tare/tare.h>

enum { M = 4, N = 256, K = 512 };

static void check(tare_status s) {
    if (s == TARE_OK) return;
    fprintf(stderr, "int8_matmul: %s\n", tare_last_error());
    exit(1);
}

int main(void) {
    static float w[N * K], x[M * K], y[M * N];
    for (int i = 0; i < N * K; i++) w[i] = (float)((i * 37) % 101 - 50) / 50;
    for (int i = 0; i < M * K; i++) x[i] = (float)((i * 53) % 97 - 48) / 48;

    tare_format format;
    tare_tensor weights;
    tare_device *device;
    tare_plan plan;
    tare_packed *packed;
    tare_stream *stream;
    tare_buffer *in, *out;
    check(tare_format_parse("i8-row", &format));
    check(tare_encode(&format, N, K, w, &weights));
    check(tare_device_find("cpu", &device));
    tare_problem problem = tare_problem_matmul(&weights, M, TARE_F32, TARE_F32, TARE_X_I8);
    check(tare_plan_make(device, &problem, NULL, &plan));
    check(tare_pack(&plan, &weights, &packed));
    check(tare_stream_create(device, &stream));
    check(tare_stream_reserve(stream, &plan));
    check(tare_buffer_wrap(device, x, sizeof x, &in));
    check(tare_buffer_wrap(device, y, sizeof y, &out));
    check(tare_run(&plan, packed, stream, in, NULL, out, 0));

    double worst = 0, largest = 0;
    for (int i = 0; i < M * N; i++) {
        double sum = 0;
        for (int j = 0; j < K; j++) sum += (double)x[i / N * K + j] * (double)w[i % N * K + j];
        double off = sum > y[i] ? sum - y[i] : y[i] - sum;
        worst = off > worst ? off : worst;
        largest = sum > largest ? sum : -sum > largest ? -sum : largest;
    }
    printf("%s: %zu bytes packed, worst error %.2f %% of the largest result\n", plan.kernel,
           tare_packed_bytes(packed), 100 * worst / largest);
    tare_buffer_destroy(in);
    tare_buffer_destroy(out);
    tare_stream_destroy(stream);
    tare_packed_destroy(packed);
    tare_tensor_clear(&weights);
    return worst / largest < 0.02 ? 0 : 1;
}
