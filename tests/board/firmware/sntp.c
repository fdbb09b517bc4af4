#include "tests/board/firmware/sntp.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/board/firmware/resolve.h"
#include "tests/board/firmware/task.h"
#include "tests/board/loop.h"

enum { PACKET_BYTES = 48, TRANSMIT_AT = 40, ORIGINATE_AT = 24, ANSWER_MS = 15000 };
enum { CLIENT_V4 = 0x23, MODE_SERVER = 4, DEFAULT_PORT = 123 };
/* Seconds between the epochs of NTP (1900) and of Unix. */
#define NTP_TO_UNIX INT64_C(2208988800)

struct sntp {
    char host[129];
    sntp_fn fn;
    void *arg;
    int64_t answer;    /* the thread's until it has ended */
    struct task *task; /* NULL: it has */
};

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint16_t server_port(void)
{
    const char *text = getenv("ESPBOARD_SNTP_PORT");
    long port = text ? strtol(text, NULL, 10) : DEFAULT_PORT;
    return port > 0 && port < 65536 ? (uint16_t)port : DEFAULT_PORT;
}

/* -1: not an answer to our question. */
static int64_t read_answer(const uint8_t *p, size_t n, const uint8_t *question)
{
    if (n < PACKET_BYTES || (p[0] & 7) != MODE_SERVER || p[1] == 0) return -1;
    if (memcmp(p + ORIGINATE_AT, question + TRANSMIT_AT, 8) != 0) return -1;
    int64_t seconds = (int64_t)be32(p + TRANSMIT_AT) - NTP_TO_UNIX;
    int64_t fraction = (int64_t)(((uint64_t)be32(p + TRANSMIT_AT + 4) * 1000000000u) >> 32);
    return seconds < 0 ? -1 : seconds * 1000000000 + fraction;
}

static int64_t exchange(int fd, int stop_fd)
{
    uint8_t question[PACKET_BYTES] = {CLIENT_V4}, p[512];
    if (getrandom(question + TRANSMIT_AT, 8, 0) != 8) return -1;
    if (send(fd, question, sizeof question, MSG_NOSIGNAL) != (ssize_t)sizeof question) return -1;
    uint64_t end = loop_now_ns() + (uint64_t)ANSWER_MS * 1000000;
    for (uint64_t now = loop_now_ns(); now < end; now = loop_now_ns()) {
        struct pollfd fds[] = {{.fd = fd, .events = POLLIN}, {.fd = stop_fd, .events = POLLIN}};
        if (poll(fds, 2, (int)((end - now) / 1000000) + 1) < 0 || fds[1].revents) return -1;
        if (!fds[0].revents) continue;
        ssize_t n = recv(fd, p, sizeof p, MSG_DONTWAIT);
        int64_t answer = n > 0 ? read_answer(p, (size_t)n, question) : -1;
        if (answer >= 0) return answer;
        if (n < 0) return -1; /* nobody listens there */
    }
    return -1;
}

static int64_t ask(const struct sntp *s, int stop_fd)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(server_port())};
    if (!resolve_ipv4(s->host, &to.sin_addr)) return -1;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    int64_t answer = -1;
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0) answer = exchange(fd, stop_fd);
    close(fd);
    return answer;
}

static void work(int stop_fd, void *arg)
{
    struct sntp *s = arg;
    s->answer = ask(s, stop_fd);
}

static void on_done(void *arg)
{
    struct sntp *s = arg;
    s->task = NULL;
    s->fn(s->answer, s->arg);
}

struct sntp *sntp_ask(struct loop *l, const char *host, sntp_fn fn, void *arg)
{
    struct sntp *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    *s = (struct sntp){.fn = fn, .arg = arg, .answer = -1};
    snprintf(s->host, sizeof s->host, "%s", host);
    s->task = task_start(l, work, on_done, s);
    if (s->task) return s;
    free(s);
    return NULL;
}

void sntp_drop(struct sntp *s)
{
    if (!s) return;
    task_drop(s->task);
    free(s);
}
