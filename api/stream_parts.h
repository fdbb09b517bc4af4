/* stream_parts: a hub of event streams and one of its streams: stream_hub.c publishes and wakes,
 * stream_read.c is what one stream does. */
#ifndef API_STREAM_PARTS_H
#define API_STREAM_PARTS_H

#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "api/stream_hub.h"
#include "service/base/buf.h"
#include "service/base/thread.h"

enum {
    STREAM_RING = 2048,           /* events; half a minute of a busy bench */
    STREAM_PENDING_MAX = 1 << 20, /* bytes of a page of the store, or of one event */
};

struct entry {
    int64_t seq; /* 0 = not stored */
    unsigned type;
    bool ends; /* its job */
    char job[ID_TEXT], slot[64];
    char *text;
    size_t len;
};

struct stream_hub {
    struct stream_limits limits;
    struct store *store;
    struct tokens *tokens; /* NULL: nobody has one */
    struct pollfd *fds;    /* the thread's own: room for all streams */
    struct sleeper thread;
    /* guarded by its lock: */
    struct entry *ring; /* made with the first stream */
    uint64_t head;      /* events that came while there were streams; the newest are in the ring */
    int64_t newest;     /* seq of the newest event that came or was there before */
    struct stream *first;
    size_t count;
    uint64_t opened;
    bool news, serving, closed;
};

struct stream {
    struct stream_hub *hub;
    struct stream_wish wish;
    struct stream_host host;
    struct buf pending; /* text that waits to be read */
    size_t sent;        /* of it */
    int64_t last;       /* events up to this seq are told or not wanted */
    int64_t replay_to;  /* up to here they come from the store, then from the ring: */
    uint64_t at;        /* the next in the ring */
    bool live;          /* has once caught up with the ring */
    bool over;          /* nothing more to tell */
    bool slow;          /* fell out of the ring */
    atomic_bool barred; /* its token has ended */
    int64_t told_ns;
    struct stream *next, *prev; /* guarded by the hub's lock, as are: */
    bool parked;
    bool beat;         /* it was woken for a sign of life */
    bool looks_gone;   /* its client has closed, or half closed, the connection */
    struct stream *up; /* next of those that are resumed */
};

/** Does this event end a job? */
static inline bool stream_is_end(const char *type)
{
    return strcmp(type, "job.ended") == 0;
}

/** One event as it goes out. @param seq  0: without an id @return as buf_append() */
enum err stream_put_text(struct buf *out, int64_t seq, const char *type, const char *data);
/** Is there something in the ring for it? What is not is passed over. Under the lock. */
bool stream_has_news(struct stream *s);
#endif
