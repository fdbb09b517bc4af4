/* aws_sources: where the keys of an account may come from. Each fills in keys, keys_arg and
 * keys_free of @p c, and looks only when it is called: keys in files may be renewed at any time.
 *
 * Errors of the sources, when they are called:
 *  keys_missing ERR_CONFLICT      there are none where they were looked for
 *  keys_incomplete ERR_CONFLICT   one half of a pair
 *  keys_malformed ERR_CONFLICT    too long, or characters that cannot belong to a key
 *  keys_unsupported ERR_UNSUPPORTED  a profile that gets its keys from elsewhere
 *  keys_unreadable ERR_IO         the file
 *  keys_unreachable ERR_NETWORK   the credential provider
 *  keys_refused ERR_CLOUD         the same: it does not know the thing, or its role
 *  keys_bad_answer ERR_PROTOCOL   the same: what it says is no key */
#ifndef SERVICE_CLOUD_AWS_SOURCES_H
#define SERVICE_CLOUD_AWS_SOURCES_H

#include "service/cloud/aws_account.h"

/** These. @return ERR_OK, ERR_MEM */
enum err aws_keys_given(const struct aws_keys *keys, struct aws_config *c);
/** AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, if it is set, AWS_SESSION_TOKEN. */
void aws_keys_of_environment(struct aws_config *c);
/** The files of AWS's own tools: AWS_SHARED_CREDENTIALS_FILE or ~/.aws/credentials, and
 * AWS_CONFIG_FILE or ~/.aws/config. @param profile  "" = AWS_PROFILE, or "default"
 *  @return ERR_OK, ERR_MEM */
enum err aws_keys_of_file(const char *profile, struct aws_config *c);

/** AWS IoT's credential provider: a thing with a certificate asks for keys that last an hour. */
struct aws_provider {
    const char *endpoint; /* host[:port], "….credentials.iot.us-east-2.amazonaws.com" */
    const char *role_alias, *thing;
    const char *certificate_pem, *key_pem;
    const char *ca_pem; /* whom to trust; NULL = the system's authorities */
};
/** Copies all of it. @return ERR_OK, ERR_MEM */
enum err aws_keys_of_provider(const struct aws_provider *p, struct aws_config *c);

/** Put one text where it belongs. @return does it fit, and may it stand in a header field? */
bool aws_keys_put(char *out, size_t cap, const char *text);
#endif
