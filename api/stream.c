#include "api/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "api/request.h"
#include "service/base/log.h"

/* SEND_BYTES: what the kernel keeps for a client that does not read; by itself it would take
 * megabytes before anybody noticed. */
enum { SEND_BYTES = 64 * 1024, BLOCK_BYTES = 256 };

_Static_assert(STREAM_END == MHD_CONTENT_READER_END_OF_STREAM,
               "what stream_read() says goes to MHD");

/* All that an answer needs that may last for days. */
struct telling {
    struct stream *stream;
    struct stream_end end;
    char id[REQUEST_ID_MAX + 1];
};

static ssize_t read_stream(void *cls, uint64_t pos, char *out, size_t cap)
{
    const struct telling *t = cls;
    (void)pos;
    log_context(t->id, "");
    ssize_t n = stream_read(t->stream, out, cap);
    log_context("", "");
    return n;
}

static void end_stream(void *cls)
{
    struct telling *t = cls;
    log_context(t->id, "");
    log_debug("event stream ended", NULL);
    log_context("", "");
    stream_close(t->stream);
    t->end.left(t->end.arg);
    free(t);
}

static void park(void *conn)
{
    MHD_suspend_connection(conn);
}

static void resume(void *conn)
{
    MHD_resume_connection(conn);
}

struct MHD_Response *stream_response(struct stream *s, struct MHD_Connection *conn, const char *id,
                                     const struct stream_end *end)
{
    struct telling *t = calloc(1, sizeof *t);
    if (!t) return NULL;
    *t = (struct telling){.stream = s, .end = *end};
    snprintf(t->id, sizeof t->id, "%s", id);
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
    int fd = info ? info->connect_fd : -1, most = SEND_BYTES;
    if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &most, sizeof most);
    const struct stream_host host = {.park = park, .resume = resume, .arg = conn, .fd = fd};
    stream_bind(s, &host);
    struct MHD_Response *response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES,
                                                                      read_stream, t, end_stream);
    if (!response) free(t);
    return response;
}
