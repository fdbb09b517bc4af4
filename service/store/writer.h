/* writer: the one thread that writes. Callers hand it operations and wait; what has gathered is
 * committed together, so that one sync serves many. Private to service/store. */
#ifndef SERVICE_STORE_WRITER_H
#define SERVICE_STORE_WRITER_H

#include "service/base/err.h"
#include "service/store/db.h"

struct writer; /* opaque, thread-safe */

/** An operation. It runs on the writer's thread inside a savepoint and may run twice (when a whole
 * group had to be undone), so it sets its outputs anew each time. */
typedef enum err (*write_fn)(struct db *db, void *arg);

/** @param db  taken over: the writer closes it */
enum err writer_start(struct db *db, struct writer **out);
/** Called on the writer's thread once an operation is on the disk, in the order of the commits. */
typedef void (*written_fn)(void *arg);

/** Run @p fn and wait until it is on the disk.
 *  @param then  called before this returns; NULL allowed
 *  @return its error, or that of the commit */
enum err writer_do(struct writer *w, write_fn fn, void *arg, written_fn then, void *then_arg);
/** Fold the write-ahead log into the database, as far as readers let it. On the thread that writes:
 * from any other one it would have to wait for a moment in which nothing is written, and would keep
 * the writer out for as long as a reader lasts. @return ERR_OK, ERR_IO */
enum err writer_fold(struct writer *w);
/** Commit what was handed in, join, close. NULL allowed. */
void writer_stop(struct writer *w);
#endif
