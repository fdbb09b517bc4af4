/* fixture_client: the bench of a test that talks to the server through real sockets, and how it
 * talks. */
#ifndef TESTS_UNIT_API_FIXTURE_CLIENT_H
#define TESTS_UNIT_API_FIXTURE_CLIENT_H

#include "tests/unit/api/fixture_bench.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include "service/base/deadline.h"

enum { PATIENCE_MS = 60000 };

static struct bench bench;
static const struct server_config usual = {.address = "127.0.0.1", .open = true};

static inline int dial(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(server_port(bench.server))};
    inet_pton(AF_INET, "127.0.0.1", &at.sin_addr);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

static inline void send_all(int fd, const char *data, size_t n)
{
    while (n) {
        ssize_t sent = send(fd, data, n, MSG_NOSIGNAL);
        assert_true(sent > 0);
        data += sent;
        n -= (size_t)sent;
    }
}

static inline void send_text(int fd, const char *text)
{
    send_all(fd, text, strlen(text));
}

/* Everything until the server closes (the requests ask for it). @return its length */
static inline size_t read_to_end(int fd, char *out, size_t cap)
{
    size_t n = 0;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    while (n + 1 < cap) {
        assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
        ssize_t got = recv(fd, out + n, cap - 1 - n, 0);
        if (got <= 0) break;
        n += (size_t)got;
    }
    out[n] = '\0';
    close(fd);
    return n;
}

static inline int status_of_answer(const char *answer)
{
    return strncmp(answer, "HTTP/1.1 ", 9) == 0 ? (int)strtol(answer + 9, NULL, 10) : 0;
}
#endif
