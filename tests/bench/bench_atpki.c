/* How many devices' worth of images one core makes in a second, from one RSA-2048 credential.
 * atpki_sets: the three AtPKI images. image_sets: the same as the service gives them out, with
 * SHA-256 and in locked memory. nvs_images: a stock mfg_nvs of 112 KiB with its three values
 * exchanged. nvs_sets: the same as the service gives it out. */
#include <stdio.h>
#include <string.h>

#include "service/base/deadline.h"
#include "service/base/file.h"
#include "service/pki/atpki.h"
#include "service/pki/image.h"
#include "service/pki/nvs_edit.h"

enum { ROUNDS = 20000, NVS_ROUNDS = 1000, RUNS = 5, NVS_BYTES = 112 * 1024 };

static struct credential *credential;
static struct layout layout, nvs_layout;
static struct buf out[3], mfg_nvs, edited;

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
    if (n < 2) return err_set(ERR_INTERNAL, "no stock layouts");
    layout = stock[0].layout;
    nvs_layout = stock[1].layout;
    buf_init_secret(&mfg_nvs, NVS_BYTES);
    buf_init_secret(&edited, NVS_BYTES);
    return e ? e : file_read("tests/data/mfg_nvs/out/at_esp32.idf502.bin", &mfg_nvs);
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

static enum err nvs_image(void)
{
    struct nvs_change changes[] = {{.space = "mqtt_cert", .key = "mqtt_cert"},
                                   {.space = "mqtt_key", .key = "mqtt_key"},
                                   {.space = "mqtt_ca", .key = "mqtt_ca"}};
    for (int i = 0; i < TARGET_PARTS; i++)
        changes[i].data = credential_pem(credential, (enum credential_part)i, &changes[i].len);
    buf_reset(&edited);
    return nvs_edit(mfg_nvs.data, mfg_nvs.len, changes, TARGET_PARTS, &edited);
}

static enum err read_present(const struct partition *p, struct secret *present_out, void *arg)
{
    (void)p, (void)arg;
    return secret_copy(mfg_nvs.data, mfg_nvs.len, present_out);
}

static enum err nvs_set_of_images(void)
{
    struct image_set set;
    const struct image_source now = {read_present, NULL};
    enum err e =
        image_set_build(credential, &nvs_layout, &(struct target){.kind = TARGET_MQTT}, &now, &set);
    image_set_dispose(&set);
    return e;
}

/* The best of a few runs: what else the machine does can only make a run slower. */
static enum err measure(const char *name, int rounds, enum err (*once)(void))
{
    double best = 0;
    for (int run = 0; run < RUNS; run++) {
        int64_t start = deadline_now_ns();
        for (int i = 0; i < rounds; i++) {
            enum err e = once();
            if (e) return e;
        }
        double per_s = rounds * 1e9 / (double)(deadline_now_ns() - start);
        if (per_s > best) best = per_s;
    }
    printf("{\"bench\":\"%s\",\"per_second\":%.0f}\n", name, best);
    return ERR_OK;
}

int main(void)
{
    enum err e = load();
    if (!e) e = measure("atpki_sets", ROUNDS, atpki_set);
    if (!e) e = measure("image_sets", ROUNDS, image_set);
    if (!e) e = measure("nvs_images", NVS_ROUNDS, nvs_image);
    if (!e) e = measure("nvs_sets", NVS_ROUNDS, nvs_set_of_images);
    if (e) fprintf(stderr, "%s\n", err_last()->detail);
    for (size_t i = 0; i < 3; i++)
        buf_dispose(&out[i]);
    buf_dispose(&mfg_nvs);
    buf_dispose(&edited);
    credential_free(credential);
    return e ? 1 : 0;
}
