/* stream: an event stream as the answer to a request. */
#ifndef API_STREAM_H
#define API_STREAM_H

#include <microhttpd.h>

#include "api/stream_hub.h"

struct stream_end {
    void (*left)(void *arg); /* the stream is closed; on the connection's thread */
    void *arg;
};

/** Bind @p s to the connection, which is suspended whenever there is nothing to tell.
 *  @param s  taken, unless NULL is returned  @param id  of the request, for the log
 *  @return NULL when there is no memory */
struct MHD_Response *stream_response(struct stream *s, struct MHD_Connection *conn, const char *id,
                                     const struct stream_end *end);
#endif
