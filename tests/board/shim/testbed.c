/* testbed: the part of ptymodem.so for programs that run with umockdev's library too. That one
 * shows them the /sys and /dev that it finds in the folder $UMOCKDEV_DIR; a port in there is a
 * symbolic link to a board's pseudo-terminal. A real port is a device and no link, so here:
 *
 * - realpath of a port, or of a link to one, ends at its name in /dev. umockdev's own cuts the
 *   folder's name off whatever comes out, also off what lies outside of the folder.
 * - open of a name in /dev does not pass through umockdev, which connects each opened device to a
 *   server of ioctls, has room for 50 of them, and counts those too that could not be opened.
 * - scandir of a folder in /dev sees the test bed's: umockdev does not reach inside the C library.
 *
 * Without $UMOCKDEV_DIR nothing is changed. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LINKS_MAX = 8 };
#define EXPORT __attribute__((visibility("default")))

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool exists(const char *path)
{
    return syscall(SYS_faccessat, AT_FDCWD, path, F_OK) == 0;
}

/* Where the test bed keeps @p path, a name in /dev; false when it has no such name. errno is kept.
 */
static bool is_in_bed(const char *path, char out[PATH_MAX])
{
    const char *bed = getenv("UMOCKDEV_DIR");
    if (!bed || !path || !starts_with(path, "/dev/")) return false;
    int saved = errno;
    int n = snprintf(out, PATH_MAX, "%s%s", bed, path);
    bool found = n > 0 && n < PATH_MAX && exists(out);
    errno = saved;
    return found;
}

static char *next_realpath(const char *path, char *resolved)
{
    char *(*next)(const char *, char *) = NULL;
    *(void **)&next = dlsym(RTLD_NEXT, "realpath");
    if (next) return next(path, resolved);
    errno = ENOSYS;
    return NULL;
}

/* Follows one link. @return false when @p at is none */
static bool follow(char at[PATH_MAX], char target[PATH_MAX])
{
    ssize_t n = syscall(SYS_readlinkat, AT_FDCWD, at, target, PATH_MAX - 1);
    if (n < 0) return false;
    target[n] = '\0';
    char *slash = strrchr(at, '/');
    if (starts_with(target, "/dev/pts/") || !slash) return true;
    size_t room = PATH_MAX - (size_t)(slash + 1 - at);
    if (target[0] == '/' || (size_t)n >= room) return false; /* none of the test bed's own links */
    memcpy(slash + 1, target, (size_t)n + 1);
    return true;
}

/* "…bed/dev/serial/by-id/../../ttyUSB0" -> "/dev/ttyUSB0" */
static bool name_of(char *node, char out[PATH_MAX])
{
    char folder[PATH_MAX], bed[PATH_MAX];
    char *slash = strrchr(node, '/');
    *slash = '\0';
    if (!next_realpath(node, folder) || !next_realpath(getenv("UMOCKDEV_DIR"), bed)) return false;
    if (!starts_with(folder, bed)) return false;
    int n = snprintf(out, PATH_MAX, "%s/%s", folder + strlen(bed), slash + 1);
    return n > 0 && n < PATH_MAX;
}

/* The name in /dev of the port that @p path leads to. */
static bool is_port(const char *path, char out[PATH_MAX])
{
    char at[PATH_MAX], target[PATH_MAX];
    if (!is_in_bed(path, at)) return false;
    int saved = errno;
    bool is = false;
    for (int i = 0; i < LINKS_MAX && !is && follow(at, target); i++)
        is = starts_with(target, "/dev/pts/") && name_of(at, out);
    errno = saved;
    return is;
}

EXPORT char *realpath(const char *restrict path, char *restrict resolved)
{
    char name[PATH_MAX];
    if (!is_port(path, name)) return next_realpath(path, resolved);
    if (!resolved) return strdup(name);
    memcpy(resolved, name, strlen(name) + 1);
    return resolved;
}

EXPORT char *__realpath_chk(const char *path, char *resolved, size_t room);
EXPORT char *__realpath_chk(const char *path, char *resolved, size_t room)
{
    return room >= PATH_MAX ? realpath(path, resolved) : NULL;
}

static int open_file(const char *path, int flags, mode_t mode)
{
    char in_bed[PATH_MAX];
    const char *bed = getenv("UMOCKDEV_DIR");
    if (bed && path && !starts_with(path, "/dev/")) {
        int (*next)(const char *, int, ...) = NULL;
        *(void **)&next = dlsym(RTLD_NEXT, "open");
        if (next) return next(path, flags, mode);
    }
    if (is_in_bed(path, in_bed)) path = in_bed;
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

static bool has_mode(int flags)
{
    return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
}

EXPORT int open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = has_mode(flags) ? va_arg(args, mode_t) : 0;
    va_end(args);
    return open_file(path, flags, mode);
}

EXPORT int open64(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = has_mode(flags) ? va_arg(args, mode_t) : 0;
    va_end(args);
    return open_file(path, flags | O_LARGEFILE, mode);
}

EXPORT int __open_2(const char *path, int flags);
EXPORT int __open_2(const char *path, int flags)
{
    return open_file(path, flags, 0);
}

EXPORT int __open64_2(const char *path, int flags);
EXPORT int __open64_2(const char *path, int flags)
{
    return open_file(path, flags | O_LARGEFILE, 0);
}

EXPORT int scandir(const char *restrict path, struct dirent ***restrict list,
                   int (*select)(const struct dirent *),
                   int (*compare)(const struct dirent **, const struct dirent **))
{
    char in_bed[PATH_MAX];
    int (*next)(const char *, struct dirent ***, int (*)(const struct dirent *),
                int (*)(const struct dirent **, const struct dirent **)) = NULL;
    *(void **)&next = dlsym(RTLD_NEXT, "scandir");
    if (next) return next(is_in_bed(path, in_bed) ? in_bed : path, list, select, compare);
    errno = ENOSYS;
    return -1;
}
