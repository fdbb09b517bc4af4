/* A real mosquitto in a folder of its own, on free loopback ports. */
#ifndef TESTS_UNIT_CLOUD_FIXTURE_MOSQUITTO_H
#define TESTS_UNIT_CLOUD_FIXTURE_MOSQUITTO_H

#include <arpa/inet.h>
#include <assert.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "service/base/deadline.h"
#include "tests/unit/cloud/fixture_pki.h"

enum { LISTENERS_MAX = 8 };

struct mosquitto_broker {
    char dir[64];
    int ports[LISTENERS_MAX];
    pid_t pid;
    int log_fd;
};

/* Below those that the system gives to clients' ends of connections: of these, many come and go. */
static inline int free_port(void)
{
    for (;;) {
        uint16_t port;
        assert(getrandom(&port, sizeof port, 0) == (ssize_t)sizeof port);
        port = (uint16_t)(15000 + port % 17000);
        struct sockaddr_in a = {
            .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert(fd >= 0);
        int rc = bind(fd, (struct sockaddr *)&a, sizeof a);
        close(fd);
        if (rc == 0) return port;
    }
}

static inline FILE *broker_file(const struct mosquitto_broker *b, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", b->dir, name);
    FILE *f = fopen(path, "we");
    assert(f);
    return f;
}

static inline void broker_put(const struct mosquitto_broker *b, const char *name, const char *text)
{
    FILE *f = broker_file(b, name);
    assert(fputs(text, f) >= 0 && fclose(f) == 0);
}

/* Listener i speaks TLS as @p servers[i] (NULL: plain) and trusts @p ca. */
static inline void broker_configure(struct mosquitto_broker *b, const struct identity *ca,
                                    const struct identity *const *servers, size_t count)
{
    FILE *conf = broker_file(b, "conf");
    fprintf(conf, "log_dest stderr\nlog_type all\npersistence false\nallow_anonymous true\n");
    fprintf(conf, "acl_file %s/acl\n", b->dir);
    /* As root it would give up the right to read its own key. */
    if (geteuid() == 0) fprintf(conf, "user root\n");
    broker_put(b, "ca", ca->cert_pem);
    broker_put(b, "acl", "topic readwrite open/#\n");
    for (size_t i = 0; i < count; i++) {
        b->ports[i] = free_port();
        fprintf(conf, "listener %d 127.0.0.1\n", b->ports[i]);
        if (!servers[i]) continue;
        char name[32];
        snprintf(name, sizeof name, "cert%zu", i);
        broker_put(b, name, servers[i]->cert_pem);
        snprintf(name, sizeof name, "key%zu", i);
        broker_put(b, name, servers[i]->key_pem);
        fprintf(conf,
                "cafile %s/ca\ncertfile %s/cert%zu\nkeyfile %s/key%zu\n"
                "require_certificate true\n",
                b->dir, b->dir, i, b->dir, i);
    }
    assert(fclose(conf) == 0);
}

/* Waits for " running" in its log. @return false when it ended or says that a port is taken */
static inline bool broker_wait_ready(struct mosquitto_broker *b)
{
    char text[16384];
    size_t n = 0;
    struct deadline until = deadline_in_ms(30000);
    while (n < sizeof text - 1) {
        struct pollfd p = {b->log_fd, POLLIN, 0};
        if (poll(&p, 1, deadline_left_ms(until)) != 1) break;
        ssize_t got = read(b->log_fd, text + n, sizeof text - 1 - n);
        if (got <= 0) break;
        n += (size_t)got;
        text[n] = '\0';
        if (strstr(text, " running\n")) return true;
    }
    fprintf(stderr, "mosquitto did not start:\n%.*s\n", (int)n, text);
    return false;
}

/* Not asked to: it forgets a SIGTERM that comes between its log's "running" and its loop. */
static inline void broker_stop(struct mosquitto_broker *b)
{
    kill(b->pid, SIGKILL);
    waitpid(b->pid, NULL, 0);
    close(b->log_fd);
}

static inline bool broker_spawn(struct mosquitto_broker *b)
{
    int fds[2];
    assert(pipe(fds) == 0);
    b->pid = fork();
    assert(b->pid >= 0);
    if (b->pid == 0) {
        char conf[128];
        snprintf(conf, sizeof conf, "%s/conf", b->dir);
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when the test crashes */
        dup2(fds[1], STDERR_FILENO);
        dup2(fds[1], STDOUT_FILENO);
        close(fds[0]);
        execlp("mosquitto", "mosquitto", "-c", conf, (char *)NULL);
        execl("/usr/sbin/mosquitto", "mosquitto", "-c", conf, (char *)NULL);
        _exit(127);
    }
    close(fds[1]);
    b->log_fd = fds[0];
    if (broker_wait_ready(b)) return true;
    broker_stop(b);
    return false;
}

static inline void broker_start(struct mosquitto_broker *b, const struct identity *ca,
                                const struct identity *const *servers, size_t count)
{
    snprintf(b->dir, sizeof b->dir, "/tmp/espgate-test-XXXXXX");
    assert(mkdtemp(b->dir) && count <= LISTENERS_MAX);
    /* Somebody else may take a port between our look and its start. */
    for (int attempt = 0; attempt < 5; attempt++) {
        broker_configure(b, ca, servers, count);
        if (broker_spawn(b)) return;
    }
    assert(!"mosquitto cannot be started");
}

static inline void broker_end(struct mosquitto_broker *b, size_t count)
{
    broker_stop(b);
    char path[128];
    const char *const fixed[] = {"conf", "ca", "acl"};
    for (size_t i = 0; i < 3 + 2 * count; i++) {
        if (i < 3)
            snprintf(path, sizeof path, "%s/%s", b->dir, fixed[i]);
        else
            snprintf(path, sizeof path, "%s/%s%zu", b->dir, i % 2 ? "cert" : "key", (i - 3) / 2);
        unlink(path);
    }
    rmdir(b->dir);
}
#endif
