/* run: a command's kind → its list of steps. */
#ifndef SERVICE_JOBS_RUN_H
#define SERVICE_JOBS_RUN_H

#include "service/base/err.h"
#include "service/jobs/context.h"

/** The job_run_fn of the service. */
enum err run_command(struct job_context *ctx);
#endif
