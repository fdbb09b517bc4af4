/* The input is what a client sends on one connection, to the whole service: framing, headers,
 * paths, queries, forms and bodies of every kind. Whatever it is, the service answers or closes,
 * and never with a fault of its own. The ports are not touched: no job does anything. */
#include <arpa/inet.h>
#include <assert.h>
#include <ftw.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/server.h"
#include "service/base/log.h"
#include "service/firmware/shelf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ANSWER = 256 * 1024 };
/* What still brings no answer, as the fuzzer finds it. */
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
enum { PATIENCE_MS = 30 };
#else
enum { PATIENCE_MS = 2000 };
#endif

static struct {
    char dir[64];
    struct store *store;
    struct tokens *tokens;
    struct jobs *jobs;
    struct server *server;
    struct service service;
} bench;

static void must(bool condition)
{
    if (!condition) abort();
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static void stop(void)
{
    server_stop(bench.server);
    jobs_stop(bench.jobs);
    server_free(bench.server);
    tokens_close(bench.tokens);
    store_close(bench.store);
    nftw(bench.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static enum err do_nothing(struct job_context *ctx)
{
    (void)ctx;
    return ERR_OK;
}

static bool is_known(const char *id, void *arg)
{
    (void)id;
    (void)arg;
    return false;
}

static void start(void)
{
    if (bench.server) return;
    /* In memory where that can be: each request that writes waits for the disk. */
    snprintf(bench.dir, sizeof bench.dir, "%s/espgate-fuzz-XXXXXX",
             access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
    log_set_level(LOG_ERROR);
    must(mkdtemp(bench.dir) && !store_open(bench.dir, &bench.store));
    must(!shelf_open(bench.dir, is_known, NULL) && !server_new(&bench.server));
    must(!tokens_open(bench.store, &bench.tokens));
    struct jobs_config jobs = {.store = bench.store,
                               .data_dir = bench.dir,
                               .run = do_nothing,
                               .changed = server_changed,
                               .changed_arg = bench.server};
    must(!jobs_start(&jobs, &bench.jobs));
    bench.service = (struct service){.store = bench.store,
                                     .data_dir = bench.dir,
                                     .jobs = bench.jobs,
                                     .tokens = bench.tokens,
                                     .version = "fuzz"};
    struct server_config config = {.address = "127.0.0.1", .open = true, .max_body = 1 << 20};
    must(!server_start(bench.server, &config, &bench.service));
    atexit(stop);
}

static int dial(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(server_port(bench.server))};
    const struct timeval patience = {PATIENCE_MS / 1000, PATIENCE_MS % 1000 * 1000L};
    const struct linger reset = {1, 0}; /* else each input leaves a port in TIME_WAIT */
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(fd >= 0 && !connect(fd, (struct sockaddr *)&at, sizeof at));
    must(!setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience));
    must(!setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience));
    must(!setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset));
    return fd;
}

/* Has the first answer come, to its end? */
static bool is_whole(const char *answer, size_t n, bool is_head)
{
    const char *end = strstr(answer, "\r\n\r\n"), *length = strstr(answer, "\r\nContent-Length: ");
    if (!end) return false;
    if (is_head || !length || length > end) return true;
    return n - (size_t)(end + 4 - answer) >= strtoul(length + 18, NULL, 10);
}

/* A status line at the beginning of what came: 1xx…4xx, or a 5xx that blames no bug. */
static void judge(const char *answer, size_t n)
{
    int status = 0;
    if (n < 12) return; /* closed without a word */
    must(sscanf(answer, "HTTP/1.%*1d %3d", &status) == 1);
    must(status < 500 || status == 501 || status == 503 || status == 505 || status == 507);
}

static void send_all(int fd, const void *data, size_t size)
{
    const char *at = data;
    for (ssize_t got; size; at += got, size -= (size_t)got)
        if ((got = send(fd, at, size, MSG_NOSIGNAL)) <= 0) return;
}

/* Ends what was not ended, the header or the body, so that an answer comes all the same. */
static void send_end(int fd)
{
    char filler[4096];
    memset(filler, ' ', sizeof filler);
    send_all(fd, "\r\n\r\n", 4);
    send_all(fd, filler, sizeof filler);
    send_all(fd, "\r\n0\r\n\r\n", 7);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char answer[ANSWER + 1];
    size_t n = 0;
    ssize_t got;
    answer[0] = '\0';
    start();
    int fd = dial();
    send_all(fd, data, size);
    send_end(fd);
    bool is_head = size >= 4 && memcmp(data, "HEAD", 4) == 0;
    while (n < ANSWER && !is_whole(answer, n, is_head) &&
           (got = recv(fd, answer + n, ANSWER - n, 0)) > 0)
        answer[n += (size_t)got] = '\0';
    close(fd);
    judge(answer, n);
    return 0;
}
