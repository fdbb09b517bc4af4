/* wire: what a transfer through the loader cost, and how far it has come. */
#ifndef SERVICE_JOBS_WIRE_H
#define SERVICE_JOBS_WIRE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "service/jobs/session.h"

/** From here on it is counted. */
void wire_begin(struct session *s);
/** Add bytes_out, bytes_in, commands, retries, baud, slowdowns and ms since wire_begin() to @p
 * object. While the loader is there. */
void wire_report(const struct session *s, json_t *object);
/** Add written_bytes and erased_bytes, of flash, since then. */
void wire_report_changes(const struct session *s, json_t *object);

/** Read flash, kept out of the transcript: it may hold keys. @param out  as flasher_read() takes it
 *  @return flasher_read()'s errors */
enum err wire_read(struct session *s, uint32_t offset, uint8_t *out, uint32_t n);

/** The progress of one part as that of the whole. */
struct wire_part {
    struct session *session;
    uint64_t before, total; /* bytes: done before this part, and of all */
    uint32_t size;          /* of this part */
};
/** A flasher_progress_fn; @p arg is a struct wire_part. */
void wire_part_done(size_t done, size_t total, void *arg);
#endif
