/* The control groups of this process, of version 1 and 2: where a container's limits stand. */
#ifndef TARE_CGROUP_H
#define TARE_CGROUP_H

typedef enum cgroup_version { CGROUP_V1 = 1, CGROUP_V2 } cgroup_version;

/* Calls each(ctx, folder, version) for the group of this process and those above it, up to the top
 * that is mounted, in version 1's hierarchy of `controller` and in version 2's. Folders may not be
 * there: in a container the path is often the host's, and only its beginning exists. `root` stands
 * before every path, "" but for tests. */
void cgroup_walk(const char *root, const char *controller,
                 void (*each)(void *ctx, const char *folder, cgroup_version v), void *ctx);

#endif
