/* ptymodem: preloaded into a program that wants a real serial port, it gives the pseudo-terminals
 * of simulated boards their modem lines, and a place in /sys/class/tty. Everything else goes to the
 * kernel untouched. The program's own code needs no change and no knowledge of this.
 *
 * A pseudo-terminal takes part when its board has made a line file for it (tests/board/modem.h).
 * Nothing is kept between calls: the file is mapped for each one, so threads, forks and ports that
 * come and go need no care here. A call costs a few microseconds.
 *
 * - TIOCMGET, TIOCMSET, TIOCMBIS, TIOCMBIC, TIOCSBRK, TIOCCBRK work on the file. After a change the
 *   port's termios are set again, unchanged: the board's side is in packet mode with EXTPROC, and
 * is woken by that.
 * - TIOCEXCL and TIOCNXCL succeed without reaching the kernel: the board keeps the port open, so
 * the kernel's flag would outlive the program that set it and lock everybody else out.
 * - Other ioctls on such a port go to the kernel by system call, past any other preloaded library.
 * - lstat and readlink of /sys/class/tty/pts/N answer as for a port without a bus, which is all
 *   that libserialport asks for.
 *
 * Limits: programs that are static, or setuid, or make system calls by themselves are not reached.
 * Opening a port does not raise the lines and closing it does not drop them. */
#include "tests/board/modem.h"

#include <asm/termbits.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>

enum { FIRST_PTY_MAJOR = 136, LAST_PTY_MAJOR = 143 };
#define EXPORT __attribute__((visibility("default")))
#define SYSFS  "/sys/class/tty/pts/"

static struct modem_file *map_file(unsigned number)
{
    char path[600];
    struct stat st;
    modem_path(path, sizeof path, number);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return NULL;
    void *map = MAP_FAILED;
    if (fstat(fd, &st) == 0 && st.st_size == (off_t)sizeof(struct modem_file))
        map = mmap(NULL, sizeof(struct modem_file), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (map == MAP_FAILED) return NULL;
    struct modem_file *m = map;
    bool dead = kill(m->board_pid, 0) != 0 && errno == ESRCH;
    if (m->magic == MODEM_MAGIC && !dead) return m;
    munmap(map, sizeof *m);
    return NULL;
}

/* The line file of an open port; NULL for anything else. errno is kept. */
static struct modem_file *map_fd(int fd)
{
    int saved = errno;
    struct stat st;
    struct modem_file *m = NULL;
    if (fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && major(st.st_rdev) >= FIRST_PTY_MAJOR &&
        major(st.st_rdev) <= LAST_PTY_MAJOR)
        m = map_file((major(st.st_rdev) - FIRST_PTY_MAJOR) * 256 + minor(st.st_rdev));
    errno = saved;
    return m;
}

static long raw_ioctl(int fd, unsigned long request, void *arg)
{
    return syscall(SYS_ioctl, fd, request, arg);
}

/* @return -1 with errno EIO after a hang-up, as any call on a port that is gone. */
static int wake_board(int fd, const struct termios2 *t)
{
    struct termios2 again = *t;
    again.c_lflag |= EXTPROC;
    return (int)raw_ioctl(fd, TCSETS2, &again);
}

/* Puts an edge into the ring when (lines & keep) | set is a change. */
static int change_lines(int fd, struct modem_file *m, uint32_t keep, uint32_t set)
{
    struct termios2 t;
    if (raw_ioctl(fd, TCGETS2, &t) != 0) return -1;
    uint64_t old = atomic_load(&m->state);
    uint64_t fresh;
    do {
        uint32_t lines = (uint32_t)(old & 0xff);
        uint32_t next = (lines & keep) | set;
        if (next == lines) return 0;
        fresh = (((old >> 8) + 1) << 8) | next;
    } while (!atomic_compare_exchange_weak(&m->state, &old, fresh));
    struct modem_edge *e = &m->ring[(old >> 8) % MODEM_RING];
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    e->at_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    e->lines = (uint32_t)(fresh & 0xff);
    e->baud = t.c_ospeed;
    atomic_store(&e->ready, fresh >> 8);
    return wake_board(fd, &t);
}

static uint32_t to_lines(int bits)
{
    return (bits & TIOCM_DTR ? (uint32_t)MODEM_DTR : 0) |
           (bits & TIOCM_RTS ? (uint32_t)MODEM_RTS : 0);
}

static int get_lines(int fd, struct modem_file *m, int *out)
{
    struct termios2 t;
    if (raw_ioctl(fd, TCGETS2, &t) != 0) return -1;
    uint64_t lines = atomic_load(&m->state);
    *out = (int)atomic_load(&m->inputs) | (lines & MODEM_DTR ? TIOCM_DTR : 0) |
           (lines & MODEM_RTS ? TIOCM_RTS : 0);
    return 0;
}

static int modem_ioctl(int fd, struct modem_file *m, unsigned long request, void *arg)
{
    const uint32_t both = MODEM_DTR | MODEM_RTS;
    const uint32_t all = both | MODEM_BREAK;
    switch (request) {
    case TIOCMGET:
        return get_lines(fd, m, arg);
    case TIOCMSET:
        return change_lines(fd, m, all & ~both, to_lines(*(int *)arg));
    case TIOCMBIS:
        return change_lines(fd, m, all, to_lines(*(int *)arg));
    case TIOCMBIC:
        return change_lines(fd, m, all & ~to_lines(*(int *)arg), 0);
    case TIOCSBRK:
        return change_lines(fd, m, all, MODEM_BREAK);
    case TIOCCBRK:
        return change_lines(fd, m, both, 0);
    case TIOCEXCL:
    case TIOCNXCL:
        return 0;
    default:
        return (int)raw_ioctl(fd, request, arg);
    }
}

EXPORT int ioctl(int fd, unsigned long request, ...)
{
    va_list args;
    va_start(args, request);
    void *arg = va_arg(args, void *);
    va_end(args);
    struct modem_file *m = map_fd(fd);
    if (m) {
        int rc = modem_ioctl(fd, m, request, arg);
        int saved = errno;
        munmap(m, sizeof *m);
        errno = saved;
        return rc;
    }
    int (*next)(int, unsigned long, ...) = NULL;
    *(void **)&next = dlsym(RTLD_NEXT, "ioctl");
    return next ? next(fd, request, arg) : (int)raw_ioctl(fd, request, arg);
}

/* Is @p path the sysfs link of a board's port? */
static bool is_board_link(const char *path)
{
    const size_t prefix = sizeof SYSFS - 1;
    if (!path || strncmp(path, SYSFS, prefix) != 0) return false;
    char *end = NULL;
    unsigned long number = strtoul(path + prefix, &end, 10);
    if (end == path + prefix || *end != '\0') return false;
    int saved = errno;
    struct modem_file *m = map_file((unsigned)number);
    if (m) munmap(m, sizeof *m);
    errno = saved;
    return m != NULL;
}

static int fake_stat(struct stat *st, mode_t mode)
{
    memset(st, 0, sizeof *st);
    st->st_mode = mode;
    st->st_nlink = 1;
    return 0;
}

static int next_stat(const char *name, const char *path, struct stat *st)
{
    int (*next)(const char *, struct stat *) = NULL;
    *(void **)&next = dlsym(RTLD_NEXT, name);
    if (next) return next(path, st);
    errno = ENOSYS;
    return -1;
}

EXPORT int lstat(const char *restrict path, struct stat *restrict st)
{
    return is_board_link(path) ? fake_stat(st, S_IFLNK | 0777) : next_stat("lstat", path, st);
}

EXPORT int stat(const char *restrict path, struct stat *restrict st)
{
    return is_board_link(path) ? fake_stat(st, S_IFDIR | 0755) : next_stat("stat", path, st);
}

/* What programs that were built against an older C library call instead. */
EXPORT int __lxstat(int version, const char *path, struct stat *st);
EXPORT int __lxstat(int version, const char *path, struct stat *st)
{
    if (is_board_link(path)) return fake_stat(st, S_IFLNK | 0777);
    int (*next)(int, const char *, struct stat *) = NULL;
    *(void **)&next = dlsym(RTLD_NEXT, "__lxstat");
    if (next) return next(version, path, st);
    errno = ENOSYS;
    return -1;
}

/* Without the words "usb", "bluetooth" and "virtual", which would lead a client further. */
static ssize_t link_target(char *out, size_t n)
{
    static const char target[] = "../../devices/platform/board/tty/pts";
    size_t len = sizeof target - 1 < n ? sizeof target - 1 : n;
    memcpy(out, target, len);
    return (ssize_t)len;
}

EXPORT ssize_t readlink(const char *restrict path, char *restrict out, size_t n)
{
    if (is_board_link(path)) return link_target(out, n);
    ssize_t (*next)(const char *, char *, size_t) = NULL;
    *(void **)&next = dlsym(RTLD_NEXT, "readlink");
    return next ? next(path, out, n) : (ssize_t)syscall(SYS_readlinkat, AT_FDCWD, path, out, n);
}

EXPORT ssize_t readlinkat(int dir, const char *restrict path, char *restrict out, size_t n)
{
    if (is_board_link(path)) return link_target(out, n);
    ssize_t (*next)(int, const char *, char *, size_t) = NULL;
    *(void **)&next = dlsym(RTLD_NEXT, "readlinkat");
    return next ? next(dir, path, out, n) : (ssize_t)syscall(SYS_readlinkat, dir, path, out, n);
}

EXPORT ssize_t __readlink_chk(const char *path, char *out, size_t n, size_t room);
EXPORT ssize_t __readlink_chk(const char *path, char *out, size_t n, size_t room)
{
    return n <= room ? readlink(path, out, n) : -1;
}
