/* signature: how a receiver knows that a delivery is ours, by the rules of Standard Webhooks. Pure.
 */
#ifndef SERVICE_HOOKS_SIGNATURE_H
#define SERVICE_HOOKS_SIGNATURE_H

#include <stddef.h>
#include <stdint.h>

#include "service/base/err.h"

enum { SIGNATURE_KEY = 32, SIGNATURE_SECRET = 52, SIGNATURE_TEXT = 49 };

/** A new key. */
void signature_key_new(uint8_t out[SIGNATURE_KEY]);
/** It as its owner gets it: "whsec_…". Wipe both after use. @return @p out */
const char *signature_secret(const uint8_t key[SIGNATURE_KEY], char out[SIGNATURE_SECRET]);

struct signed_message {
    const char *id;   /* webhook-id */
    int64_t unix_s;   /* webhook-timestamp */
    const char *body; /* as it goes out */
    size_t body_len;
};
/** "v1,…": the value of webhook-signature. @return ERR_OK, ERR_MEM */
enum err signature_make(const void *key, size_t key_len, const struct signed_message *m,
                        char out[SIGNATURE_TEXT]);
#endif
