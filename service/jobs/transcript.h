/* transcript: what passed on the ports of a job, as JSON lines: bursts of bytes joined, secrets as
 * their length only. It is bounded: the beginning and the end are kept, and what was dropped
 * between them is told. Thread-safe: a worker writes while others read. */
#ifndef SERVICE_JOBS_TRANSCRIPT_H
#define SERVICE_JOBS_TRANSCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/base/buf.h"
#include "service/base/err.h"

struct transcript; /* opaque, counted */

/** Its times count from now. @return NULL when there is no memory */
struct transcript *transcript_new(void);
struct transcript *transcript_ref(struct transcript *t);
/** The last one frees it; NULL allowed. */
void transcript_unref(struct transcript *t);
/** @param port  "download" or "at"; must outlive the transcript. @param data  NULL: secret, only
 * its length is kept */
void transcript_bytes(struct transcript *t, const char *port, bool from_board, const uint8_t *data,
                      size_t n);
void transcript_note(struct transcript *t, const char *text);
/** Append all lines. @return ERR_OK, ERR_MEM, ERR_TOO_LARGE */
enum err transcript_render(struct transcript *t, struct buf *out);
#endif
