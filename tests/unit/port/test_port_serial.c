/* The real backend on pseudo-terminals. A pseudo-terminal has no DTR and RTS and is not listed in
 * /sys, so this program puts its own ioctl(), readlink() and __lxstat() before the C library's, as
 * tests/board/shim does for whole programs: libserialport then works on it unchanged. */
#include "service/port/port_serial.h"

#include <asm/termbits.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* ---- the modem lines that a pseudo-terminal lacks ---- */

static struct {
    bool absent;     /* no TIOCMGET: as a bare pseudo-terminal */
    int refuse_set;  /* errno of TIOCMSET (ours; libserialport uses others), 0 = it works */
    int bits;        /* now */
    char story[512]; /* each change: "D1R0 " */
} modem;

static bool is_pty(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && major(st.st_rdev) >= 136 &&
           major(st.st_rdev) <= 143;
}

static int set_modem(int bits)
{
    size_t n = strlen(modem.story);
    if (bits != modem.bits && n + 6 < sizeof modem.story)
        snprintf(modem.story + n, sizeof modem.story - n, "D%dR%d ", !!(bits & TIOCM_DTR),
                 !!(bits & TIOCM_RTS));
    modem.bits = bits;
    return 0;
}

int ioctl(int fd, unsigned long request, ...)
{
    va_list ap;
    va_start(ap, request);
    void *arg = va_arg(ap, void *);
    va_end(ap);
    if (is_pty(fd) && !modem.absent) switch (request) {
        case TIOCMGET:
            *(int *)arg = modem.bits;
            return 0;
        case TIOCMSET:
            errno = modem.refuse_set;
            return modem.refuse_set ? -1 : set_modem(*(int *)arg);
        case TIOCMBIS:
            return set_modem(modem.bits | *(int *)arg);
        case TIOCMBIC:
            return set_modem(modem.bits & ~*(int *)arg);
        default:
            break;
        }
    return (int)syscall(SYS_ioctl, fd, request, arg);
}

static bool is_sys_pty(const char *path)
{
    return !strncmp(path, "/sys/class/tty/pts/", 19);
}

ssize_t readlink(const char *path, char *out, size_t cap)
{
    static const char target[] = "../../devices/test/tty";
    if (!is_sys_pty(path)) return syscall(SYS_readlinkat, AT_FDCWD, path, out, cap);
    size_t n = sizeof target - 1 < cap ? sizeof target - 1 : cap;
    memcpy(out, target, n);
    return (ssize_t)n;
}

int __lxstat(int version, const char *path, struct stat *st);
int __lxstat(int version, const char *path, struct stat *st)
{
    (void)version;
    if (!is_sys_pty(path)) return lstat(path, st);
    memset(st, 0, sizeof *st);
    st->st_mode = S_IFLNK | 0777;
    return 0;
}

/* ---- one pseudo-terminal, its link, and a port on it ---- */

static int master, slave;
static char dir[32], link_path[64], device[64];
static struct port *port;
static struct cancel cancel;

static int set_up(void **state)
{
    (void)state;
    memset(&modem, 0, sizeof modem);
    modem.bits = TIOCM_DTR | TIOCM_RTS; /* as the kernel raises them on open */
    master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(master >= 0);
    assert_int_equal(grantpt(master) + unlockpt(master), 0);
    assert_int_equal(ptsname_r(master, device, sizeof device), 0);
    slave = open(device, O_RDWR | O_NOCTTY | O_CLOEXEC); /* kept, as the simulated board does */
    strcpy(dir, "/tmp/port-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(link_path, sizeof link_path, "%s/ttyESP", dir);
    assert_int_equal(symlink(device, link_path), 0);
    assert_int_equal(cancel_init(&cancel), ERR_OK);
    port = NULL;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    port_close(port);
    cancel_dispose(&cancel);
    if (master >= 0) close(master);
    close(slave);
    unlink(link_path);
    rmdir(dir);
    return 0;
}

static void open_port(void)
{
    enum err e = port_serial_open(link_path, 115200, &port);
    if (e) fail_msg("open: %s", err_last()->detail);
    port->cancel = &cancel;
}

static struct termios2 settings(void)
{
    struct termios2 t;
    assert_int_equal(ioctl(master, TCGETS2, &t), 0);
    return t;
}

static void expect(enum err e, const char *code, const char *said)
{
    assert_int_equal(port_serial_open(link_path, 115200, &port), e);
    assert_null(port);
    assert_string_equal(err_last()->code, code);
    if (!strstr(err_last()->detail, said)) fail_msg("not said: %s", err_last()->detail);
}

/* ---- opening ---- */

static void a_link_is_opened_8n1_without_flow_control(void **state)
{
    (void)state;
    struct termios2 t = settings();
    t.c_cflag |= CRTSCTS | PARENB | CSTOPB;
    t.c_iflag |= IXON | IXOFF;
    assert_int_equal(ioctl(slave, TCSETS2, &t), 0);
    open_port();
    t = settings();
    assert_string_equal(port->name, link_path);
    assert_int_equal(t.c_ospeed, 115200);
    assert_int_equal(t.c_cflag & (CSIZE | PARENB | CSTOPB | CRTSCTS), CS8);
    assert_int_equal(t.c_iflag & (IXON | IXOFF | IXANY | ICRNL), 0);
    assert_int_equal(t.c_lflag & (ICANON | ECHO | ISIG), 0);
}

static void closing_never_pulls_the_lines(void **state)
{
    (void)state;
    open_port();
    assert_int_equal(settings().c_cflag & HUPCL, 0);
    assert_int_equal(port_set_baud(port, 921600), ERR_OK);
    assert_int_equal(settings().c_cflag & HUPCL, 0);
    modem.story[0] = '\0';
    port_close(port);
    port = NULL;
    assert_string_equal(modem.story, "");
}

static void both_lines_are_released_in_one_step(void **state)
{
    (void)state;
    open_port();
    assert_string_equal(modem.story, "D0R0 ");
    assert_int_equal(port_set_lines(port, true, true), ERR_OK);
    assert_int_equal(port_set_lines(port, false, true), ERR_OK);
    assert_int_equal(port_set_lines(port, true, false), ERR_OK);
    assert_string_equal(modem.story, "D0R0 D1R1 D0R1 D1R0 ");
}

static void a_new_speed_keeps_the_lines(void **state)
{
    (void)state;
    static const uint32_t speeds[] = {300, 74880, 230400, 921600, 1234567, 4000000};
    open_port();
    assert_int_equal(port_set_lines(port, true, false), ERR_OK);
    modem.story[0] = '\0';
    for (size_t i = 0; i < sizeof speeds / sizeof speeds[0]; i++) {
        assert_int_equal(port_set_baud(port, speeds[i]), ERR_OK);
        assert_int_equal(settings().c_ospeed, speeds[i]);
        assert_int_equal(port->baud, speeds[i]);
    }
    assert_int_equal(modem.bits & (TIOCM_DTR | TIOCM_RTS), TIOCM_DTR);
    assert_string_equal(modem.story, "");
}

static void no_descriptor_is_inherited(void **state)
{
    (void)state;
    open_port();
    unsigned found = 0;
    for (int fd = 3; fd < 256; fd++) {
        struct stat st, ours;
        if (fd == master || fd == slave || fstat(fd, &st) < 0 || stat(device, &ours) < 0) continue;
        if (st.st_rdev != ours.st_rdev) continue;
        found++;
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    }
    assert_int_equal(found, 2); /* libserialport's, and the one that holds the lock */
}

static void a_port_that_is_not_there_is_told(void **state)
{
    (void)state;
    unlink(link_path);
    expect(ERR_NOT_FOUND, "port_not_found", "ttyESP");
    assert_string_not_equal(err_last()->hint, "");
    assert_int_equal(symlink("/proc/self/comm", link_path), 0); /* writable for everybody */
    expect(ERR_NOT_FOUND, "port_not_found", "not a terminal");
    unlink(link_path);
    assert_int_equal(symlink("/dev/null", link_path), 0);
    expect(ERR_NOT_FOUND, "port_not_found", "not a terminal");
    unlink(link_path);
    assert_int_equal(symlink("ttyESP", link_path), 0);
    expect(ERR_NOT_FOUND, "port_not_found", "ttyESP");
}

static void a_terminal_that_is_no_serial_port_is_told(void **state)
{
    (void)state;
    modem.absent = true;
    expect(ERR_IO, "port_open", "ttyESP");
}

/* Root may do anything, so it becomes another for a moment. */
static void a_port_without_permission_is_told_with_its_group(void **state)
{
    (void)state;
    bool root = geteuid() == 0;
    assert_int_equal(chmod(dir, 0755) + chmod(device, 0), 0);
    if (root) assert_int_equal(seteuid(65534), 0);
    enum err e = port_serial_open(link_path, 115200, &port);
    struct err_info why = *err_last();
    if (root) assert_int_equal(seteuid(0), 0);
    assert_int_equal(e, ERR_IO);
    assert_string_equal(why.code, "port_denied");
    assert_non_null(strstr(why.detail, "group"));
    assert_non_null(strstr(why.hint, "dialout"));
}

/* ---- whose it is ---- */

/* A child that has the port locked, until it is told to end. */
static pid_t hold(int *stop_fd)
{
    int ready[2], stop[2];
    char c;
    assert_int_equal(pipe(ready) + pipe(stop), 0);
    pid_t pid = fork();
    if (pid == 0) {
        int fd = open(device, O_RDWR | O_NOCTTY);
        close(stop[1]);
        if (flock(fd, LOCK_EX) < 0 || write(ready[1], "r", 1) < 0) _exit(1);
        while (read(stop[0], &c, 1) < 0 && errno == EINTR)
            ;
        _exit(0);
    }
    close(stop[0]);
    close(ready[1]);
    assert_int_equal(read(ready[0], &c, 1), 1);
    close(ready[0]);
    *stop_fd = stop[1];
    return pid;
}

static void a_busy_port_is_left_alone_and_its_holder_named(void **state)
{
    (void)state;
    int stop;
    char pid_text[32];
    pid_t pid = hold(&stop);
    struct termios2 before = settings();
    snprintf(pid_text, sizeof pid_text, "(pid %d)", (int)pid);
    expect(ERR_BUSY, "port_busy", pid_text);
    assert_non_null(strstr(err_last()->detail, "test_port_seria")); /* as /proc cuts it */
    assert_string_equal(modem.story, "");
    struct termios2 after = settings();
    assert_memory_equal(&before, &after, sizeof before);
    close(stop);
    waitpid(pid, NULL, 0);
    open_port(); /* free again */
}

static void a_port_that_is_exclusive_for_others_is_busy(void **state)
{
    (void)state;
    assert_int_equal(ioctl(slave, TIOCEXCL, NULL), 0);
    expect(ERR_BUSY, "port_busy", "in use");
    assert_int_equal(ioctl(slave, TIOCNXCL, NULL), 0);
}

/* Its other side keeps it, and the flag with it, when we are killed. */
static void a_pseudo_terminal_is_not_left_exclusive_by_a_crash(void **state)
{
    (void)state;
    int exclusive = 1;
    open_port();
    assert_int_equal(ioctl(slave, TIOCGEXCL, &exclusive), 0);
    assert_int_equal(exclusive, 0);
}

static void the_same_port_is_not_opened_twice(void **state)
{
    (void)state;
    struct port *second;
    open_port();
    assert_int_equal(port_serial_open(device, 115200, &second), ERR_BUSY);
    assert_null(second);
    port_close(port);
    open_port();
}

/* ---- bytes ---- */

static void reads_give_what_is_there(void **state)
{
    (void)state;
    char out[64];
    size_t n;
    open_port();
    assert_int_equal(write(master, "hello", 5), 5);
    assert_int_equal(port_read(port, out, sizeof out, deadline_in_ms(10000), &n), ERR_OK);
    assert_int_equal(n, 5);
    assert_memory_equal(out, "hello", 5);
    assert_int_equal(write(master, "late", 4), 4);
    assert_int_equal(port_read(port, out, sizeof out, deadline_in_ms(0), &n), ERR_OK);
    assert_int_equal(port_read(port, out, sizeof out, deadline_in_ms(5), &n), ERR_TIMEOUT);
    assert_int_equal(write(master, "stale", 5), 5);
    assert_int_equal(port_flush_input(port), ERR_OK);
    assert_int_equal(port_read(port, out, sizeof out, deadline_in_ms(0), &n), ERR_TIMEOUT);
}

static void *read_all(void *arg)
{
    size_t *total = arg;
    char chunk[4096];
    while (*total < 100000) {
        ssize_t n = read(master, chunk, sizeof chunk);
        if (n <= 0) break;
        for (ssize_t i = 0; i < n; i++, ++*total)
            if (chunk[i] != (char)(*total * 13)) return total;
    }
    return NULL;
}

static void more_than_the_kernel_holds_is_written_whole(void **state)
{
    (void)state;
    static char data[100000];
    size_t total = 0;
    pthread_t reader;
    void *complaint;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)(i * 13);
    open_port();
    assert_int_equal(pthread_create(&reader, NULL, read_all, &total), 0);
    assert_int_equal(port_write(port, data, sizeof data, deadline_in_ms(30000)), ERR_OK);
    assert_int_equal(pthread_join(reader, &complaint), 0);
    assert_null(complaint);
    assert_int_equal(total, sizeof data);
}

static void a_write_that_nobody_takes_ends_by_its_deadline(void **state)
{
    (void)state;
    static char data[100000];
    open_port();
    assert_int_equal(port_write(port, data, sizeof data, deadline_in_ms(30)), ERR_TIMEOUT);
}

static void *raise_soon(void *arg)
{
    cancel_wait(NULL, deadline_in_ms(20));
    cancel_raise(arg);
    return NULL;
}

static void cancel_wakes_a_read_and_a_write(void **state)
{
    (void)state;
    static char data[100000];
    size_t n;
    open_port();
    for (int writing = 0; writing < 2; writing++) {
        pthread_t t;
        assert_int_equal(pthread_create(&t, NULL, raise_soon, &cancel), 0);
        struct deadline far = deadline_in_ms(60000);
        enum err e = writing ? port_write(port, data, sizeof data, far)
                             : port_read(port, data, sizeof data, far, &n);
        assert_int_equal(e, ERR_CANCELLED);
        assert_false(deadline_passed(far));
        pthread_join(t, NULL);
        cancel_clear(&cancel);
    }
}

static void a_hang_up_is_told_at_once_and_costs_no_time(void **state)
{
    (void)state;
    char out[16];
    size_t n;
    open_port();
    close(master);
    master = -1;
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    struct deadline far = deadline_in_ms(60000);
    assert_int_equal(port_read(port, out, sizeof out, far, &n), ERR_PORT_GONE);
    assert_int_equal(port_write(port, "x", 1, far), ERR_PORT_GONE);
    assert_int_equal(port_drain(port, far), ERR_PORT_GONE);
    assert_int_equal(port_set_baud(port, 9600), ERR_PORT_GONE);
    assert_string_equal(err_last()->code, "port_gone");
    assert_string_not_equal(err_last()->hint, "");
    getrusage(RUSAGE_SELF, &after);
    assert_false(deadline_passed(far));
    assert_in_range(after.ru_utime.tv_sec - before.ru_utime.tv_sec, 0, 1);
}

/* ---- coming back ---- */

/* The board's side of a new pseudo-terminal, in place of the old one. */
static void replace_board(void)
{
    if (master >= 0) close(master);
    close(slave);
    master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(master >= 0);
    assert_int_equal(grantpt(master) + unlockpt(master), 0);
    assert_int_equal(ptsname_r(master, device, sizeof device), 0);
    slave = open(device, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

static void *link_soon(void *arg)
{
    cancel_wait(NULL, deadline_in_ms(20));
    assert_int_equal(symlink(arg, link_path), 0);
    return NULL;
}

static void a_port_that_comes_back_elsewhere_is_opened_as_it_was(void **state)
{
    (void)state;
    char out[8], old[sizeof device];
    size_t n;
    pthread_t t;
    struct port *second;
    open_port();
    assert_int_equal(port_set_baud(port, 921600), ERR_OK);
    assert_int_equal(port_set_lines(port, true, true), ERR_OK);
    assert_int_equal(port_write(port, "abc", 3, deadline_in_ms(10000)), ERR_OK);
    snprintf(old, sizeof old, "%s", device);
    replace_board();
    unlink(link_path);
    assert_string_not_equal(device, old);
    assert_int_equal(port_read(port, out, sizeof out, deadline_in_ms(10000), &n), ERR_PORT_GONE);
    assert_true(port->gone);
    modem.bits = TIOCM_DTR | TIOCM_RTS;
    assert_int_equal(pthread_create(&t, NULL, link_soon, device), 0);
    enum err e = port_reopen(port, deadline_in_ms(10000));
    if (e) fail_msg("%s", err_last()->detail);
    pthread_join(t, NULL);
    assert_false(port->gone);
    assert_int_equal(settings().c_ospeed, 921600);
    assert_int_equal(settings().c_cflag & HUPCL, 0);
    assert_int_equal(modem.bits & (TIOCM_DTR | TIOCM_RTS), 0);
    assert_int_equal(port_serial_open(device, 115200, &second), ERR_BUSY);
    assert_int_equal(write(master, "new", 3), 3);
    assert_int_equal(port_read(port, out, sizeof out, deadline_in_ms(10000), &n), ERR_OK);
    assert_memory_equal(out, "new", 3);
    assert_int_equal(port->bytes_out, 3);
    assert_int_equal(port->bytes_in, 3);
}

static void a_port_that_does_not_come_back_stays_gone(void **state)
{
    (void)state;
    open_port();
    close(master);
    master = -1;
    unlink(link_path);
    assert_int_equal(port_reopen(port, deadline_in_ms(60)), ERR_NOT_FOUND);
    assert_string_equal(err_last()->code, "port_not_found");
    assert_true(port->gone);
    assert_int_equal(port_set_lines(port, false, true), ERR_PORT_GONE);
    assert_int_equal(port_set_baud(port, 9600), ERR_PORT_GONE);
    assert_int_equal(port_flush_input(port), ERR_PORT_GONE);
    assert_string_equal(err_last()->code, "port_gone");
    /* Its link leads to the dead one: not to be opened either. */
    assert_int_equal(symlink(device, link_path), 0);
    assert_int_not_equal(port_reopen(port, deadline_in_ms(60)), ERR_OK);
}

static void cancel_ends_the_wait_for_a_port(void **state)
{
    (void)state;
    pthread_t t;
    open_port();
    unlink(link_path);
    assert_int_equal(pthread_create(&t, NULL, raise_soon, &cancel), 0);
    struct deadline far = deadline_in_ms(60000);
    assert_int_equal(port_reopen(port, far), ERR_CANCELLED);
    assert_false(deadline_passed(far));
    pthread_join(t, NULL);
}

static void drain_waits_for_the_wire(void **state)
{
    (void)state;
    char data[240] = {0};
    open_port();
    assert_int_equal(port_drain(port, deadline_in_ms(10000)), ERR_OK);
    int64_t start = deadline_now_ns();
    assert_int_equal(port_write(port, data, sizeof data, deadline_in_ms(10000)), ERR_OK);
    assert_int_equal(port_drain(port, deadline_in_ms(10000)), ERR_OK);
    assert_true(deadline_now_ns() - start >= 240 * 10 * 1000000000LL / 115200);
    assert_int_equal(port_write(port, data, sizeof data, deadline_in_ms(10000)), ERR_OK);
    assert_int_equal(port_drain(port, deadline_in_ms(1)), ERR_TIMEOUT);
}

static void lines_that_cannot_be_set_are_told(void **state)
{
    (void)state;
    static const int refusals[] = {ENOTTY, EINVAL};
    for (size_t i = 0; i < 2; i++) {
        modem.refuse_set = refusals[i];
        open_port();
        assert_int_equal(port_set_lines(port, true, false), ERR_UNSUPPORTED);
        assert_string_equal(err_last()->code, "port_no_lines");
        port_close(port);
        port = NULL;
    }
}

static void descriptors_above_1023_work(void **state)
{
    (void)state;
    struct rlimit limit;
    int fds[1100], n = 0;
    getrlimit(RLIMIT_NOFILE, &limit);
    assert_true(limit.rlim_max >= 1300);
    limit.rlim_cur = 1300;
    setrlimit(RLIMIT_NOFILE, &limit);
    while (n < 1100 && (fds[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) < 1040)
        n++;
    char out[8];
    size_t got;
    open_port();
    assert_int_equal(write(master, "x", 1), 1);
    assert_int_equal(port_read(port, out, sizeof out, deadline_in_ms(10000), &got), ERR_OK);
    assert_int_equal(port_write(port, "y", 1, deadline_in_ms(10000)), ERR_OK);
    for (int i = 0; i <= n; i++)
        close(fds[i]);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_link_is_opened_8n1_without_flow_control),
        TEST(closing_never_pulls_the_lines),
        TEST(both_lines_are_released_in_one_step),
        TEST(a_new_speed_keeps_the_lines),
        TEST(no_descriptor_is_inherited),
        TEST(a_port_that_is_not_there_is_told),
        TEST(a_terminal_that_is_no_serial_port_is_told),
        TEST(a_port_without_permission_is_told_with_its_group),
        TEST(a_busy_port_is_left_alone_and_its_holder_named),
        TEST(a_port_that_is_exclusive_for_others_is_busy),
        TEST(a_pseudo_terminal_is_not_left_exclusive_by_a_crash),
        TEST(the_same_port_is_not_opened_twice),
        TEST(reads_give_what_is_there),
        TEST(more_than_the_kernel_holds_is_written_whole),
        TEST(a_write_that_nobody_takes_ends_by_its_deadline),
        TEST(cancel_wakes_a_read_and_a_write),
        TEST(a_hang_up_is_told_at_once_and_costs_no_time),
        TEST(a_port_that_comes_back_elsewhere_is_opened_as_it_was),
        TEST(a_port_that_does_not_come_back_stays_gone),
        TEST(cancel_ends_the_wait_for_a_port),
        TEST(drain_waits_for_the_wire),
        TEST(lines_that_cannot_be_set_are_told),
        TEST(descriptors_above_1023_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
