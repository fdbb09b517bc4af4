/* Files of AWS's tools: whatever they hold, what is taken of them may stand in a header field. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "service/cloud/aws_ini.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *text, size_t cap)
{
    assert(memchr(text, '\0', cap));
    for (; *text; text++)
        assert(*text > ' ' && *text <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"default", "bench", "a b", ""};
    struct aws_profile both = {.found = false};
    for (size_t i = 0; i < 8; i++) {
        struct aws_profile p = {.found = false};
        enum aws_ini_kind kind = i & 1 ? AWS_INI_CONFIG : AWS_INI_CREDENTIALS;
        aws_ini_read((const char *)data, size, kind, names[i / 2], &p);
        check(p.keys.access_key_id, AWS_KEY_ID);
        check(p.keys.secret_access_key, AWS_SECRET);
        check(p.keys.session_token, AWS_TOKEN);
        assert(memchr(p.unsupported, '\0', sizeof p.unsupported));
        assert(p.found || (!p.keys.access_key_id[0] && !p.malformed && !p.unsupported[0]));
        aws_ini_read((const char *)data, size, kind, names[0], &both);
    }
    return 0;
}
