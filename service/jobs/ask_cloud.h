/* ask_cloud: where the broker is AWS's, or that of a cloud that the order names: why does it refuse
 * the credential? */
#ifndef SERVICE_JOBS_ASK_CLOUD_H
#define SERVICE_JOBS_ASK_CLOUD_H

#include "service/jobs/session.h"

/** Into s->evidence.cloud, once. Does nothing where the refusal is not the broker's, and never
 * calls anything but AWS and what a cloud's settings name.
 *  @param one  whose; NULL = not known, and nothing can be asked */
void ask_cloud(struct session *s, const struct credential *one);
#endif
