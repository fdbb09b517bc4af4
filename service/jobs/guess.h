/* guess: what a partition of a board probably holds. What is guessed right need not be read, which
 * takes long; the board's own MD5 tells, so that a wrong guess costs nothing. */
#ifndef SERVICE_JOBS_GUESS_H
#define SERVICE_JOBS_GUESS_H

#include "service/base/buf.h"
#include "service/base/err.h"
#include "service/jobs/session.h"

/** The newest backup of this place. @param mac  of this board; "" = of any
 *  @return ERR_OK; ERR_NOT_FOUND; the store's errors */
enum err guess_backup(const struct session *s, const char *mac, const struct partition *p,
                      char id_out[ID_TEXT]);
/** Append p->size bytes. @param out  empty, made with buf_init_secret() @return ERR_OK, ERR_MEM */
enum err guess_content(const struct session *s, const struct partition *p, struct buf *out);
#endif
