#include "api/stream.h"

#include <sys/socket.h>

/* SEND_BYTES: what the kernel keeps for a client that does not read; by itself it would take
 * megabytes before anybody noticed. */
enum { SEND_BYTES = 64 * 1024, BLOCK_BYTES = 256 };

_Static_assert(STREAM_END == MHD_CONTENT_READER_END_OF_STREAM,
               "what stream_read() says goes to MHD");

static ssize_t read_stream(void *cls, uint64_t pos, char *out, size_t cap)
{
    (void)pos;
    return stream_read(cls, out, cap);
}

static void park(void *conn)
{
    MHD_suspend_connection(conn);
}

static void resume(void *conn)
{
    MHD_resume_connection(conn);
}

struct MHD_Response *stream_response(struct stream *s, struct MHD_Connection *conn)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
    int fd = info ? info->connect_fd : -1, most = SEND_BYTES;
    if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &most, sizeof most);
    const struct stream_host host = {.park = park, .resume = resume, .arg = conn, .fd = fd};
    stream_bind(s, &host);
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, read_stream, s, NULL);
}
