/* The kernel lists file locks with the pid of their owner, by device and inode; that is exact. A
 * program that only made the port exclusive (TIOCEXCL) is found by what it has open, which without
 * root shows only our own processes. */
#include "service/port/holder.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Owner of the lock that a line of /proc/locks tells of, 0 when it is about another file. A line:
 * "3: FLOCK  ADVISORY  WRITE 4242 00:05:1075 0 EOF". */
static long lock_owner(char *line, const char *inode)
{
    char *save = NULL, *word[6] = {0};
    size_t n = 0;
    for (char *w = strtok_r(line, " \n", &save); w && n < 6; w = strtok_r(NULL, " \n", &save))
        word[n++] = w;
    if (n < 6 || strcmp(word[1], "FLOCK") != 0 || strcmp(word[5], inode) != 0) return 0;
    return strtol(word[4], NULL, 10);
}

static long find_lock(const char *path)
{
    struct stat st;
    if (stat(path, &st) < 0) return 0;
    char inode[64], line[256];
    snprintf(inode, sizeof inode, "%02x:%02x:%ju", major(st.st_dev), minor(st.st_dev),
             (uintmax_t)st.st_ino);
    FILE *f = fopen("/proc/locks", "re");
    if (!f) return 0;
    long pid = 0;
    while (pid <= 0 && fgets(line, sizeof line, f))
        pid = lock_owner(line, inode);
    fclose(f);
    return pid;
}

static bool has_open(long pid, const char *path)
{
    char name[64], link[330], target[300];
    snprintf(name, sizeof name, "/proc/%ld/fd", pid);
    DIR *dir = opendir(name);
    if (!dir) return false;
    bool found = false;
    for (struct dirent *d = readdir(dir); d && !found; d = readdir(dir)) {
        snprintf(link, sizeof link, "%s/%s", name, d->d_name);
        ssize_t n = readlink(link, target, sizeof target - 1);
        if (n < 0) continue;
        target[n] = '\0';
        found = !strcmp(target, path);
    }
    closedir(dir);
    return found;
}

static long find_open(const char *path)
{
    DIR *dir = opendir("/proc");
    if (!dir) return 0;
    long pid = 0;
    for (struct dirent *d = readdir(dir); d && !pid; d = readdir(dir)) {
        long candidate = strtol(d->d_name, NULL, 10);
        if (candidate > 0 && candidate != getpid() && has_open(candidate, path)) pid = candidate;
    }
    closedir(dir);
    return pid;
}

const char *holder_name(const char *path, char *out, size_t cap)
{
    snprintf(out, cap, "another program");
    long pid = find_lock(path);
    if (pid <= 0) pid = find_open(path);
    if (pid <= 0) return out;
    char name[64], comm[64] = "";
    snprintf(name, sizeof name, "/proc/%ld/comm", pid);
    FILE *f = fopen(name, "re");
    if (f && fgets(comm, sizeof comm, f)) {
        comm[strcspn(comm, "\n")] = '\0';
        snprintf(out, cap, "%s (pid %ld)", comm, pid);
    }
    if (f) fclose(f);
    return out;
}
