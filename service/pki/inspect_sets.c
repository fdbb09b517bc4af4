/* Design: a set is an upload of its own, put together of pieces that were found anywhere and judged
 * by the one judge that there is. Which file a piece is taken from matters only to who sends the
 * set's files again: so that no other board's key comes with them, where that can be helped. */
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/pki/describe.h"
#include "service/pki/inspect_parts.h"
#include "service/pki/pieces.h"

static enum err no_memory(void)
{
    return err_set(ERR_MEM, "out of memory for the sets");
}

/* ---- certificates ---- */

static bool issued(const struct inspect_cert *issuer, const struct inspect_cert *c)
{
    return issuer->ca && X509_check_issued(issuer->x, c->x) == X509_V_OK;
}

static void find_tops(struct inspection *s)
{
    for (size_t i = 0; i < s->cert_count; i++) {
        struct inspect_cert *c = &s->certs[i];
        c->top = c->ca;
        for (size_t j = 0; c->top && j < s->cert_count; j++)
            c->top = j == i || issued(c, c) || !issued(&s->certs[j], c);
    }
}

static size_t key_of(const struct inspection *s, const struct inspect_cert *c)
{
    for (size_t i = 0; c->key_id[0] && i < s->key_count; i++)
        if (!strcmp(s->keys[i].id, c->key_id)) return i;
    return INSPECT_NONE;
}

/* Self-made certificates of devices often call themselves a CA: one is a device's when its key is
 * here, and it has made no other. */
static bool is_device(const struct inspection *s, const struct inspect_cert *c)
{
    if (!c->ca) return true;
    if (key_of(s, c) == INSPECT_NONE) return false;
    for (size_t i = 0; i < s->cert_count; i++)
        if (&s->certs[i] != c && issued(c, &s->certs[i])) return false;
    return true;
}

/* ---- the parts of a set ---- */

struct parts {
    size_t certs[UPLOAD_CERTS_MAX], cert_files[UPLOAD_CERTS_MAX]; /* the device's own first */
    size_t cert_count;
    bool more_certs; /* than there is room for */
    size_t key_file, locked_file;
    size_t files[UPLOAD_CERTS_MAX + 2]; /* each once */
    size_t file_count;
};

static bool is_in(size_t what, const size_t *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == what) return true;
    return false;
}

static void add_cert(struct parts *p, size_t cert)
{
    if (is_in(cert, p->certs, p->cert_count)) return;
    p->more_certs = p->cert_count == UPLOAD_CERTS_MAX;
    if (!p->more_certs) p->certs[p->cert_count++] = cert;
}

/* The CAs on the way up, and all that are at a top: the one that the broker's certificate leads to
 * need have nothing to do with the device's own. */
static void add_cas(const struct inspection *s, struct parts *p)
{
    for (size_t at = 0; at < p->cert_count && !p->more_certs; at++)
        for (size_t i = 0; i < s->cert_count; i++)
            if (!s->certs[i].top && issued(&s->certs[i], &s->certs[p->certs[at]])) add_cert(p, i);
    for (size_t i = 0; i < s->cert_count && !p->more_certs; i++)
        if (s->certs[i].top) add_cert(p, i);
}

static bool same_folder(const struct inspect_file *a, const struct inspect_file *b)
{
    const char *x = strrchr(a->name, '/'), *y = strrchr(b->name, '/');
    size_t n = x ? (size_t)(x - a->name) : 0;
    return n == (y ? (size_t)(y - b->name) : 0) && !strncmp(a->name, b->name, n);
}

static size_t choose_file(const struct inspection *s, const struct parts *p,
                          const struct inspect_places *places, size_t own_key)
{
    size_t best = places->files[0];
    int best_rank = -1;
    for (size_t i = 0; i < places->count; i++) {
        size_t file = places->files[i];
        const struct inspect_note *note = &s->notes[file];
        bool foreign_key = note->key_count > 1 || (note->key_count && note->a_key != own_key);
        int rank = is_in(file, p->files, p->file_count) ? 4 : foreign_key ? 0 : 2;
        if (p->file_count && same_folder(&s->files[file], &s->files[p->files[0]])) rank++;
        if (rank <= best_rank) continue;
        best_rank = rank;
        best = file;
    }
    return best;
}

static void add_file(struct parts *p, size_t file)
{
    if (!is_in(file, p->files, p->file_count)) p->files[p->file_count++] = file;
}

static size_t common_prefix(const char *a, const char *b)
{
    size_t n = 0;
    while (a[n] && a[n] == b[n])
        n++;
    return n;
}

/* Nobody knows whose key is in a file that is closed: its name must tell. */
static size_t choose_locked(const struct inspection *s, size_t beside)
{
    size_t best = INSPECT_NONE, longest = 0;
    for (size_t i = 0; i < s->file_count; i++) {
        if (!s->notes[i].locked.file[0]) continue;
        size_t n = common_prefix(s->files[i].name, s->files[beside].name);
        if (best != INSPECT_NONE && n <= longest) continue;
        best = i;
        longest = n;
    }
    return best;
}

static void find_parts(const struct inspection *s, const struct inspect_core *core, struct parts *p)
{
    *p = (struct parts){.key_file = INSPECT_NONE, .locked_file = INSPECT_NONE};
    add_cert(p, core->cert);
    add_cas(s, p);
    for (size_t i = 0; i < p->cert_count; i++) {
        p->cert_files[i] = choose_file(s, p, &s->certs[p->certs[i]].places, core->key);
        add_file(p, p->cert_files[i]);
        if (i) continue;
        if (core->key != INSPECT_NONE)
            p->key_file = choose_file(s, p, &s->keys[core->key].places, core->key);
        else
            p->locked_file = choose_locked(s, p->files[0]);
        if (p->key_file != INSPECT_NONE) add_file(p, p->key_file);
        if (p->locked_file != INSPECT_NONE) add_file(p, p->locked_file);
    }
}

/* ---- the sets ---- */

static bool has_other_cert(const struct inspection *s, const struct inspect_core *core,
                           size_t *other_out)
{
    for (size_t i = 0; core->key != INSPECT_NONE && i < s->set_count; i++) {
        if (s->cores[i].key != core->key || s->cores[i].cert == core->cert) continue;
        *other_out = s->cores[i].cert;
        return true;
    }
    return false;
}

static void find_mac(const struct inspection *s, const struct parts *p, struct inspect_set *set)
{
    if (mac_find(set->common_name, set->mac) || mac_find(s->files[p->files[0]].name, set->mac))
        return;
    if (p->key_file != INSPECT_NONE) (void)mac_find(s->files[p->key_file].name, set->mac);
}

static enum err set_fill(struct inspection *s, size_t i)
{
    const struct inspect_core *core = &s->cores[i];
    struct inspect_set *set = &s->sets[i];
    struct parts p;
    find_parts(s, core, &p);
    set->files = malloc(p.file_count * sizeof *set->files);
    if (!set->files) return no_memory();
    memcpy(set->files, p.files, p.file_count * sizeof *set->files);
    set->file_count = p.file_count;
    describe_common_name(s->certs[core->cert].x, set->common_name, sizeof set->common_name);
    memcpy(set->fingerprint_sha256, s->certs[core->cert].fingerprint, SHA256_HEX);
    find_mac(s, &p, set);
    for (size_t c = 0; c < p.cert_count; c++)
        s->certs[p.certs[c]].used = true;
    if (core->key != INSPECT_NONE) s->keys[core->key].used = true;
    for (size_t f = 0; f < p.file_count; f++)
        s->files[p.files[f]].used = true;
    return ERR_OK;
}

/* A copy of what is used is of use too. */
static void mark_places(struct inspection *s, const struct inspect_places *places)
{
    for (size_t i = 0; i < places->count; i++)
        s->files[places->files[i]].used = true;
}

static void tell_unused(const struct inspection *s, struct inspect_content *c)
{
    const char *why = "";
    bool is_cert = c->kind == INSPECT_CERTIFICATE || c->kind == INSPECT_CA_CERTIFICATE;
    if (is_cert && s->certs[c->piece].device)
        c->kind = INSPECT_CERTIFICATE;
    else if (is_cert && s->set_count && !s->certs[c->piece].used)
        why = "It is on no way from a certificate here to a root CA: it is left out.";
    else if (c->kind == INSPECT_PRIVATE_KEY && !s->keys[c->piece].used)
        why = "No certificate here belongs to this key: add the one that was made for it.";
    if (*why) snprintf(c->detail, sizeof c->detail, "%s", why);
}

static void mark_unused(struct inspection *s)
{
    for (size_t i = 0; i < s->cert_count; i++)
        if (s->certs[i].used) mark_places(s, &s->certs[i].places);
    for (size_t i = 0; i < s->key_count; i++)
        if (s->keys[i].used) mark_places(s, &s->keys[i].places);
    for (size_t i = 0; i < s->file_count; i++)
        for (size_t j = 0; j < s->files[i].content_count; j++)
            tell_unused(s, &s->files[i].contents[j]);
}

enum err inspect_find_sets(struct inspection *s)
{
    enum err e = ERR_OK;
    find_tops(s);
    s->sets = calloc(s->cert_count + 1, sizeof *s->sets);
    s->cores = calloc(s->cert_count + 1, sizeof *s->cores);
    if (!s->sets || !s->cores) return no_memory();
    for (size_t i = 0; i < s->cert_count; i++) {
        struct inspect_cert *c = &s->certs[i];
        c->device = is_device(s, c);
        if (c->device) s->cores[s->set_count++] = (struct inspect_core){i, key_of(s, c)};
    }
    for (size_t i = 0; !e && i < s->set_count; i++)
        e = set_fill(s, i);
    if (!e) mark_unused(s);
    return e;
}

enum err inspect_find(const struct inspection *s, const char *fingerprint_sha256, size_t *set_out)
{
    size_t i = 0;
    while (i < s->set_count && strcmp(s->sets[i].fingerprint_sha256, fingerprint_sha256) != 0)
        i++;
    *set_out = i;
    if (i < s->set_count) return ERR_OK;
    return err_fail(ERR_CRYPTO, "certificate_not_found",
                    "Send the files in which inspect finds it, and their password if need be.",
                    "none of the %zu device certificates in these files has this fingerprint",
                    s->set_count);
}

/* ---- judging ---- */

/* What is put in is borrowed from the inspection: it is not to be disposed. */
static void put_cert(const struct inspection *s, size_t cert, size_t file, struct upload *u)
{
    struct upload_cert *c = &u->certs[u->cert_count++];
    *c = (struct upload_cert){.x = s->certs[cert].x, .copies = s->certs[cert].copies};
    place_name(s->files[file].name, c->file);
}

static void put_locked(const struct inspection *s, size_t file, struct upload *u)
{
    if (!u->locked.file[0]) u->locked = s->notes[file].locked;
}

static void put_note(const struct inspection *s, size_t file, struct upload *u)
{
    const struct inspect_note *note = &s->notes[file];
    size_t problems = u->problem.count + note->problem.count;
    u->changes |= note->changes;
    if (!u->problem.count) u->problem = note->problem;
    u->problem.count = problems;
    if (note->public_key_file[0]) memcpy(u->public_key_file, note->public_key_file, UPLOAD_NAME);
}

static void refuse_more_certs(struct upload *u)
{
    piece_refuse(u, "too_many_certificates",
                 "There are more than %d certificates for one device: send fewer CAs.",
                 UPLOAD_CERTS_MAX);
}

static void upload_of_set(const struct inspection *s, const struct inspect_core *core,
                          struct upload *u)
{
    struct parts p;
    size_t other;
    find_parts(s, core, &p);
    for (size_t i = 0; i < p.cert_count; i++)
        put_cert(s, p.certs[i], p.cert_files[i], u);
    for (size_t i = 0; i < p.file_count; i++)
        put_note(s, p.files[i], u);
    if (p.more_certs) refuse_more_certs(u);
    if (core->key != INSPECT_NONE) {
        u->key = s->keys[core->key].key;
        place_name(s->files[p.key_file].name, u->key.file);
    }
    if (p.locked_file != INSPECT_NONE) put_locked(s, p.locked_file, u);
    if (has_other_cert(s, core, &other))
        place_name(s->files[s->certs[other].places.files[0]].name, u->same_key_file);
}

static void upload_of_all(const struct inspection *s, struct upload *u)
{
    for (size_t i = 0; i < s->cert_count && i < UPLOAD_CERTS_MAX; i++)
        put_cert(s, i, s->certs[i].places.files[0], u);
    for (size_t i = 0; i < s->file_count; i++) {
        put_note(s, i, u);
        put_locked(s, i, u);
    }
    if (s->cert_count > UPLOAD_CERTS_MAX) refuse_more_certs(u);
    if (s->key_count) u->key = s->keys[0].key;
    for (size_t i = 1; i < s->key_count && i <= UPLOAD_KEYS_MAX; i++)
        u->other_keys[u->other_key_count++] = s->keys[i].key;
}

enum err inspect_judge(const struct inspection *s, size_t set, const struct credential_rules *rules,
                       struct check_list *checks_out, struct credential **c_out)
{
    struct upload u;
    memset(&u, 0, sizeof u);
    if (s->set_count)
        upload_of_set(s, &s->cores[set], &u);
    else
        upload_of_all(s, &u);
    return credential_judge(&u, rules, checks_out, c_out);
}
