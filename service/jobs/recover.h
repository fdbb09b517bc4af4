/* recover: what a former process left in the store. */
#ifndef SERVICE_JOBS_RECOVER_H
#define SERVICE_JOBS_RECOVER_H

#include "service/base/err.h"

struct jobs;

/** Jobs left running become interrupted, queued ones go back into their queues. Before any thread
 * of jobs runs. @return ERR_OK, ERR_IO, ERR_MEM */
enum err recover_queue(struct jobs *j);
#endif
