/* handlers: one function an operation; routes.c says which. Each parses, validates, makes one call
 * into the service and answers. */
#ifndef API_HANDLERS_H
#define API_HANDLERS_H

#include "api/reply.h"
#include "api/request.h"
#include "api/server.h"

/* handlers/metrics.c */
struct reply handle_metrics(struct request *rq, const struct service *svc);

/* handlers/system.c */
struct reply handle_health(struct request *rq, const struct service *svc);
struct reply handle_readiness(struct request *rq, const struct service *svc);
struct reply handle_contract_yaml(struct request *rq, const struct service *svc);
struct reply handle_contract_json(struct request *rq, const struct service *svc);

/* ui.c: the dashboard */
struct reply handle_ui(struct request *rq, const struct service *svc);
struct reply handle_ui_file(struct request *rq, const struct service *svc);

/* slots.c */
struct reply handle_port_list(struct request *rq, const struct service *svc);
struct reply handle_slot_list(struct request *rq, const struct service *svc);
struct reply handle_slot_get(struct request *rq, const struct service *svc);
struct reply handle_slot_put(struct request *rq, const struct service *svc);
struct reply handle_slot_delete(struct request *rq, const struct service *svc);
struct reply handle_slot_pause(struct request *rq, const struct service *svc);
struct reply handle_slot_drain(struct request *rq, const struct service *svc);
struct reply handle_slot_resume(struct request *rq, const struct service *svc);

/* profiles.c */
struct reply handle_profile_list(struct request *rq, const struct service *svc);
struct reply handle_profile_get(struct request *rq, const struct service *svc);
struct reply handle_profile_put(struct request *rq, const struct service *svc);
struct reply handle_profile_delete(struct request *rq, const struct service *svc);

/* clouds.c */
struct reply handle_cloud_list(struct request *rq, const struct service *svc);
struct reply handle_cloud_get(struct request *rq, const struct service *svc);
struct reply handle_cloud_put(struct request *rq, const struct service *svc);
struct reply handle_cloud_delete(struct request *rq, const struct service *svc);
struct reply handle_cloud_test(struct request *rq, const struct service *svc);

/* inspect.c */
struct reply handle_credential_inspect(struct request *rq, const struct service *svc);

/* credentials.c */
struct reply handle_credential_validate(struct request *rq, const struct service *svc);
struct reply handle_credential_create(struct request *rq, const struct service *svc);
struct reply handle_credential_list(struct request *rq, const struct service *svc);
struct reply handle_credential_get(struct request *rq, const struct service *svc);
struct reply handle_credential_delete(struct request *rq, const struct service *svc);

/* csr.c: keys made here */
struct reply handle_csr_create(struct request *rq, const struct service *svc);
struct reply handle_csr_list(struct request *rq, const struct service *svc);
struct reply handle_csr_get(struct request *rq, const struct service *svc);
struct reply handle_csr_delete(struct request *rq, const struct service *svc);
struct reply handle_csr_answer(struct request *rq, const struct service *svc);

/* authorities.c */
struct reply handle_authority_create(struct request *rq, const struct service *svc);
struct reply handle_authority_list(struct request *rq, const struct service *svc);
struct reply handle_authority_get(struct request *rq, const struct service *svc);
struct reply handle_authority_delete(struct request *rq, const struct service *svc);
struct reply handle_authority_sign(struct request *rq, const struct service *svc);

/* registrations.c: things at clouds */
struct reply handle_registration_create(struct request *rq, const struct service *svc);
struct reply handle_registration_list(struct request *rq, const struct service *svc);
struct reply handle_registration_get(struct request *rq, const struct service *svc);
struct reply handle_registration_delete(struct request *rq, const struct service *svc);

/* firmware.c */
struct reply handle_firmware_create(struct request *rq, const struct service *svc);
struct reply handle_firmware_list(struct request *rq, const struct service *svc);
struct reply handle_firmware_get(struct request *rq, const struct service *svc);
struct reply handle_firmware_delete(struct request *rq, const struct service *svc);

/* images.c: kept sets of images; convert.c: bytes in, bytes out */
struct reply handle_images_create(struct request *rq, const struct service *svc);
struct reply handle_images_get(struct request *rq, const struct service *svc);
struct reply handle_image_file(struct request *rq, const struct service *svc);
struct reply handle_atpki(struct request *rq, const struct service *svc);
struct reply handle_mfg_nvs(struct request *rq, const struct service *svc);
struct reply handle_partition_table(struct request *rq, const struct service *svc);

/* jobs.c */
struct reply handle_job_create(struct request *rq, const struct service *svc);
/** The answer to the request that made job rq->job, once more. */
struct reply handle_job_repeat(struct request *rq, const struct service *svc);
struct reply handle_job_list(struct request *rq, const struct service *svc);
struct reply handle_job_get(struct request *rq, const struct service *svc);
struct reply handle_job_cancel(struct request *rq, const struct service *svc);
struct reply handle_job_retry(struct request *rq, const struct service *svc);
struct reply handle_job_log(struct request *rq, const struct service *svc);
struct reply handle_job_data(struct request *rq, const struct service *svc);
struct reply handle_job_data_delete(struct request *rq, const struct service *svc);

/* events.c */
struct reply handle_events(struct request *rq, const struct service *svc);
struct reply handle_job_events(struct request *rq, const struct service *svc);

/* backups.c */
struct reply handle_backup_list(struct request *rq, const struct service *svc);
struct reply handle_backup_get(struct request *rq, const struct service *svc);
struct reply handle_backup_delete(struct request *rq, const struct service *svc);

/* tokens.c */
struct reply handle_me(struct request *rq, const struct service *svc);
struct reply handle_token_create(struct request *rq, const struct service *svc);
struct reply handle_token_list(struct request *rq, const struct service *svc);
struct reply handle_token_get(struct request *rq, const struct service *svc);
struct reply handle_token_revoke(struct request *rq, const struct service *svc);

/* webhooks.c */
struct reply handle_webhook_create(struct request *rq, const struct service *svc);
struct reply handle_webhook_list(struct request *rq, const struct service *svc);
struct reply handle_webhook_get(struct request *rq, const struct service *svc);
struct reply handle_webhook_delete(struct request *rq, const struct service *svc);
struct reply handle_webhook_test(struct request *rq, const struct service *svc);
struct reply handle_delivery_list(struct request *rq, const struct service *svc);
struct reply handle_delivery_get(struct request *rq, const struct service *svc);
struct reply handle_delivery_retry(struct request *rq, const struct service *svc);

/* audit.c */
struct reply handle_audit_list(struct request *rq, const struct service *svc);

/* devices.c */
struct reply handle_device_list(struct request *rq, const struct service *svc);
struct reply handle_device_get(struct request *rq, const struct service *svc);
#endif
