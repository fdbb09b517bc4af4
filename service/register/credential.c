/* credential: what came of a registration as a credential of espgate, from which jobs write. */
#include <string.h>

#include "service/base/clock.h"
#include "service/register/kept.h"
#include "service/register/work.h"

static enum err read_parts(struct work *w, struct check_list *checks, struct credential **out)
{
    const char *pem;
    enum err e = work_certificate(w, &pem);
    if (e) return e;
    const struct credential_input inputs[] = {
        {"the certificate", (const uint8_t *)pem, strlen(pem)},
        {"the key", w->secret.key.data, w->secret.key.len},
        {"the root certificates", w->roots.data, w->roots.len},
    };
    /* A device's certificate of AWS is not signed by its broker's root, and this machine's clock
     * may be wrong where AWS's was right. */
    const struct credential_rules rules = {
        .now_unix_s = clock_now_ms() / 1000, .allow_unrelated_ca = true, .allow_dates = true};
    return credential_read(inputs, sizeof inputs / sizeof *inputs, &rules, checks, out);
}

static enum err keep(struct work *w)
{
    struct check_list checks;
    struct credential *c = NULL;
    struct credential_record kept = {.id = ""};
    struct credential_duplicate twice = {.allowed = true}; /* a retried one, with other roots */
    enum err e = read_parts(w, &checks, &c);
    if (!e) {
        const struct kept_input in = {
            .id = w->record->credential, .credential = c, .checks = &checks};
        e = credential_keep(w->use->store, &in, &twice, &kept);
    }
    credential_record_dispose(&kept);
    credential_free(c);
    return e;
}

static bool is_kept(struct work *w)
{
    struct credential_record r;
    bool there = store_credential_get(w->use->store, w->record->credential, &r) == ERR_OK;
    if (there) credential_record_dispose(&r);
    return there;
}

enum err make_credential(struct work *w)
{
    if (w->p.credential == FATE_MADE || w->p.credential == FATE_FOUND) return ERR_OK;
    if (w->spec.credential[0]) {
        memcpy(w->record->credential, w->spec.credential, sizeof w->record->credential);
        w->p.credential = FATE_FOUND;
        return ERR_OK;
    }
    if (!w->record->credential[0]) id_new("cred", w->record->credential);
    w->p.credential = FATE_INTENT;
    enum err e = work_save(w);
    if (!e && !is_kept(w)) e = keep(w);
    if (!e) w->p.credential = FATE_MADE;
    return e;
}
