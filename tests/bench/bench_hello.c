/* The peer of GET /v1/jobs/{id}: the least that libmicrohttpd can do, set up as espgate sets it up.
 *
 * bench_hello BYTES: answers every request with so many bytes. Prints its port; ends with its
 * standard input. */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *body;
static size_t body_bytes;

static enum MHD_Result answer(void *cls, struct MHD_Connection *conn, const char *url,
                              const char *method, const char *version, const char *data, size_t *n,
                              void **state)
{
    static int begun;
    (void)cls, (void)url, (void)method, (void)version, (void)data, (void)n;
    if (!*state) {
        *state = &begun;
        return MHD_YES;
    }
    struct MHD_Response *r =
        MHD_create_response_from_buffer(body_bytes, body, MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
    enum MHD_Result sent = MHD_queue_response(conn, MHD_HTTP_OK, r);
    MHD_destroy_response(r);
    return sent;
}

int main(int argc, char **argv)
{
    char byte;
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    body_bytes = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
    body = malloc(body_bytes + 1);
    if (!body) return 1;
    memset(body, 'x', body_bytes);
    struct MHD_Daemon *daemon =
        MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
                         answer, NULL, MHD_OPTION_SOCK_ADDR, &any, MHD_OPTION_THREAD_POOL_SIZE, 2U,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)16 * 1024, MHD_OPTION_END);
    if (!daemon) return 1;
    printf("%u\n", (unsigned)MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
    MHD_stop_daemon(daemon);
    free(body);
    return 0;
}
