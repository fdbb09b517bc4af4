/* How many devices' worth of images one core makes in a second, from one RSA-2048 credential.
 * atpki_sets: the three AtPKI images. image_sets: the same as the service gives them out, with MD5,
 * SHA-256 and locked memory. */
#include <stdio.h>
#include <string.h>

#include "service/base/deadline.h"
#include "service/base/file.h"
#include "service/pki/atpki.h"
#include "service/pki/image.h"

enum { ROUNDS = 20000, RUNS = 5 };

static struct credential *credential;
static struct layout layout;
static struct buf out[3];

static enum err load(void)
{
    static const char *const paths[] = {"tests/data/atpki/in/dev_rsa.crt",
                                        "tests/data/atpki/in/dev_rsa_pkcs1.key",
                                        "tests/data/atpki/in/root_ca.pem"};
    struct credential_input in[3];
    struct credential_rules rules = {.allow_unrelated_ca = true, .allow_dates = true};
    struct check_list checks;
    struct buf files[3];
    enum err e = ERR_OK;
    for (size_t i = 0; i < 3; i++) {
        buf_init_secret(&out[i], 8192);
        buf_init_secret(&files[i], 8192);
        if (!e) e = file_read(paths[i], &files[i]);
        in[i] = (struct credential_input){paths[i], files[i].data, files[i].len};
    }
    if (!e) e = credential_read(in, 3, &rules, &checks, &credential);
    for (size_t i = 0; i < 3; i++)
        buf_dispose(&files[i]);
    size_t n = 0;
    const struct layout_stock *stock = layout_stock_list("esp32", &n);
    if (n) layout = stock[0].layout;
    return e;
}

static enum err atpki_set(void)
{
    static const struct {
        enum atpki_type type;
        enum credential_part part;
    } parts[] = {{ATPKI_CERT, CREDENTIAL_CERTIFICATE},
                 {ATPKI_KEY, CREDENTIAL_KEY},
                 {ATPKI_CA, CREDENTIAL_ROOT_CA}};
    enum err e = ERR_OK;
    for (size_t i = 0; !e && i < 3; i++) {
        struct atpki_item item = {.type = parts[i].type};
        item.data = (const uint8_t *)credential_pem(credential, parts[i].part, &item.len);
        buf_reset(&out[i]);
        e = atpki_build(&item, 1, &out[i]);
    }
    return e;
}

static enum err image_set(void)
{
    struct image_set set;
    enum err e =
        image_set_build(credential, &layout, &(struct target){.kind = TARGET_MQTT}, NULL, &set);
    image_set_dispose(&set);
    return e;
}

/* The best of a few runs: what else the machine does can only make a run slower. */
static enum err measure(const char *name, enum err (*once)(void))
{
    double best = 0;
    for (int run = 0; run < RUNS; run++) {
        int64_t start = deadline_now_ns();
        for (int i = 0; i < ROUNDS; i++) {
            enum err e = once();
            if (e) return e;
        }
        double per_s = ROUNDS * 1e9 / (double)(deadline_now_ns() - start);
        if (per_s > best) best = per_s;
    }
    printf("{\"bench\":\"%s\",\"per_second\":%.0f}\n", name, best);
    return ERR_OK;
}

int main(void)
{
    enum err e = load();
    if (!e) e = measure("atpki_sets", atpki_set);
    if (!e) e = measure("image_sets", image_set);
    if (e) fprintf(stderr, "%s\n", err_last()->detail);
    for (size_t i = 0; i < 3; i++)
        buf_dispose(&out[i]);
    credential_free(credential);
    return e ? 1 : 0;
}
