/* link: one client's connection, from its first byte to its last: who is at the other end, and how
 * long he has been owing a request.
 *
 * libmicrohttpd closes a connection where nothing happens. One that sends a byte now and then, and
 * never a whole head of a request (or never ends its TLS handshake), is closed here. */
#ifndef API_LINK_H
#define API_LINK_H

#include <microhttpd.h>
#include <stddef.h>
#include <stdint.h>

#include "api/peer.h"
#include "api/tls.h"
#include "service/base/err.h"

struct links; /* opaque, thread-safe: those of one server */
struct link;  /* opaque: used by the thread that serves the connection */

/** @param patience_s  longest time that the head of a request may take, from the connection's
 * beginning or the end of the request before  @return ERR_OK, ERR_MEM */
enum err links_new(unsigned patience_s, struct links **out);
/** All connections are closed. NULL allowed. */
void links_free(struct links *l);
/** Before the first connection. @param tls  borrowed; NULL = none */
void links_set_tls(struct links *l, struct tls *tls);

/** MHD_NotifyConnectionCallback; @p cls is the struct links. */
void links_notify(void *cls, struct MHD_Connection *conn, void **context,
                  enum MHD_ConnectionNotificationCode what);
size_t links_count(struct links *l);
/** NULL when there was no memory for it, or its TLS could not be set up. */
struct link *link_of(struct MHD_Connection *conn);
/** A request has begun, and is over. @p now_ns  deadline_now_ns() */
void link_begin(struct link *k);
void link_end(struct link *k, int64_t now_ns);
/** Who it is; valid as long as the connection. The first call judges a client's certificate.
 *  @return ERR_OK; ERR_CRYPTO as tls_check_peer() */
enum err link_peer(struct link *k, struct MHD_Connection *conn, const struct peer **out);
#endif
