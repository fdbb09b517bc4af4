/* settings: what PUT /v1/clouds/{name} takes, judged, kept and shown.
 *
 * {"provider":"aws", "region":"us-east-2",
 *  "keys":{"from":"request","access_key_id","secret_access_key","session_token"?}
 *       | {"from":"environment"} | {"from":"file","profile"?}
 *       | {"from":"credential_provider","endpoint","role_alias","thing","credential":"cred_…"}
 *       | {"from":"none"},                    no keys on this bench: claims only
 *  "control"?:{"endpoint"?,"root_ca"?},       another control plane, e.g. a stand-in
 *  "data"?:{"endpoint"?,"mqtt_port"?,"https_port"?,"root_ca"?},
 *  "rate"?:1…100}                             percent of AWS's default rates; 80
 *
 * A secret that came in never goes out: "secret_access_key_set":true stands for it, and sent back
 * means the same one, but only with the same access_key_id and control endpoint. */
#ifndef SERVICE_REGISTER_SETTINGS_H
#define SERVICE_REGISTER_SETTINGS_H

#include <jansson.h>

#include "service/base/json_in.h"
#include "service/store/clouds.h"

enum cloud_keys_from {
    KEYS_FROM_REQUEST,
    KEYS_FROM_ENVIRONMENT,
    KEYS_FROM_FILE,
    KEYS_FROM_PROVIDER,
    KEYS_FROM_NONE
};

/** @param settings  the body @param former  what is kept now; NULL = nothing
 *  @return ERR_OK; ERR_ARG with code bad_body and every fault in @p errors; ERR_MEM */
enum err cloud_make(const char *name, json_t *settings, const struct cloud_record *former,
                    struct cloud_record *out, struct field_errors *errors);
/** As it is shown. @return new reference */
json_t *cloud_to_json(const struct cloud_record *r);

/** The part that is no secret, and is needed beside the account. */
struct cloud_view {
    char name[64], region[32];
    enum cloud_keys_from keys_from;
    char data_endpoint[254]; /* "" = asked for */
    int mqtt_port, https_port;
    char *data_root_ca; /* heap; NULL = the system's */
};
void cloud_view_dispose(struct cloud_view *v);
#endif
