/* verdict_host: what the host's check of the credential, and the cloud, say about the board's
 * failure. For the verdict's own files. */
#ifndef SERVICE_JOBS_VERDICT_HOST_H
#define SERVICE_JOBS_VERDICT_HOST_H

#include "service/jobs/verdict.h"

bool host_failed(const struct check_evidence *e);
/** Did it come through @p stage? */
bool host_passed(const struct check_evidence *e, enum mqtt_stage stage);
/** Did it not even come to the broker? */
bool host_was_lost(const struct check_evidence *e);
/** Why it failed; VERDICT_WORKS when it did not, or not because of the credential or the broker. */
enum verdict_code host_verdict(const struct check_evidence *e);

/** What the cloud says, as far as it explains the step that failed; VERDICT_WORKS: nothing. */
enum verdict_code cloud_verdict(const struct check_evidence *e);

/** What a broker's certificate means that the root CA does not verify. */
enum verdict_code host_untrusted(const struct check_evidence *e);
/** What it means that the broker says no to the client's certificate. */
enum verdict_code host_refused_certificate(const struct check_evidence *e);
#endif
