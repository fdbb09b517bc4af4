/* keeper: registrations that no job works at: those that stand alone (POST /v1/registrations),
 * those that are to be undone (DELETE), and after a start all that the process before left: what
 * stood alone goes on, what belonged to a job that was interrupted is undone. A few threads,
 * started when there is work. */
#ifndef SERVICE_REGISTER_KEEPER_H
#define SERVICE_REGISTER_KEEPER_H

#include "service/register/register.h"

struct keeper; /* opaque, thread-safe */

enum err keeper_new(struct store *s, struct accounts *a, struct keeper **out);
/** What a former process left. Once, after the jobs have been recovered; they may run already.
 * @return ERR_OK, ERR_IO */
enum err keeper_recover(struct keeper *k);
/** Register and activate. @return as register_begin(); *out is a copy of the record at its
 * beginning */
enum err keeper_add(struct keeper *k, const struct register_order *o,
                    struct registration_record *out);
/** Undo it. @return ERR_OK; ERR_NOT_FOUND; ERR_CONFLICT with code registration_busy: a job that has
 * not ended makes it, or works with its credential */
enum err keeper_undo(struct keeper *k, const char *id);
/** A job leaves one that it could not undo in time. */
void keeper_take(struct keeper *k, const char *id);
/** Stops its threads, each at its next call. NULL allowed. */
void keeper_free(struct keeper *k);
#endif
