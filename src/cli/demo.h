/* `tare demo`. */
#ifndef TARE_CLI_DEMO_H
#define TARE_CLI_DEMO_H

/* argv[0] is the verb; gives the exit code. */
int cli_demo(int argc, char **argv);

#endif
