/* stream_hub: event streams. One ring holds the newest events as the text that goes out, for all
 * streams; a stream is a position in it, not a queue. What lies before the ring is read from the
 * store, page by page, at the stream's own speed. One that followed the ring and fell out of it is
 * too slow: it ends, and its client comes back with the last id that it has seen. Knows nothing of
 * HTTP. */
#ifndef API_STREAM_HUB_H
#define API_STREAM_HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "service/access/tokens.h"
#include "service/base/err.h"
#include "service/base/id.h"
#include "service/store/store.h"

struct stream_hub; /* opaque, thread-safe */
struct stream;     /* opaque; used by one thread at a time, but for what stream_host says */

enum { STREAM_FROM_NOW = -1, STREAM_END = -1 };

/** What a stream is to tell. */
struct stream_wish {
    char job[ID_TEXT], slot[64]; /* "" = of all */
    unsigned types;              /* sum of event_type_bit(); 0 = all */
    int64_t after;               /* the event that its client has seen last; 0 = all that is kept;
                                    STREAM_FROM_NOW */
    bool finite;                 /* end when all that there is has been told: its job has ended */
    char address[48];            /* the client's; "" = not counted */
    char token[ID_TEXT];         /* it ends with this; "" = with none */
};

/** How a stream that has nothing to tell waits. */
struct stream_host {
    void (*park)(void *arg);   /* inside stream_read(), under a lock of the hub */
    void (*resume)(void *arg); /* once for each park(), without a lock, on any thread: stream_read()
                                  has something to say */
    void *arg;
    int fd; /* the client's socket, looked at while the stream is parked; -1: none */
};

struct stream_limits {
    size_t streams, of_address; /* most at a time, in all and of one client's address */
    int64_t silence_ms;         /* after which a stream that is parked gives a sign of life */
};
enum err stream_hub_new(const struct stream_limits *limits, struct stream_hub **out);
/** From now on streams may be opened. @param store  borrowed until stream_hub_close() and the end
 * of all streams  @param tokens  the same; NULL: no stream has one  @return ERR_OK, ERR_IO, ERR_MEM
 */
enum err stream_hub_serve(struct stream_hub *h, struct store *store, struct tokens *tokens);
/** Tell all streams. Events that are stored come in the order of their seq. Never waits for a
 * client. */
void stream_hub_publish(struct stream_hub *h, const struct event_record *event);
/** A token was revoked: the streams that it opened tell nothing any more. */
void stream_hub_look_at_tokens(struct stream_hub *h);
/** End all streams, and from now on each at once. */
void stream_hub_close(struct stream_hub *h);
/** There is no stream any more. NULL allowed. */
void stream_hub_free(struct stream_hub *h);
size_t stream_hub_count(struct stream_hub *h);

/** @return ERR_OK; ERR_BUSY with code too_many_streams; ERR_MEM */
enum err stream_open(struct stream_hub *h, const struct stream_wish *wish, struct stream **out);
/** Before the first stream_read(). */
void stream_bind(struct stream *s, const struct stream_host *host);
/** Not while it is parked. NULL allowed. */
void stream_close(struct stream *s);
/** The next of its text.
 *  @return how many bytes; 0 when it was parked; STREAM_END */
ssize_t stream_read(struct stream *s, char *out, size_t cap);
#endif
