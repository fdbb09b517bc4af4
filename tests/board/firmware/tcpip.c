#include "tests/board/firmware/tcpip.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/board/firmware/firmware.h"
#include "tests/board/firmware/probe.h"

/* The firmware's own times, and the longest name that it connects to. */
enum { CONNECT_MS = 20000, ECHO_MS = 5000, CONNECT_HOST_MAX = 64 };
enum { STORE_MS = 150, STORE_FAST_MS = 2 };
enum { KEEPALIVE_MAX = 7200, RECEIVE_MAX = 1460, QUOTED_SINCE = 220 };

static void disconnect(struct firmware *fw)
{
    if (fw->tcpip.fd < 0) return;
    loop_remove_fd(fw->env.loop, fw->tcpip.fd);
    close(fw->tcpip.fd);
    fw->tcpip.fd = -1;
    at_print(fw, "CLOSED\r\n");
}

void tcpip_init(struct firmware *fw)
{
    fw->tcpip.fd = -1;
}

void tcpip_dispose(struct firmware *fw)
{
    probe_drop(fw->tcpip.probe);
    fw->tcpip.probe = NULL;
    if (fw->tcpip.fd < 0) return;
    loop_remove_fd(fw->env.loop, fw->tcpip.fd);
    close(fw->tcpip.fd);
    fw->tcpip.fd = -1;
}

void tcpip_network_down(struct firmware *fw)
{
    disconnect(fw);
}

/* What the peer sends is handed on at once. */
static void on_peer(int fd, uint32_t events, void *arg)
{
    (void)events;
    struct firmware *fw = arg;
    char line[RECEIVE_MAX + 32], data[RECEIVE_MAX];
    ssize_t n = recv(fd, data, sizeof data, MSG_DONTWAIT);
    if (n <= 0) {
        disconnect(fw);
        return;
    }
    int head = snprintf(line, sizeof line - sizeof data, "\r\n+IPD,%zd:", n);
    memcpy(line + head, data, (size_t)n);
    at_send(fw, line, (size_t)head + (size_t)n);
}

/* The question of a command that waits for its answer. */
static void ask(struct firmware *fw, const struct probe_question *q, probe_fn fn)
{
    if (!wifi_is_up(fw)) {
        console_say(fw, "no ip");
        at_error(fw, 0);
        return;
    }
    fw->tcpip.probe = probe_start(fw->env.loop, q, fn, fw);
    if (!fw->tcpip.probe) at_error(fw, 0);
}

static void domain_answered(const struct probe_answer *a, void *arg)
{
    struct firmware *fw = arg;
    char address[INET_ADDRSTRLEN];
    const char *quote = fw->version->at_level >= QUOTED_SINCE ? "\"" : "";
    fw->tcpip.probe = NULL;
    if (!a->named) {
        at_print(fw, "DNS Fail\r\n");
        at_error(fw, 0);
        return;
    }
    inet_ntop(AF_INET, &a->address, address, sizeof address);
    at_print(fw, "+CIPDOMAIN:%s%s%s\r\n", quote, address, quote);
    at_ok(fw);
}

void cmd_cipdomain_set(struct firmware *fw, const struct at_args *a)
{
    struct probe_question q = {.kind = PROBE_NAME};
    if (!at_str(fw, a, 0, q.host, sizeof q.host) || !q.host[0])
        at_error(fw, 0);
    else
        ask(fw, &q, domain_answered);
}

void cmd_cipdns_query(struct firmware *fw, const struct at_args *a)
{
    (void)a;
    const struct tcpip *t = &fw->tcpip;
    at_print(fw, "+CIPDNS:%d", t->servers > 0);
    for (unsigned i = 0; i < t->servers; i++)
        at_print(fw, ",\"%s\"", t->server[i]);
    if (!t->servers && wifi_is_up(fw)) at_print(fw, ",\"10.0.2.2\"");
    at_print(fw, "\r\n");
    at_ok(fw);
}

void cmd_cipdns_set(struct firmware *fw, const struct at_args *a)
{
    struct tcpip *t = &fw->tcpip;
    char server[TCPIP_SERVERS][16];
    long own;
    struct in_addr address;
    bool good = at_int(fw, a, 0, &own) && (own == 0 ? a->count == 1 : own == 1) &&
                a->count <= 1 + TCPIP_SERVERS && a->count > (size_t)own;
    for (size_t i = 1; good && i < a->count; i++)
        good = at_str(fw, a, i, server[i - 1], sizeof server[0]) &&
               inet_pton(AF_INET, server[i - 1], &address) == 1;
    if (!good) {
        at_error(fw, 0);
        return;
    }
    t->servers = (unsigned)a->count - 1;
    memcpy(t->server, server, t->servers * sizeof server[0]);
    at_later(fw, firmware_takes(fw, STORE_MS, STORE_FAST_MS), at_ok);
}

static void connect_answered(const struct probe_answer *a, void *arg)
{
    struct firmware *fw = arg;
    fw->tcpip.probe = NULL;
    if (!a->named) at_print(fw, "DNS Fail\r\n");
    if (!a->reached) {
        at_error(fw, 0);
        return;
    }
    fw->tcpip.fd = a->fd;
    at_print(fw, "CONNECT\r\n");
    loop_add_fd(fw->env.loop, a->fd, EPOLLIN, on_peer, fw);
    at_ok(fw);
}

/* "TCP",host,port[,keep alive][,own address] */
static bool read_peer(struct firmware *fw, const struct at_args *a, struct probe_question *q)
{
    char type[8], own[INET_ADDRSTRLEN];
    long port, keep_alive = 0;
    bool good = at_str(fw, a, 0, type, sizeof type) && strcmp(type, "TCP") == 0 &&
                at_str(fw, a, 1, q->host, CONNECT_HOST_MAX + 1) && q->host[0] &&
                at_int(fw, a, 2, &port) && port > 0 && port <= UINT16_MAX &&
                (args_absent(a, 3) || at_int(fw, a, 3, &keep_alive)) && keep_alive >= 0 &&
                keep_alive <= KEEPALIVE_MAX &&
                (args_absent(a, 4) || at_str(fw, a, 4, own, sizeof own));
    if (good) q->port = (uint16_t)port;
    return good;
}

void cmd_cipstart_set(struct firmware *fw, const struct at_args *a)
{
    struct probe_question q = {.kind = PROBE_CONNECT, .wait_ms = CONNECT_MS};
    if (!read_peer(fw, a, &q)) {
        at_error(fw, 0);
    } else if (fw->tcpip.fd >= 0) {
        at_print(fw, "ALREADY CONNECTED\r\n");
        at_error(fw, 0);
    } else {
        ask(fw, &q, connect_answered);
    }
}

void cmd_cipclose_exec(struct firmware *fw, const struct at_args *a)
{
    (void)a;
    if (fw->tcpip.fd < 0) {
        at_error(fw, 0);
        return;
    }
    disconnect(fw);
    at_ok(fw);
}

static void echo_answered(const struct probe_answer *a, void *arg)
{
    struct firmware *fw = arg;
    const bool named = fw->version->at_level >= QUOTED_SINCE;
    fw->tcpip.probe = NULL;
    if (a->reached) {
        at_print(fw, "%s%u\r\n", named ? "+PING:" : "+", (unsigned)a->took_ms);
        at_ok(fw);
    } else {
        at_print(fw, "%s\r\n", named ? "+PING:TIMEOUT" : "+timeout");
        at_error(fw, 0);
    }
}

void cmd_ping_set(struct firmware *fw, const struct at_args *a)
{
    struct probe_question q = {.kind = PROBE_ECHO, .wait_ms = ECHO_MS};
    if (!at_str(fw, a, 0, q.host, sizeof q.host) || !q.host[0])
        at_error(fw, 0);
    else
        ask(fw, &q, echo_answered);
}
