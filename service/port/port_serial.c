/* libserialport finds, opens and configures the port; waiting is our own poll(). Its blocking calls
 * cannot be cancelled, take a hang-up for silence, and abort the process when the descriptor is
 * 1024 or more.
 *
 * Opening order. A descriptor of our own comes first: it carries the lock, so that nothing of a
 * port that another program works with is touched before we know that it is ours. A real port is
 * made exclusive too; a pseudo-terminal is not, because its other side keeps it, and so the flag,
 * when we are killed, and would lock us out for ever. Then libserialport opens the port and one
 * tcsetattr() gives 8N1 without flow control (0.1.1 looks for CRTSCTS in the wrong flag word and so
 * never switches it off) and clears HUPCL, which sp_open() sets: with it, every close would pull
 * the lines and might reset a board that is in service.
 *
 * Lines. A change of DTR and RTS together is one TIOCMSET: two calls would pass through a state
 * that the auto-reset circuit takes for something else. Each of libserialport's configuration
 * calls writes the lines as it last read them, so they are set again after each. */
#include "service/port/port_serial.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libserialport.h>
#include <linux/serial.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include "service/port/holder.h"
#include "service/port/identity.h"

struct serial {
    struct port port; /* first: recovered by cast */
    struct sp_port *sp;
    int fd;      /* libserialport's */
    int lock_fd; /* ours, holds the lock */
    bool opened, exclusive, pseudo;
    bool dtr, rts;        /* as last set */
    int64_t wire_free_ns; /* when all that was written has left, by computation */
};

static bool is_gone(int error)
{
    return error == EIO || error == ENXIO || error == ENODEV || error == EBADF;
}

/* What a call said that failed with errno. */
static enum err failed(const struct serial *s, const char *doing)
{
    int error = errno;
    if (is_gone(error)) return port_say_gone(&s->port);
    return err_set(ERR_IO, "%s: %s: %s", s->port.name, doing, strerror(error));
}

/* Wait until the port is ready for @p events. At least one look is taken, also when the deadline
 * has passed. */
static enum err wait_for(struct serial *s, short events, struct deadline until)
{
    struct cancel *c = s->port.cancel;
    for (;;) {
        struct pollfd fds[] = {{s->fd, events, 0}, {c ? c->fd : -1, POLLIN, 0}};
        int left = deadline_left_ms(until);
        if (poll(fds, 2, left) < 0 && errno != EINTR) return failed(s, "poll");
        if (cancel_is_raised(c)) return err_set(ERR_CANCELLED, "cancelled");
        if (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL)) return port_say_gone(&s->port);
        if (fds[0].revents & events) return ERR_OK;
        if (!left) return err_set(ERR_TIMEOUT, "%s: nothing in time", s->port.name);
    }
}

static enum err serial_read(struct port *p, void *out, size_t cap, struct deadline until,
                            size_t *n_out)
{
    struct serial *s = (struct serial *)p;
    enum err e = wait_for(s, POLLIN, until);
    if (e) return e;
    int n = sp_nonblocking_read(s->sp, out, cap);
    if (n < 0) return failed(s, "read");
    if (n == 0) return port_say_gone(p); /* readable but empty: a hang-up */
    *n_out = (size_t)n;
    return ERR_OK;
}

static enum err serial_write_all(struct port *p, const void *data, size_t n, struct deadline until)
{
    struct serial *s = (struct serial *)p;
    const uint8_t *next = data;
    int64_t now = deadline_now_ns();
    if (s->wire_free_ns < now) s->wire_free_ns = now;
    s->wire_free_ns += (int64_t)n * 10 * 1000000000 / p->baud;
    for (size_t left = n; left;) {
        enum err e = wait_for(s, POLLOUT, until);
        if (e) return e;
        int sent = sp_nonblocking_write(s->sp, next, left);
        if (sent < 0) return failed(s, "write");
        next += sent;
        left -= (size_t)sent;
    }
    return ERR_OK;
}

static enum err serial_set_lines(struct port *p, bool dtr, bool rts)
{
    struct serial *s = (struct serial *)p;
    int bits = 0;
    s->dtr = dtr;
    s->rts = rts;
    int rc = ioctl(s->fd, TIOCMGET, &bits);
    if (rc == 0) {
        bits &= ~(TIOCM_DTR | TIOCM_RTS);
        bits |= (dtr ? TIOCM_DTR : 0) | (rts ? TIOCM_RTS : 0);
        rc = ioctl(s->fd, TIOCMSET, &bits);
    }
    if (rc == 0) return ERR_OK;
    if (errno == ENOTTY || errno == EINVAL)
        return err_fail(ERR_UNSUPPORTED, "port_no_lines",
                        "Use a port with DTR and RTS, or set the slot's reset to \"none\" and put "
                        "the board into its loader by hand: hold BOOT, tap EN.",
                        "%s has no DTR and RTS lines", p->name);
    return failed(s, "DTR and RTS");
}

/* The lines again as they were; a port without lines is fine here. */
static enum err restore_lines(struct serial *s)
{
    enum err e = serial_set_lines(&s->port, s->dtr, s->rts);
    return e == ERR_UNSUPPORTED ? ERR_OK : e;
}

static enum err serial_set_baud(struct port *p, uint32_t baud)
{
    struct serial *s = (struct serial *)p;
    enum sp_return rc = sp_set_baudrate(s->sp, (int)baud);
    if (rc != SP_OK) {
        if (rc == SP_ERR_FAIL && is_gone(errno)) return port_say_gone(p);
        return err_set(ERR_UNSUPPORTED, "%s does not take %u baud", p->name, (unsigned)baud);
    }
    return restore_lines(s);
}

static enum err serial_flush_input(struct port *p)
{
    struct serial *s = (struct serial *)p;
    return sp_flush(s->sp, SP_BUF_INPUT) == SP_OK ? ERR_OK : failed(s, "flush");
}

/* sp_drain() is tcdrain(): without a deadline, deaf to cancel. So the kernel's count of unsent
 * bytes is watched, and beside it the time that the bytes need on the wire, since an adapter that
 * buffers them reports none. */
static enum err serial_drain(struct port *p, struct deadline until)
{
    struct serial *s = (struct serial *)p;
    for (;;) {
        int unsent = 0;
        if (ioctl(s->fd, TIOCOUTQ, &unsent) < 0) return failed(s, "drain");
        struct deadline free_at = {s->wire_free_ns};
        if (!unsent && deadline_passed(free_at)) return ERR_OK;
        if (deadline_passed(until))
            return err_set(ERR_TIMEOUT, "%s: %d bytes are still not sent", p->name, unsent);
        if (unsent) free_at = deadline_in_ms(2);
        enum err e = cancel_wait(p->cancel, deadline_min(free_at, until));
        if (e) return e;
    }
}

static void shut(struct serial *s)
{
    if (s->opened) {
        if (s->exclusive) ioctl(s->fd, TIOCNXCL);
        /* Else the kernel waits up to 30 s for a device that does not take what was written. */
        sp_flush(s->sp, SP_BUF_BOTH);
        sp_close(s->sp);
    }
    if (s->sp) sp_free_port(s->sp);
    if (s->lock_fd >= 0) close(s->lock_fd);
    s->sp = NULL;
    s->fd = s->lock_fd = -1;
    s->opened = s->exclusive = s->pseudo = false;
}

static void serial_close(struct port *p)
{
    struct serial *s = (struct serial *)p;
    shut(s);
    free(s);
}

static enum err not_found(const char *path, const char *why)
{
    return err_fail(ERR_NOT_FOUND, "port_not_found",
                    "Plug the adapter in, and look at the list of ports for its present name.",
                    "there is no serial port %s: %s", path, why);
}

static enum err busy(const char *path, const char *device)
{
    char who[128];
    return err_fail(ERR_BUSY, "port_busy",
                    "Close the program that uses it (a serial monitor, ModemManager, another "
                    "espgate), then try again.",
                    "%s is in use by %s", path, holder_name(device, who, sizeof who));
}

static enum err denied(const char *path, const char *device)
{
    struct stat st;
    struct group g, *found = NULL;
    char names[2048];
    if (stat(device, &st) == 0) getgrgid_r(st.st_gid, &g, names, sizeof names, &found);
    return err_fail(ERR_IO, "port_denied",
                    "Add the user that runs espgate to the group that owns the port, on Debian "
                    "\"dialout\": sudo usermod -aG dialout USER, then log in again.",
                    "no permission to open %s (group %s)", path,
                    found ? found->gr_name : "unknown");
}

static enum err open_failed(const char *path, const char *device, int error)
{
    if (error == EACCES || error == EPERM) return denied(path, device);
    if (error == EBUSY) return busy(path, device);
    if (error == ENOENT || error == ENXIO || error == ENODEV || error == ENOTDIR || error == ELOOP)
        return not_found(path, strerror(error));
    return err_fail(ERR_IO, "port_open", NULL, "cannot open %s: %s", path,
                    error == ENOTTY ? "it has no modem lines" : strerror(error));
}

static bool is_pseudo_terminal(const struct stat *st)
{
    return major(st->st_rdev) >= 136 && major(st->st_rdev) <= 143; /* fixed numbers of Linux */
}

/* Make sure that nobody else has the port, by the two customs there are. */
static enum err lock_port(struct serial *s, const char *device)
{
    const char *path = s->port.name;
    s->lock_fd = open(device, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (s->lock_fd < 0) return open_failed(path, device, errno);
    struct stat st;
    if (fstat(s->lock_fd, &st) < 0 || !S_ISCHR(st.st_mode) || !isatty(s->lock_fd))
        return not_found(path, "it is not a terminal");
    s->pseudo = is_pseudo_terminal(&st);
    int exclusive = 0;
    if (flock(s->lock_fd, LOCK_EX | LOCK_NB) < 0) return busy(path, device);
    /* Root's open() succeeds on a port that another program made exclusive. */
    if (ioctl(s->lock_fd, TIOCGEXCL, &exclusive) == 0 && exclusive) return busy(path, device);
    return ERR_OK;
}

/* An FTDI adapter holds input back for 16 ms unless told not to; others do not mind. */
static void ask_low_latency(int fd)
{
    struct serial_struct ss = {0};
    if (ioctl(fd, TIOCGSERIAL, &ss) < 0) return;
    ss.flags = (int)((unsigned)ss.flags | ASYNC_LOW_LATENCY);
    (void)ioctl(fd, TIOCSSERIAL, &ss); /* a wish: without it only slower */
}

static enum err configure(struct serial *s)
{
    struct termios t;
    int flags = fcntl(s->fd, F_GETFD);
    if (flags < 0 || fcntl(s->fd, F_SETFD, flags | FD_CLOEXEC) < 0)
        return failed(s, "close-on-exec");
    if (tcgetattr(s->fd, &t) < 0) return failed(s, "settings");
    t.c_iflag &= ~(tcflag_t)(IXON | IXOFF | IXANY | INPCK);
    t.c_cflag &= ~(tcflag_t)(HUPCL | CRTSCTS | PARENB | CSTOPB | CSIZE);
    t.c_cflag |= CS8 | CLOCAL | CREAD;
    if (tcsetattr(s->fd, TCSANOW, &t) < 0) return failed(s, "settings");
    ask_low_latency(s->fd);
    return port_set_baud(&s->port, s->port.baud); /* puts both lines at rest, too */
}

/* What its lines have to look like at rest depends on it, so it comes before they are set. */
static void note_usb(struct serial *s)
{
    struct port *p = &s->port;
    if (sp_get_port_usb_vid_pid(s->sp, &p->usb_vid, &p->usb_pid) != SP_OK)
        p->usb_vid = p->usb_pid = -1;
    const struct bridge *b = identity_bridge(p->usb_vid, p->usb_pid);
    p->native_usb =
        p->native_usb || b->kind == BRIDGE_NATIVE; /* it may have been learned otherwise */
    p->holds_dtr = b->kind == BRIDGE_HOLDS_DTR;
    s->dtr = p->holds_dtr;
    s->rts = false;
}

static enum err open_device(struct serial *s, const char *device)
{
    const char *path = s->port.name;
    enum err e = lock_port(s, device);
    if (e) return e;
    enum sp_return rc = sp_get_port_by_name(device, &s->sp);
    if (rc == SP_ERR_MEM) return err_set(ERR_MEM, "out of memory");
    if (rc != SP_OK)
        return err_fail(ERR_IO, "port_open", NULL, "%s is a terminal, but no serial port", path);
    note_usb(s);
    rc = sp_open(s->sp, SP_MODE_READ_WRITE);
    if (rc == SP_ERR_FAIL) return open_failed(path, device, errno);
    if (rc != SP_OK)
        return err_fail(ERR_IO, "port_open", NULL, "cannot open %s as a serial port", path);
    s->opened = true;
    if (sp_get_port_handle(s->sp, &s->fd) != SP_OK)
        return err_set(ERR_INTERNAL, "%s: no descriptor", path);
    e = configure(s);
    if (e || s->pseudo) return e;
    s->exclusive = ioctl(s->fd, TIOCEXCL) == 0; /* for those that do not look at locks */
    return ERR_OK;
}

/* libserialport 0.1.1 knows devices only by their kernel names: links are resolved here. */
static enum err open_path(struct serial *s)
{
    const char *path = s->port.name;
    char *device = realpath(path, NULL);
    if (!device) return open_failed(path, path, errno);
    enum err e = open_device(s, device);
    free(device);
    return e;
}

static enum err serial_reopen(struct port *p)
{
    struct serial *s = (struct serial *)p;
    shut(s);
    enum err e = open_path(s);
    if (e) shut(s);
    return e;
}

static const struct port_ops serial_ops = {
    .read = serial_read,
    .write_all = serial_write_all,
    .set_baud = serial_set_baud,
    .set_lines = serial_set_lines,
    .flush_input = serial_flush_input,
    .drain = serial_drain,
    .reopen = serial_reopen,
    .close = serial_close,
};

enum err port_serial_open(const char *path, uint32_t baud, struct port **p_out)
{
    *p_out = NULL;
    struct serial *s = calloc(1, sizeof *s);
    if (!s) return err_set(ERR_MEM, "out of memory");
    s->fd = s->lock_fd = -1;
    s->port.ops = &serial_ops;
    s->port.baud = baud;
    snprintf(s->port.name, sizeof s->port.name, "%s", path);
    enum err e = open_path(s);
    if (e)
        serial_close(&s->port);
    else
        *p_out = &s->port;
    return e;
}
