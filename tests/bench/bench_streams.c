/* bench_streams PORT STREAMS: opens so many event streams of one espgate on 127.0.0.1 and says
 * "open" when all have begun. When its standard input ends it prints, as one JSON line, how long
 * each event was on its way to each client, from the time that the event carries, and whether all
 * clients were told the same. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 4096, DELAYS_MS = 60000, EVENTS_AT_ONCE = 256, INPUT = -1 };

struct client {
    int fd;
    bool begun;
    char line[LINE]; /* the begin of the one that has not ended yet */
    size_t len;
    long last; /* id */
};

static struct client *clients;
static int count, begun;
static long delays[DELAYS_MS + 1]; /* how many were so many milliseconds late */
static long told, numbered, gaps;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int number(const char *at, int digits)
{
    int n = 0;
    while (digits--)
        n = n * 10 + *at++ - '0';
    return n;
}

/* 03:04:05.678. By hand, as all that is done for each event is quick: the clients take the time of
 * the same cores as espgate. */
static int64_t time_of_day_ms(const char *at)
{
    return ((number(at, 2) * 60 + number(at + 3, 2)) * 60 + number(at + 6, 2)) * (int64_t)1000 +
           number(at + 9, 3);
}

/* @param line  ends with a line feed */
static void take_line(struct client *c, const char *line, size_t len)
{
    static const char mark[] = "\"at\":\"2026-01-02T";
    if (len > 7 && memcmp(line, "retry: ", 7) == 0 && !c->begun) {
        c->begun = true;
        begun++;
    } else if (len > 4 && memcmp(line, "id: ", 4) == 0) {
        long id = strtol(line + 4, NULL, 10);
        if (c->last && id != c->last + 1) gaps++;
        c->last = id;
        numbered++;
    } else if (len > 6 && memcmp(line, "data: ", 6) == 0) {
        const char *at = memmem(line, len, mark, strlen("\"at\":\""));
        const int64_t day = 24 * 3600 * (int64_t)1000;
        int64_t late = at && at + sizeof mark + 12 < line + len
                           ? (now_ms() % day - time_of_day_ms(at + sizeof mark - 1) + day) % day
                           : DELAYS_MS;
        delays[late < DELAYS_MS ? late : DELAYS_MS]++;
        told++;
    }
}

/* @return false when the stream has ended */
static bool take(struct client *c)
{
    static char data[LINE + 65536];
    memcpy(data, c->line, c->len);
    ssize_t n = recv(c->fd, data + c->len, sizeof data - c->len, 0);
    const char *at = data, *end = data + c->len + (n > 0 ? n : 0), *stop;
    while ((stop = memchr(at, '\n', (size_t)(end - at)))) {
        take_line(c, at, (size_t)(stop - at));
        at = stop + 1;
    }
    c->len = (size_t)(end - at) < LINE ? (size_t)(end - at) : 0;
    memcpy(c->line, at, c->len);
    return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static int open_stream(uint16_t port, const char *token)
{
    char ask[256];
    int n = snprintf(
        ask, sizeof ask,
        "GET /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n\r\n", token);
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof at) != 0) fail("connect");
    if (send(fd, ask, (size_t)n, 0) != n) fail("send");
    return fd;
}

static void watch(int epoll, int fd, int index)
{
    struct epoll_event e = {.events = EPOLLIN, .data.fd = index};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e)) fail("epoll_ctl");
}

static double percentile(double share)
{
    long want = (long)((double)told * share), seen = 0;
    for (int ms = 0; ms <= DELAYS_MS; ms++)
        if ((seen += delays[ms]) > want) return ms;
    return DELAYS_MS;
}

static void report(int ended)
{
    long low = clients[0].last, high = low;
    for (int i = 0; i < count; i++) {
        if (clients[i].last < low) low = clients[i].last;
        if (clients[i].last > high) high = clients[i].last;
    }
    printf("{\"bench\": \"streams\", \"streams\": %d, \"ended\": %d, \"told\": %ld, \"gaps\": %ld,"
           " \"behind\": %ld, \"p50_ms\": %.0f, \"p99_ms\": %.0f, \"most_ms\": %.0f}\n",
           count, ended, told, gaps, high - low, percentile(0.5), percentile(0.99),
           percentile(1.0 - 1e-9));
}

int main(int argc, char **argv)
{
    if (argc != 4) return 2;
    count = atoi(argv[2]);
    clients = calloc((size_t)count, sizeof *clients);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    int epoll = epoll_create1(EPOLL_CLOEXEC), ended = 0;
    if (!clients || epoll < 0) fail("start");
    for (int i = 0; i < count; i++) {
        clients[i].fd = open_stream((uint16_t)atoi(argv[1]), argv[3]);
        watch(epoll, clients[i].fd, i);
    }
    watch(epoll, STDIN_FILENO, INPUT);
    for (bool over = false, said = false; !over;) {
        struct epoll_event events[EVENTS_AT_ONCE];
        int n = epoll_wait(epoll, events, EVENTS_AT_ONCE, -1);
        for (int i = 0; i < n; i++) {
            int at = events[i].data.fd;
            if (at == INPUT) {
                over = true;
            } else if (!take(&clients[at])) {
                epoll_ctl(epoll, EPOLL_CTL_DEL, clients[at].fd, NULL);
                ended++;
            }
        }
        if (!said && begun == count) {
            said = true;
            puts("open");
            fflush(stdout);
        }
    }
    report(ended);
    return 0;
}
