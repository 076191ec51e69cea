/* tare: the command-line tool. */
#include <stdio.h>
#include <tare/tare.h>

int main(void) {
    printf("tare %s\n", tare_version());
    return 0;
}
