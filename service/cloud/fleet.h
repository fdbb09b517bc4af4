/* fleet: AWS's fleet provisioning over MQTT, from this machine: a claim certificate is exchanged
 * for a device's own. Steps are single, so that what was got is stored in between. Blocking; one
 * thread. */
#ifndef SERVICE_CLOUD_FLEET_H
#define SERVICE_CLOUD_FLEET_H

#include <jansson.h>

#include "service/base/buf.h"
#include "service/base/cancel.h"
#include "service/base/deadline.h"
#include "service/base/err.h"
#include "service/cloud/aws_iot.h"

struct fleet_access {
    const char *host;
    int port;
    const char *certificate_pem, *key_pem, *root_ca_pem; /* the claim's */
    const char *client_id;
    const char *alpn; /* "" = none */
};
struct fleet; /* opaque: a connection */

/** @return ERR_OK; errors of mqtt_check.h; ERR_CLOUD with code claim_refused: the broker dropped
 * the claim certificate */
enum err fleet_open(const struct fleet_access *access, struct cancel *cancel, struct deadline until,
                    struct fleet **out);
void fleet_close(struct fleet *f); /* NULL allowed */
/** A certificate for a request. Unclaimed, AWS deletes it within an hour.
 *  @param out  id and PEM; its ARN and status are not said: the template decides whether it is
 * ACTIVE once it is claimed. Dispose it always.
 *  @param token_out  init it with buf_init_secret: what it is claimed with
 *  @return ERR_OK; ERR_CLOUD with code claim_rejected, AWS's words in device, or claim_refused: cut
 * off instead of an answer; ERR_BUSY with code aws_throttled, also after waiting; ERR_PROTOCOL with
 * code aws_bad_answer; ERR_TIMEOUT with code aws_outcome_unknown; ERR_CANCELLED. After an error,
 * open another. */
enum err fleet_create_certificate(struct fleet *f, const char *csr_pem, struct deadline until,
                                  struct iot_certificate *out, struct buf *token_out);
/** Claim it. @param parameters  object of strings; NULL = none @param thing_out  as the template
 * named it; "" = it makes no thing
 *  @param configuration_out  deviceConfiguration, or NULL; release with json_decref()
 *  @return as fleet_create_certificate(); claim_refused only before anything was asked for, so that
 * nothing has happened then; ERR_ARG: no name of a template */
enum err fleet_register(struct fleet *f, const char *template_name, const char *token,
                        json_t *parameters, struct deadline until, char thing_out[129],
                        json_t **configuration_out);
#endif
