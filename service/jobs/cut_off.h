/* cut_off: was a job ended while it wrote a partition, and has nobody put that right since? Then
 * the partition may hold parts of two contents and still read well (what went from one page to
 * another is in neither), so nothing of it may be taken over. */
#ifndef SERVICE_JOBS_CUT_OFF_H
#define SERVICE_JOBS_CUT_OFF_H

#include "service/base/err.h"
#include "service/jobs/session.h"

/** @param now  what the partition holds
 *  @return ERR_OK; ERR_CONFLICT with code write_was_cut_off, and the backup to put back in the
 * hint; the store's errors */
enum err cut_off_refuse(const struct session *s, const struct partition *p,
                        const struct secret *now);
#endif
