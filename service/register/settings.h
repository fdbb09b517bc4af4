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
 * means the same one, but only with the same access_key_id and control endpoint; so does
 * "session_token_set". control.root_ca also judges the credential provider. */
#ifndef SERVICE_REGISTER_SETTINGS_H
#define SERVICE_REGISTER_SETTINGS_H

#include <jansson.h>

#include "service/base/id.h"
#include "service/base/json_in.h"
#include "service/cloud/aws_account.h"
#include "service/store/clouds.h"

enum cloud_keys_from {
    KEYS_FROM_REQUEST,
    KEYS_FROM_ENVIRONMENT,
    KEYS_FROM_FILE,
    KEYS_FROM_PROVIDER,
    KEYS_FROM_NONE
};
/** "request", "environment" … as "keys.from" has it. */
const char *cloud_keys_from_name(enum cloud_keys_from from);

enum { CLOUD_ENDPOINT = 254, CLOUD_URL = 281, CLOUD_CA = 16 * 1024 + 1 };

struct cloud_provider {
    char endpoint[CLOUD_ENDPOINT]; /* host[:port] */
    char role_alias[129], thing[129];
    char credential[ID_TEXT]; /* of espgate: the one that the thing has */
};

/** All of it. Holds secrets: cloud_settings_free(). */
struct cloud_settings {
    char region[AWS_REGION];
    enum cloud_keys_from keys_from;
    struct aws_keys keys;           /* KEYS_FROM_REQUEST */
    char profile[65];               /* KEYS_FROM_FILE; "" = what the environment says */
    struct cloud_provider provider; /* KEYS_FROM_PROVIDER */
    char control_endpoint[CLOUD_URL], control_ca[CLOUD_CA]; /* "" = AWS's own */
    char data_endpoint[CLOUD_ENDPOINT], data_ca[CLOUD_CA];  /* "" = asked for, the system's */
    int mqtt_port, https_port;
    unsigned rate_percent;
};

/** @param settings  the body @param former  what is kept now; NULL = nothing
 *  @param[out] moved_out  calls go elsewhere than with @p former
 *  @return ERR_OK; ERR_ARG with every fault in @p errors: code bad_body, or what is wrong with an
 * address alone (iot_endpoint.h); ERR_MEM */
enum err cloud_make(const char *name, json_t *settings, const struct named_settings *former,
                    struct named_settings *out, bool *moved_out, struct field_errors *errors);
/** {"name","changed_at","settings"}. @return new reference; NULL: no memory, or unreadable */
json_t *cloud_to_json(const struct named_settings *r);
/** What cloud_make() made. @return ERR_OK; ERR_IO with code store_corrupt; ERR_MEM */
enum err cloud_settings_of(const struct named_settings *r, struct cloud_settings **out);
void cloud_settings_free(struct cloud_settings *s); /* NULL allowed */

/** The part that is no secret, and is needed beside the account. */
struct cloud_view {
    char name[64], region[AWS_REGION];
    int64_t changed_ms; /* of the settings */
    enum cloud_keys_from keys_from;
    char data_endpoint[CLOUD_ENDPOINT]; /* "" = asked for */
    int mqtt_port, https_port;
    char *data_root_ca; /* heap; NULL = the system's */
};
void cloud_view_dispose(struct cloud_view *v);
#endif
