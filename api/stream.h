/* stream: an event stream as the answer to a request. */
#ifndef API_STREAM_H
#define API_STREAM_H

#include <microhttpd.h>

#include "api/stream_hub.h"

/** Bind @p s to the connection, which is suspended whenever there is nothing to tell.
 *  @return NULL when there is no memory */
struct MHD_Response *stream_response(struct stream *s, struct MHD_Connection *conn);
#endif
