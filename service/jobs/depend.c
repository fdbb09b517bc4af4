/* depend: jobs that wait for another one. A job in memory tells how it stands; one that is not
 * there has ended for good, and the store knows how. */
#include <string.h>

#include "service/jobs/worker.h"

static enum dependency of_state(enum job_state s)
{
    if (!job_state_is_final(s)) return DEPENDENCY_OPEN;
    return s == JOB_SUCCEEDED ? DEPENDENCY_MET : DEPENDENCY_FAILED;
}

static bool has_ended(const struct job *job)
{
    return job->phase == PHASE_ENDED;
}

bool depend_enter(struct jobs *j, struct job *job, enum job_state known)
{
    if (!job->depends_on[0]) return true;
    const struct job *other = table_find(&j->table, job->depends_on);
    if (other)
        job->dependency = has_ended(other) ? of_state(other->view->state) : DEPENDENCY_OPEN;
    else
        job->dependency = of_state(known);
    bool open = job->dependency == DEPENDENCY_OPEN;
    if (open && !other) return false;
    if (open) j->waiting++;
    return true;
}

void depend_leave(struct jobs *j, struct job *job)
{
    if (job->dependency == DEPENDENCY_OPEN) j->waiting--;
    job->dependency = DEPENDENCY_MET;
}

static void settle(struct jobs *j, struct job *job, enum dependency outcome)
{
    j->waiting--;
    job->dependency = outcome;
    pthread_cond_signal(outcome == DEPENDENCY_MET ? &job->worker->work : &j->clock_wake);
}

/* Also those that are being stored now. */
void depend_settle(struct jobs *j, const struct job *job, enum job_state ended)
{
    for (size_t i = 0; j->waiting && i < JOB_BUCKETS; i++)
        for (struct job *at = j->table.buckets[i]; at; at = at->chain)
            if (at->dependency == DEPENDENCY_OPEN && strcmp(at->depends_on, job->id) == 0)
                settle(j, at, of_state(ended));
}
