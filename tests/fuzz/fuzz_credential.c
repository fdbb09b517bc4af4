/* The input is cut at the line "----8<----" into files of one upload. Whatever they are, the checks
 * must be told; a credential that passes must come back from its own texts, unchanged, be clean by
 * its own measure, and give images. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "service/pki/changes.h"
#include "service/pki/credential.h"
#include "service/pki/image.h"

enum { FILES_MAX = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char cut[] = "----8<----\n";
/* 2027-01-15: within the dates of the certificates in the corpus. */
static const int64_t now = 1800000000;

static void must(int condition)
{
    if (!condition) abort();
}

static size_t split(const uint8_t *data, size_t size, struct credential_input *in)
{
    size_t n = 0;
    while (n < FILES_MAX) {
        const uint8_t *end = size ? memmem(data, size, cut, sizeof cut - 1) : NULL;
        size_t len = end ? (size_t)(end - data) : size;
        in[n++] = (struct credential_input){"file", data, len};
        if (!end) break;
        data = end + sizeof cut - 1;
        size -= len + sizeof cut - 1;
    }
    return n;
}

static void expect_same_text(const struct credential *a, const struct credential *b)
{
    for (int part = CREDENTIAL_CERTIFICATE; part <= CREDENTIAL_ROOT_CA; part++) {
        size_t n = 0, m = 0;
        const char *s = credential_pem(a, (enum credential_part)part, &n);
        const char *t = credential_pem(b, (enum credential_part)part, &m);
        must(n == m && !memcmp(s, t, n) && s[n] == '\0');
    }
}

static void expect_usable(const struct credential *c, const struct credential_rules *rules)
{
    static const enum credential_part parts[] = {CREDENTIAL_CERTIFICATE, CREDENTIAL_KEY,
                                                 CREDENTIAL_ROOT_CA};
    struct credential *back = NULL, *again = NULL;
    struct credential_input in[3];
    struct check_list checks;
    struct image_set images;
    size_t n = 0;
    for (size_t i = 0; i < 3; i++) {
        in[i].name = "text";
        in[i].data = (const uint8_t *)credential_pem(c, parts[i], &in[i].len);
    }
    must(!credential_restore((const char *)in[0].data, (const char *)in[2].data,
                             (const char *)in[1].data, in[1].len, &back));
    expect_same_text(c, back);
    must(!credential_read(in, 3, rules, &checks, &again));
    must(!(credential_info(again)->changes & ~(unsigned)CHANGE_TWICE)); /* a CA in chain and root */
    expect_same_text(c, again);
    const struct layout_stock *stock = layout_stock_list("esp32", &n);
    must(n &&
         !image_set_build(c, &stock[0].layout, &(struct target){.kind = TARGET_MQTT}, NULL,
                          &images) &&
         images.count == 3);
    image_set_dispose(&images);
    credential_free(back);
    credential_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct credential_input in[FILES_MAX];
    struct credential_rules rules = {.password = size & 2 ? "secret" : NULL,
                                     .now_unix_s = now,
                                     .allow_unrelated_ca = size & 1,
                                     .allow_dates = true};
    struct check_list checks;
    struct credential *c = NULL;
    enum err e = credential_read(in, split(data, size, in), &rules, &checks, &c);
    must((c != NULL) == (e == ERR_OK));
    must((check_first_failure(&checks) != NULL) == (e != ERR_OK));
    must(checks.count >= 2 && checks.count <= CHECKS_MAX);
    for (size_t i = 0; i < checks.count; i++)
        must(checks.items[i].detail[0] && checks.items[i].name[0]);
    if (c) expect_usable(c, &rules);
    credential_free(c);
    return 0;
}
