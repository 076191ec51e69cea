/* How many threads this process may keep busy. */
#ifndef TARE_CPUS_H
#define TARE_CPUS_H

/* CPUs of the affinity mask, or fewer where a quota allows fewer; 1 at least. Read once. */
int tare_cpus(void);

/* CPUs' worth of time that control groups (version 1 or 2) grant this process: quota / period, the
 * least of its group and those above it; 0: unlimited or not told. `root` stands before every path
 * that is read, "" but for tests. */
double cpus_quota(const char *root);

#endif
