/* One SNTP server on a loopback port of the system's choice. A board that is started while it runs
 * asks it, whatever server it is told. */
#ifndef TESTS_UNIT_AT_TIME_SERVER_H
#define TESTS_UNIT_AT_TIME_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* A socket on 127.0.0.1 and its port. */
static int local_socket(int type, int *port_out)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    *port_out = ntohs(a.sin_port);
    return fd;
}

struct time_server {
    int fd;
    pthread_t thread;
    time_t now;
};

static void *serve_time(void *arg)
{
    struct time_server *s = arg;
    uint8_t p[512];
    struct sockaddr_in peer;
    socklen_t len = sizeof peer;
    ssize_t n;
    while ((n = recvfrom(s->fd, p, sizeof p, 0, (struct sockaddr *)&peer, &len)) >= 48) {
        uint32_t seconds = htonl((uint32_t)((uint64_t)s->now + 2208988800u));
        memcpy(p + 24, p + 40, 8); /* originate: their transmit */
        p[0] = 0x24;               /* version 4, server */
        p[1] = 1;
        memcpy(p + 40, &seconds, 4);
        memset(p + 44, 0, 4);
        sendto(s->fd, p, 48, 0, (struct sockaddr *)&peer, len);
    }
    return NULL;
}

static void time_server_start(struct time_server *s)
{
    int port = 0;
    char text[16];
    s->fd = local_socket(SOCK_DGRAM, &port);
    snprintf(text, sizeof text, "%d", port);
    setenv("ESPBOARD_SNTP_PORT", text, 1);
    assert_int_equal(pthread_create(&s->thread, NULL, serve_time, s), 0);
}

static void time_server_stop(struct time_server *s)
{
    unsetenv("ESPBOARD_SNTP_PORT");
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->fd);
}
#endif
