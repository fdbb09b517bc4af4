/* wallclock: the part of ptymodem.so that lets a test put the wall clock of one program forward and
 * back while it runs, as NTP or a dead battery does. $WALLCLOCK names a file of eight bytes: how
 * far it goes wrong, in milliseconds, little-endian. It is mapped once; a test writes to it at any
 * time. CLOCK_MONOTONIC and all waits go on as they are. Without $WALLCLOCK nothing is changed. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

enum { MS_PER_S = 1000, NS_PER_MS = 1000000, NS_PER_S = 1000000000, NS_PER_US = 1000 };

typedef int (*gettime_fn)(clockid_t, struct timespec *);

/* Set before main(); until then the kernel is asked. */
static gettime_fn real_gettime;
static const _Atomic int64_t *ahead_ms;

__attribute__((constructor)) static void find_clock(void)
{
    const char *path = getenv("WALLCLOCK");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *map = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *ahead_ms, PROT_READ, MAP_SHARED, fd, 0);
    if (fd >= 0) close(fd);
    if (map != MAP_FAILED) ahead_ms = map;
    *(void **)&real_gettime = dlsym(RTLD_NEXT, "clock_gettime");
}

EXPORT int clock_gettime(clockid_t clock, struct timespec *out)
{
    int rc = real_gettime ? real_gettime(clock, out) : (int)syscall(SYS_clock_gettime, clock, out);
    if (rc || !ahead_ms || clock != CLOCK_REALTIME) return rc;
    int64_t ahead = atomic_load(ahead_ms);
    int64_t ns = (int64_t)out->tv_nsec + ahead % MS_PER_S * NS_PER_MS;
    out->tv_sec += ahead / MS_PER_S + (ns >= NS_PER_S) - (ns < 0);
    out->tv_nsec = ns >= NS_PER_S ? ns - NS_PER_S : ns < 0 ? ns + NS_PER_S : ns;
    return 0;
}

EXPORT int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    int rc = clock_gettime(CLOCK_REALTIME, &now);
    out->tv_sec = now.tv_sec;
    out->tv_usec = now.tv_nsec / NS_PER_US;
    return rc;
}

EXPORT time_t time(time_t *out)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}
