#include "service/port/folders.h"

#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

/* IN_ATTRIB: a device may be there before it may be opened. */
enum {
    NAMES = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB,
    ITSELF = IN_DELETE_SELF | IN_MOVE_SELF,
};

int folders_open(void)
{
    return inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
}

/* The folder that @p path lies in, "." for a bare name. */
static void cut_last_part(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash == path) slash++; /* the root */
    if (slash)
        *slash = '\0';
    else
        memcpy(path, ".", 2);
}

/* @return how many folders there are of that name */
static size_t watch_each(int fd, const char *pattern)
{
    glob_t found;
    if (glob(pattern, GLOB_NOSORT, NULL, &found)) return 0;
    size_t n = found.gl_pathc;
    for (size_t i = 0; i < n; i++)
        (void)inotify_add_watch(fd, found.gl_pathv[i], NAMES | ITSELF | IN_ONLYDIR);
    globfree(&found);
    return n;
}

void folders_watch(int fd, const char *pattern)
{
    char folder[PATH_MAX];
    int n = snprintf(folder, sizeof folder, "%s", pattern);
    if (n <= 0 || (size_t)n >= sizeof folder) return;
    do
        cut_last_part(folder);
    while (!watch_each(fd, folder) && strcmp(folder, "/") != 0 && strcmp(folder, ".") != 0);
}

bool folders_drain(int fd)
{
    _Alignas(struct inotify_event) char events[4096];
    bool any = false;
    while (read(fd, events, sizeof events) > 0)
        any = true;
    return any;
}
