/* Design: which member holds what is left to the content, as with files: AWS IoT calls them
 * certificatePem and keyPair.PrivateKey, others otherwise. */
#include <ctype.h>
#include <jansson.h>
#include <string.h>

#include "service/base/json_in.h"
#include "service/pki/unpack.h"

enum { DEPTH_MAX = 8 };

bool unpack_is_base64(const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!isalnum(data[i]) && !isspace(data[i]) && !strchr("+/=", data[i] ? data[i] : ' '))
            return false;
    return len > 64;
}

/* DER of any size worth it begins with 30 8x, which is MI in base64; so hashes and ids, which are
 * also written in such letters, are passed over. */
static bool is_file(const char *text, size_t n)
{
    const uint8_t *bytes = (const uint8_t *)text;
    return pem_is_in(bytes, n) || (n > 2 && !memcmp(text, "MI", 2) && unpack_is_base64(bytes, n));
}

static enum err walk(json_t *value, const char *name, unsigned depth, unpack_fn fn, void *arg)
{
    enum err e = ERR_OK;
    const char *key;
    json_t *item;
    size_t i;
    if (json_is_string(value)) {
        const char *text = json_string_value(value);
        size_t n = json_string_length(value);
        if (!is_file(text, n)) return ERR_OK;
        return fn(&(struct credential_input){name, (const uint8_t *)text, n}, arg);
    }
    if (depth == DEPTH_MAX) return ERR_OK;
    json_object_foreach(value, key, item) if (!e) e = walk(item, key, depth + 1, fn, arg);
    json_array_foreach(value, i, item) if (!e) e = walk(item, name, depth + 1, fn, arg);
    return e;
}

enum err unpack_json(const struct credential_input *in, unpack_fn fn, void *arg)
{
    json_t *root;
    enum err e = json_in_text((const char *)in->data, in->len, &root);
    if (e) return e;
    e = walk(root, in->name, 0, fn, arg);
    json_decref(root);
    return e;
}
