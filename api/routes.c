/* routes: every operation of the service, once. Nothing registers a route elsewhere; openapi.yaml
 * has the same list, and a contract test compares the two. */
#include "api/route.h"

#include <stdio.h>

#include "api/handlers.h"
#include "api/server.h"
#include "service/base/limits.h"

/* Images, and what was read from a flash, may hold a private key, so they ask for more than reading
 * does. */
#define PUBLIC   SCOPE_PUBLIC
#define VIEWER   SCOPE_VIEWER
#define OPERATOR SCOPE_OPERATOR
#define ENGINEER SCOPE_ENGINEER
#define ADMIN    SCOPE_ADMIN

enum { JSON = LIMIT_JSON_BODY, UPLOAD = LIMIT_UPLOAD_BODY, TABLE = 64 * 1024 };
enum { CREDENTIAL = BODY_JSON | BODY_MULTIPART | BODY_SLOW, TABLES = BODY_CSV | BODY_BINARY };
enum { FIRMWARE = BODY_STREAM | BODY_BINARY | BODY_ZIP | BODY_MULTIPART };

static const struct route table[] = {
    {"GET", "/healthz", "getHealth", PUBLIC, "", 0, 0, handle_health},
    {"GET", "/readyz", "getReadiness", PUBLIC, "", ROUTE_WAITS, 0, handle_readiness},
    {"GET", "/metrics", "getMetrics", VIEWER, "", 0, 0, handle_metrics},
    {"GET", "/", "getDashboard", PUBLIC, "", 0, 0, handle_ui},
    {"GET", "/ui/{version}/{file}", "getDashboardFile", PUBLIC, "", 0, 0, handle_ui_file},
    {"GET", "/ui/{version}/{folder}/{file}", "getDashboardFolderFile", PUBLIC, "", 0, 0,
     handle_ui_file},
    {"GET", "/openapi.yaml", "getContractYaml", PUBLIC, "", 0, 0, handle_contract_yaml},
    {"GET", "/openapi.json", "getContractJson", PUBLIC, "", 0, 0, handle_contract_json},

    {"GET", "/v1/me", "getMe", VIEWER, "", 0, 0, handle_me},
    {"GET", "/v1/ports", "listPorts", VIEWER, "", 0, 0, handle_port_list},
    {"GET", "/v1/slots", "listSlots", VIEWER, "", 0, 0, handle_slot_list},
    {"GET", "/v1/slots/{name}", "getSlot", VIEWER, "", 0, 0, handle_slot_get},
    {"PUT", "/v1/slots/{name}", "putSlot", ENGINEER, "", BODY_JSON, JSON, handle_slot_put},
    {"DELETE", "/v1/slots/{name}", "deleteSlot", ENGINEER, "", 0, 0, handle_slot_delete},
    {"POST", "/v1/slots/{name}/pause", "pauseSlot", OPERATOR, "", 0, 0, handle_slot_pause},
    {"POST", "/v1/slots/{name}/drain", "drainSlot", OPERATOR, "", 0, 0, handle_slot_drain},
    {"POST", "/v1/slots/{name}/resume", "resumeSlot", OPERATOR, "", 0, 0, handle_slot_resume},

    {"POST", "/v1/credentials/validate", "validateCredential", OPERATOR, "allow ", CREDENTIAL,
     UPLOAD, handle_credential_validate},
    {"POST", "/v1/credentials", "createCredential", OPERATOR, "allow certificate ",
     CREDENTIAL | ROUTE_CREATES | BODY_MANY, UPLOAD, handle_credential_create},
    {"POST", "/v1/credentials/inspect", "inspectCredentials", OPERATOR, "allow ", CREDENTIAL,
     LIMIT_DROP_BODY, handle_credential_inspect},
    {"GET", "/v1/credentials", "listCredentials", VIEWER, "limit cursor ", 0, 0,
     handle_credential_list},
    {"GET", "/v1/credentials/{id}", "getCredential", VIEWER, "", 0, 0, handle_credential_get},
    {"DELETE", "/v1/credentials/{id}", "deleteCredential", OPERATOR, "", 0, 0,
     handle_credential_delete},

    {"POST", "/v1/credentials/csr", "createCsr", OPERATOR, "",
     BODY_JSON | BODY_SLOW | ROUTE_CREATES, JSON, handle_csr_create},
    {"GET", "/v1/credentials/csr", "listCsrs", VIEWER, "limit cursor ", 0, 0, handle_csr_list},
    {"GET", "/v1/credentials/csr/{id}", "getCsr", VIEWER, "", 0, 0, handle_csr_get},
    {"DELETE", "/v1/credentials/csr/{id}", "deleteCsr", OPERATOR, "", 0, 0, handle_csr_delete},
    {"POST", "/v1/credentials/csr/{id}", "answerCsr", OPERATOR, "allow authority ",
     CREDENTIAL | ROUTE_CREATES, UPLOAD, handle_csr_answer},

    {"POST", "/v1/authorities", "createAuthority", ENGINEER, "",
     BODY_JSON | BODY_SLOW | ROUTE_CREATES, JSON, handle_authority_create},
    {"GET", "/v1/authorities", "listAuthorities", VIEWER, "limit cursor ", 0, 0,
     handle_authority_list},
    {"GET", "/v1/authorities/{id}", "getAuthority", VIEWER, "", 0, 0, handle_authority_get},
    {"DELETE", "/v1/authorities/{id}", "deleteAuthority", ENGINEER, "", 0, 0,
     handle_authority_delete},
    {"POST", "/v1/authorities/{id}/certificates", "signCertificate", OPERATOR, "",
     BODY_JSON | ROUTE_CREATES, JSON, handle_authority_sign},

    {"GET", "/v1/profiles", "listProfiles", VIEWER, "limit cursor ", 0, 0, handle_profile_list},
    {"GET", "/v1/profiles/{name}", "getProfile", VIEWER, "", 0, 0, handle_profile_get},
    {"PUT", "/v1/profiles/{name}", "putProfile", ENGINEER, "", BODY_JSON, JSON, handle_profile_put},
    {"DELETE", "/v1/profiles/{name}", "deleteProfile", ENGINEER, "", 0, 0, handle_profile_delete},

    {"GET", "/v1/clouds", "listClouds", VIEWER, "limit cursor ", 0, 0, handle_cloud_list},
    {"GET", "/v1/clouds/{name}", "getCloud", VIEWER, "", 0, 0, handle_cloud_get},
    {"PUT", "/v1/clouds/{name}", "putCloud", ADMIN, "", BODY_JSON, JSON, handle_cloud_put},
    {"DELETE", "/v1/clouds/{name}", "deleteCloud", ADMIN, "", 0, 0, handle_cloud_delete},
    {"POST", "/v1/clouds/{name}/test", "testCloud", ENGINEER, "", ROUTE_CALLS, 0,
     handle_cloud_test},

    {"POST", "/v1/registrations", "createRegistration", OPERATOR, "",
     BODY_JSON | BODY_SLOW | ROUTE_CREATES, JSON, handle_registration_create},
    {"GET", "/v1/registrations", "listRegistrations", VIEWER, "cloud thing state job limit cursor ",
     0, 0, handle_registration_list},
    {"GET", "/v1/registrations/{id}", "getRegistration", VIEWER, "", 0, 0, handle_registration_get},
    {"DELETE", "/v1/registrations/{id}", "deleteRegistration", OPERATOR, "forget ", 0, 0,
     handle_registration_delete},

    {"POST", "/v1/firmware", "createFirmware", ENGINEER, "name ", FIRMWARE | ROUTE_CREATES,
     LIMIT_FIRMWARE, handle_firmware_create},
    {"GET", "/v1/firmware", "listFirmware", VIEWER, "limit cursor ", 0, 0, handle_firmware_list},
    {"GET", "/v1/firmware/{id}", "getFirmware", VIEWER, "", 0, 0, handle_firmware_get},
    {"DELETE", "/v1/firmware/{id}", "deleteFirmware", ENGINEER, "", 0, 0, handle_firmware_delete},

    {"POST", "/v1/images", "createImages", ENGINEER, "", BODY_JSON | ROUTE_CREATES, JSON,
     handle_images_create},
    {"GET", "/v1/images/{id}", "getImages", ENGINEER, "", ROUTE_SECRET, 0, handle_images_get},
    {"GET", "/v1/images/{id}/{file}", "getImageFile", ENGINEER, "", ROUTE_SECRET, 0,
     handle_image_file},
    {"POST", "/v1/images/atpki", "buildAtpki", OPERATOR, "", BODY_MULTIPART, UPLOAD, handle_atpki},
    {"POST", "/v1/images/mfg-nvs", "buildMfgNvs", OPERATOR, "size style ", BODY_MULTIPART, UPLOAD,
     handle_mfg_nvs},
    {"POST", "/v1/images/partition-table", "convertPartitionTable", OPERATOR, "md5 ", TABLES, TABLE,
     handle_partition_table},

    {"POST", "/v1/jobs", "createJob", OPERATOR, "", BODY_JSON | ROUTE_CREATES, JSON,
     handle_job_create},
    {"GET", "/v1/jobs", "listJobs", VIEWER, "slot kind state credential firmware limit cursor ", 0,
     0, handle_job_list},
    {"GET", "/v1/jobs/{id}", "getJob", VIEWER, "wait ", 0, 0, handle_job_get},
    {"POST", "/v1/jobs/{id}/cancel", "cancelJob", OPERATOR, "", 0, 0, handle_job_cancel},
    {"POST", "/v1/jobs/{id}/retry", "retryJob", OPERATOR, "", ROUTE_CREATES, 0, handle_job_retry},
    {"GET", "/v1/jobs/{id}/log", "getJobLog", VIEWER, "", 0, 0, handle_job_log},
    {"GET", "/v1/jobs/{id}/events", "streamJobEvents", VIEWER, "types last_event_id ", 0, 0,
     handle_job_events},
    {"GET", "/v1/events", "streamEvents", VIEWER, "types slot last_event_id ", 0, 0, handle_events},
    {"GET", "/v1/jobs/{id}/data", "getJobData", ENGINEER, "", ROUTE_SECRET, 0, handle_job_data},
    {"DELETE", "/v1/jobs/{id}/data", "deleteJobData", ENGINEER, "", 0, 0, handle_job_data_delete},

    {"GET", "/v1/backups", "listBackups", VIEWER, "mac limit cursor ", 0, 0, handle_backup_list},
    {"GET", "/v1/backups/{id}", "getBackup", VIEWER, "", 0, 0, handle_backup_get},
    {"DELETE", "/v1/backups/{id}", "deleteBackup", ENGINEER, "", 0, 0, handle_backup_delete},

    {"POST", "/v1/webhooks", "createWebhook", ENGINEER, "", BODY_JSON | ROUTE_CREATES, JSON,
     handle_webhook_create},
    {"GET", "/v1/webhooks", "listWebhooks", ENGINEER, "limit cursor ", 0, 0, handle_webhook_list},
    {"GET", "/v1/webhooks/{id}", "getWebhook", ENGINEER, "", 0, 0, handle_webhook_get},
    {"DELETE", "/v1/webhooks/{id}", "deleteWebhook", ENGINEER, "", 0, 0, handle_webhook_delete},
    {"POST", "/v1/webhooks/{id}/test", "testWebhook", ENGINEER, "", 0, 0, handle_webhook_test},
    {"GET", "/v1/webhooks/{id}/deliveries", "listDeliveries", ENGINEER, "limit cursor ", 0, 0,
     handle_delivery_list},
    {"GET", "/v1/webhooks/{id}/deliveries/{delivery}", "getDelivery", ENGINEER, "", 0, 0,
     handle_delivery_get},
    {"POST", "/v1/webhooks/{id}/deliveries/{delivery}/retry", "retryDelivery", ENGINEER, "", 0, 0,
     handle_delivery_retry},

    {"GET", "/v1/audit", "listAudit", ADMIN, "actor action slot mac job outcome limit cursor ",
     ROUTE_SECRET, 0, handle_audit_list},

    {"GET", "/v1/devices", "listDevices", VIEWER, "q limit cursor ", 0, 0, handle_device_list},
    {"GET", "/v1/devices/{mac}", "getDevice", VIEWER, "", 0, 0, handle_device_get},

    {"POST", "/v1/tokens", "createToken", ADMIN, "", BODY_JSON | ROUTE_CREATES, JSON,
     handle_token_create},
    {"GET", "/v1/tokens", "listTokens", ADMIN, "limit cursor ", ROUTE_SECRET, 0, handle_token_list},
    {"GET", "/v1/tokens/{id}", "getToken", ADMIN, "", ROUTE_SECRET, 0, handle_token_get},
    {"DELETE", "/v1/tokens/{id}", "revokeToken", ADMIN, "", 0, 0, handle_token_revoke},
};

const struct route *routes_table(size_t *n_out)
{
    *n_out = sizeof table / sizeof *table;
    return table;
}

void server_print_routes(FILE *out)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        fprintf(out, "%s %s %s %s\n", table[i].method, table[i].path, table[i].operation,
                scope_name(table[i].scope));
}
