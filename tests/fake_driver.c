/* What libcuda.so.1 is to tests: a library of that name in a folder. */
int fake_driver(void);
int fake_driver(void) {
    return 0;
}
