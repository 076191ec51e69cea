/* Source: proc(5) for cgroup and mountinfo; Linux, Documentation/admin-guide/cgroup-v2.rst. */
#include "src/cgroup.h"

#include <stdio.h>
#include <string.h>

enum { PATH_ROOM = 1024, LINE = 4096 };

/* Whether `list`, separated by commas, has `word`. */
static int has_word(const char *list, const char *word) {
    size_t n = strlen(word);
    for (const char *at = list; (at = strstr(at, word)); at += n)
        if ((at == list || at[-1] == ',') && (at[n] == 0 || at[n] == ',')) return 1;
    return 0;
}

/* "0::/path" is of version 2; "4:cpu,cpuacct:/path" of version 1. */
static int group_in(char *line, const char *controller, cgroup_version v, char path[PATH_ROOM]) {
    line[strcspn(line, "\n")] = 0;
    char *names = strchr(line, ':'), *at = names ? strchr(names + 1, ':') : NULL;
    if (!at) return 0;
    *at++ = 0;
    int found = v == CGROUP_V2 ? names[1] == 0 : has_word(names + 1, controller);
    return found && snprintf(path, PATH_ROOM, "%s", at) < PATH_ROOM;
}

/* Where that hierarchy is mounted, and which of its folders the mount shows. */
static int mount_in(char *line, const char *controller, cgroup_version v, char at[PATH_ROOM],
                    char shows[PATH_ROOM]) {
    char type[64], options[LINE];
    const char *dash = strstr(line, " - ");
    if (!dash || sscanf(dash, " - %63s %*s %4095s", type, options) != 2) return 0;
    if (sscanf(line, "%*s %*s %*s %1023s %1023s", shows, at) != 2) return 0;
    return v == CGROUP_V2 ? strcmp(type, "cgroup2") == 0
                          : strcmp(type, "cgroup") == 0 && has_word(options, controller);
}

static FILE *open_own(const char *root, const char *name) {
    char path[PATH_ROOM];
    snprintf(path, sizeof path, "%s/proc/self/%s", root, name);
    return fopen(path, "re");
}

/* The group's folder, and how much of that path is the mount's top. */
static int folder_of(const char *root, const char *controller, cgroup_version v,
                     char folder[3 * PATH_ROOM], size_t *top) {
    char line[LINE], group[PATH_ROOM], at[PATH_ROOM], shows[PATH_ROOM];
    int found = 0, mounted = 0;
    FILE *f = open_own(root, "cgroup");
    while (f && !found && fgets(line, sizeof line, f)) found = group_in(line, controller, v, group);
    if (f) fclose(f);
    f = found ? open_own(root, "mountinfo") : NULL;
    while (f && !mounted && fgets(line, sizeof line, f))
        mounted = mount_in(line, controller, v, at, shows);
    if (f) fclose(f);
    if (!mounted) return 0;
    size_t skip = strcmp(shows, "/") == 0 ? 0 : strlen(shows);
    int within = strncmp(group, shows, skip) == 0 && (group[skip] == 0 || group[skip] == '/');
    snprintf(folder, 3 * PATH_ROOM, "%s%s%s", root, at, within ? group + skip : "");
    *top = strlen(root) + strlen(at);
    return 1;
}

void cgroup_walk(const char *root, const char *controller,
                 void (*each)(void *ctx, const char *folder, cgroup_version v), void *ctx) {
    for (cgroup_version v = CGROUP_V1; v <= CGROUP_V2; v++) {
        char folder[3 * PATH_ROOM];
        size_t top = 0;
        if (!folder_of(root, controller, v, folder, &top)) continue;
        for (;;) {
            each(ctx, folder, v);
            char *slash = strrchr(folder, '/');
            if (!slash || (size_t)(slash - folder) < top) break;
            *slash = 0;
        }
    }
}
