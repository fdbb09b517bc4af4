/* pty: packet mode with EXTPROC makes every termios call of the host arrive as a control byte
 * (0x40), also one that changes nothing: the shim uses that to say "look at the lines". This file
 * talks termios2 and therefore stays away from <termios.h>. */
#include "tests/board/pty.h"

#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/board/modem.h"

enum { DEFAULT_BAUD = 115200, CHUNK_BYTES = 4096 };

static bool set_raw(int slave)
{
    struct termios2 t;
    if (ioctl(slave, TCGETS2, &t) != 0) return false;
    t.c_iflag = 0;
    t.c_oflag = 0;
    t.c_lflag = EXTPROC;
    t.c_cflag = CS8 | CREAD | CLOCAL | BOTHER | (BOTHER << IBSHIFT);
    t.c_ispeed = t.c_ospeed = DEFAULT_BAUD;
    t.c_cc[VMIN] = 1;
    t.c_cc[VTIME] = 0;
    return ioctl(slave, TCSETS2, &t) == 0;
}

static bool open_pair(struct pty *p)
{
    const int packet = 1;
    p->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (p->master < 0 || grantpt(p->master) != 0 || unlockpt(p->master) != 0 ||
        ptsname_r(p->master, p->slave_path, sizeof p->slave_path) != 0)
        return false;
    p->slave = open(p->slave_path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    return p->slave >= 0 && set_raw(p->slave) && ioctl(p->master, TIOCPKT, &packet) == 0;
}

/* A folder in /tmp that somebody else made could feed the board false line changes. */
static bool make_modem_dir(void)
{
    char dir[512];
    modem_dir(dir, sizeof dir);
    struct stat st;
    if (mkdir(dir, 0700) != 0 && errno != EEXIST) return false;
    if (lstat(dir, &st) != 0) return false;
    if (S_ISDIR(st.st_mode) && st.st_uid == geteuid()) return true;
    errno = EPERM;
    return false;
}

static bool make_modem_file(struct pty *p)
{
    unsigned number = 0;
    if (!make_modem_dir() || ioctl(p->master, TIOCGPTN, &number) != 0) return false;
    char path[PATH_MAX];
    modem_path(path, sizeof path, number);
    unlink(path); /* of a board that was killed: its clients may still have it mapped */
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return false;
    memcpy(p->modem_path, path, sizeof path);
    void *map = MAP_FAILED;
    if (ftruncate(fd, sizeof(struct modem_file)) == 0)
        map = mmap(NULL, sizeof(struct modem_file), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (map == MAP_FAILED) return false;
    p->modem = map;
    p->modem->board_pid = getpid();
    atomic_store(&p->modem->inputs, TIOCM_CTS | TIOCM_DSR | TIOCM_CAR);
    /* As the kernel leaves a real port that has just been opened: both asserted. */
    atomic_store(&p->modem->state, MODEM_DTR | MODEM_RTS);
    p->modem->magic = MODEM_MAGIC;
    return true;
}

/* Does a board that is alive stand behind this link? That another one now has the terminal of a
 * board that was killed does not count: the link is not its own. */
static bool is_in_use(const char *link, const struct stat *st)
{
    char target[PATH_MAX], path[PATH_MAX];
    unsigned number;
    ssize_t n = readlink(link, target, sizeof target - 1);
    if (n < 0) return false;
    target[n] = '\0';
    if (sscanf(target, "/dev/pts/%u", &number) != 1) return false; // NOLINT(cert-err34-c): our own
    modem_path(path, sizeof path, number);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    struct modem_file m;
    n = read(fd, &m, sizeof m);
    close(fd);
    return n == (ssize_t)sizeof m && m.magic == MODEM_MAGIC && m.link_device == st->st_dev &&
           m.link_inode == st->st_ino && (kill(m.board_pid, 0) == 0 || errno != ESRCH);
}

static bool make_link(struct pty *p, const char *link)
{
    char fresh[PATH_MAX];
    struct stat st;
    if (lstat(link, &st) == 0 && (!S_ISLNK(st.st_mode) || is_in_use(link, &st))) {
        errno = S_ISLNK(st.st_mode) ? EBUSY : EEXIST;
        return false;
    }
    int n = snprintf(fresh, sizeof fresh, "%s.%d", link, (int)getpid());
    if (n < 0 || (size_t)n >= sizeof fresh) {
        errno = ENAMETOOLONG;
        return false;
    }
    if (symlink(p->slave_path, fresh) != 0) return false;
    if (rename(fresh, link) != 0) {
        unlink(fresh);
        return false;
    }
    memcpy(p->link, link, strlen(link) + 1);
    if (lstat(link, &st) != 0) return false;
    p->modem->link_device = st.st_dev;
    p->modem->link_inode = st.st_ino;
    return true;
}

bool pty_make(struct pty *p)
{
    memset(p, 0, sizeof *p);
    p->master = p->slave = -1;
    if (open_pair(p)) return true;
    fprintf(stderr, "espboard: no pseudo-terminal: %s\n", strerror(errno));
    pty_close(p);
    return false;
}

bool pty_show(struct pty *p, const char *link)
{
    if (make_modem_file(p) && make_link(p, link)) return true;
    fprintf(stderr, "espboard: port %s: %s\n", link,
            errno == EBUSY ? "in use by another board" : strerror(errno));
    pty_close(p);
    return false;
}

void pty_close(struct pty *p)
{
    char target[PATH_MAX];
    ssize_t n = p->link[0] ? readlink(p->link, target, sizeof target - 1) : -1;
    if (n > 0) {
        target[n] = '\0';
        if (strcmp(target, p->slave_path) == 0) /* else another board has taken the name over */
            unlink(p->link);
    }
    if (p->modem_path[0]) unlink(p->modem_path);
    if (p->modem) munmap(p->modem, sizeof *p->modem);
    if (p->slave >= 0) close(p->slave);
    if (p->master >= 0) close(p->master);
    memset(p, 0, sizeof *p);
    p->master = p->slave = -1;
}

uint32_t pty_host_baud(const struct pty *p)
{
    struct termios2 t;
    return ioctl(p->master, TCGETS2, &t) == 0 ? t.c_ospeed : 0;
}

ssize_t pty_read(struct pty *p, uint8_t *buf, size_t n)
{
    uint8_t packet[1 + CHUNK_BYTES];
    size_t want = n < CHUNK_BYTES ? n : CHUNK_BYTES;
    ssize_t got = read(p->master, packet, 1 + want);
    if (got <= 0) return -1;
    if (packet[0] != TIOCPKT_DATA) return 0;
    memcpy(buf, packet + 1, (size_t)got - 1);
    return got > 1 ? got - 1 : -1;
}

size_t pty_write(struct pty *p, const uint8_t *data, size_t n)
{
    ssize_t done = write(p->master, data, n);
    return done > 0 ? (size_t)done : 0;
}

bool pty_next_edge(struct pty *p, struct pty_edge *out)
{
    uint64_t count = atomic_load(&p->modem->state) >> 8;
    if (count - p->edges_seen > MODEM_RING)
        p->edges_seen = count - MODEM_RING; /* the older ones are overwritten */
    while (p->edges_seen < count) {
        const struct modem_edge *e = &p->modem->ring[p->edges_seen % MODEM_RING];
        uint64_t ready = atomic_load(&e->ready);
        if (ready < p->edges_seen + 1)
            return false; /* being written: its writer wakes us once it is there */
        p->edges_seen++;
        if (ready != p->edges_seen) continue;
        out->dtr = e->lines & MODEM_DTR;
        out->rts = e->lines & MODEM_RTS;
        out->at_ns = e->at_ns;
        return true;
    }
    return false;
}
