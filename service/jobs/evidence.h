/* evidence: collects what the steps of a check saw, asks board, log and host for more when one
 * failed, and gives the job its verdict (verdict.h). */
#ifndef SERVICE_JOBS_EVIDENCE_H
#define SERVICE_JOBS_EVIDENCE_H

#include "service/jobs/session.h"

/** Before the first step: what is asked of the board. */
void evidence_begin(struct session *s);
/** What the board has logged since the last call is taken in. */
void evidence_hear(struct session *s);
/** The step @p stage failed with @p e. When that is about the network, the credential or the
 * broker, find out why: result.verdict, and the error of the job.
 *  @return the verdict as the error of this thread; @p e as it is when nothing can be said about
 * it (a cancel, a port that is gone, a board that restarts) */
enum err evidence_failed(struct session *s, enum check_stage stage, enum err e);
/** All steps that were asked for have succeeded on the board: result.verdict, with what is wrong
 * all the same. Again after the host's check.
 *  @return ERR_OK; the verdict when there is one against the broker, which only the host tried */
enum err evidence_passed(struct session *s);
#endif
