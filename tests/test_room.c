/* How much memory a process may have, from made-up files: the machine, control groups of both
 * versions and all above them, the address space. */
#include "src/room.h"
#include "tests/made_root.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/tmp/tare-room-XXXXXX";

static void put(const char *path, const char *text) {
    put_below(root, path, text);
}

static void begin(void) {
    cr_assert_not_null(mkdtemp(root));
    put("proc/meminfo", "MemTotal: 9000 kB\nMemFree: 100 kB\nMemAvailable:    4000 kB\n");
    put("proc/self/mountinfo", "30 24 0:26 / /cg rw - cgroup2 cgroup2 rw\n31 24 0:27 / /cg/memory "
                               "rw - cgroup c rw,memory\n");
}

static void end(void) {
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", root);
    cr_expect_eq(system(command), 0);
}

TestSuite(room, .init = begin, .fini = end);

Test(room, a_machine_without_groups) {
    tare_room r = tare_room_from(root);
    cr_expect_eq(r.left, 4000 * 1024);
    cr_expect_gt(r.all, r.left);
}

Test(room, version_2_and_what_stands_above) {
    put("proc/self/cgroup", "0::/a/b\n");
    put("cg/a/b/memory.max", "max\n");
    put("cg/a/memory.max", "3000000\n");
    put("cg/a/memory.current", "1000000\n");
    put("cg/a/memory.stat", "anon 1\ninactive_file 400000\nfile 7\n");
    tare_room r = tare_room_from(root);
    cr_expect_eq(r.all, 3000000);
    cr_expect_eq(r.left, 3000000 - 600000, "what files take is given back: %zu", r.left);
    put("cg/a/b/memory.max", "700000\n");
    put("cg/a/b/memory.current", "900000\n"); /* lowered below what is used */
    r = tare_room_from(root);
    cr_expect(r.all == 700000 && r.left == 0, "%zu, %zu", r.all, r.left);
}

Test(room, version_1) {
    put("proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/x/y\n0::/\n");
    put("cg/memory/x/memory.limit_in_bytes", "2000000\n");
    put("cg/memory/x/memory.usage_in_bytes", "500000\n");
    put("cg/memory/x/memory.stat", "inactive_file 9\ntotal_inactive_file 100000\n");
    put("cg/memory/memory.limit_in_bytes", "9223372036854771712\n");
    tare_room r = tare_room_from(root);
    cr_expect(r.all == 2000000 && r.left == 1600000, "%zu, %zu", r.all, r.left);
}

/* Controllers that are mounted together. */
Test(room, version_1_in_company) {
    put("proc/self/cgroup", "4:hugetlb,memory:/x\n");
    put("proc/self/mountinfo", "31 24 0:27 / /cg/both rw - cgroup c rw,hugetlb,memory\n");
    put("cg/both/x/memory.limit_in_bytes", "2000000\n");
    tare_room r = tare_room_from(root);
    cr_expect_eq(r.all, 2000000);
}

/* In a container the path is the host's: the group that is there, at the top, counts. */
Test(room, a_path_that_is_not_there) {
    put("proc/self/cgroup", "0::/../../docker/0123\n");
    put("cg/memory.max", "1000000\n");
    put("cg/memory.current", "1\n");
    tare_room r = tare_room_from(root);
    cr_expect(r.all == 1000000 && r.left == 999999, "%zu, %zu", r.all, r.left);
}

Test(room, files_that_make_no_sense) {
    put("proc/self/cgroup", "\n:\n::\n0:\n4:memory\n0::noslash\nxxxx\n");
    put("proc/meminfo", "MemAvailable: lots\n");
    put("cg/memory.max", "\n");
    tare_room r = tare_room_from(root);
    cr_expect_gt(r.all, 0);
    cr_expect_gt(r.left, 0);
}

Test(room, the_address_space) {
    struct rlimit limit;
    cr_assert_eq(getrlimit(RLIMIT_AS, &limit), 0);
    limit.rlim_cur = (rlim_t)1 << 46; /* more than a sanitizer takes */
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < limit.rlim_cur) return;
    put("proc/self/statm", "17179869000 5 5\n"); /* pages */
    cr_assert_eq(setrlimit(RLIMIT_AS, &limit), 0);
    tare_room r = tare_room_from(root);
    cr_expect_eq(r.left, ((size_t)1 << 46) - 17179869000u * (size_t)sysconf(_SC_PAGESIZE));
}

Test(room, this_machine) {
    tare_room r = tare_room_now();
    cr_expect_gt(r.all, 0);
    cr_expect_leq(r.left, r.all);
}
