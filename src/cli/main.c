/* tare: the command-line tool. */
#include "src/cli/bench.h"
#include "src/cli/demo.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "bench") == 0) return cli_bench(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "breakeven") == 0) return cli_breakeven(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "demo") == 0) return cli_demo(argc - 1, argv + 1);
    printf("tare %s\n", tare_version());
    return 0;
}
